"""A node of a lab: faults that are set on it, a clock that can be moved, states to begin with."""
