"""What a node does over several of its parts, the network included."""
