"""Values that several families show, as lines and as data."""
