"""What runs on the node, when it started, and which certificate it has loaded."""
