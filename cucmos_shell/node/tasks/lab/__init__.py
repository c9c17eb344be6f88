"""What is done to a node of a lab over several of its parts: states, scenarios, snapshots."""
