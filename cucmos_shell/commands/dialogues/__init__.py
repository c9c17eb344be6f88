"""Stretches of conversation that several families hold."""
