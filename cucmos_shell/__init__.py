"""An open appliance command line over a real certificate store."""

__version__ = "0.1.0"
