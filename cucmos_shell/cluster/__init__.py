"""Several nodes that hold the same trust certificates; begin with `rules`."""
