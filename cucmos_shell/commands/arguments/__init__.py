"""Types of arguments: what a person may name, its live choices, and what it is turned into."""
