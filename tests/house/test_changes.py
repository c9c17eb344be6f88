"""A node is changed in one way, which everything hangs on that follows a change."""

import ast

from tree import modules


def test_a_change_goes_through_the_node():
    """Outside the store, `Node.change` and `Node.create` alone make transactions and commit."""
    found = {
        (name, node.func.attr)
        for name, (_, tree) in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func).endswith((".commit", "store.begin", "store.create"))
    }
    assert {name for name, _ in found} == {"node.node"}
    assert {method for _, method in found} == {"begin", "create", "commit"}
