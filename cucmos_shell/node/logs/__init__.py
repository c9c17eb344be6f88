"""The audit log, and the alarms with their log."""
