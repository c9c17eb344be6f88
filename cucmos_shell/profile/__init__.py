"""Products as data: a profile file, checked and kept with the node.

`profile` is the checked product that the rest of the program reads; it is light. `load` reads a
profile file with `source` (YAML), checks its form by `schema` and its references, and is imported
only when a node is installed. `bulk` and `phone_lists` are the parts of a product of their own.
"""
