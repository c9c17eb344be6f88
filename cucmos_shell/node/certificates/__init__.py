"""The node's certificates: making them, taking uploads, anchors, searches, trust lists."""
