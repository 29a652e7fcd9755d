"""The version of the interface that this package stands in for."""

__version__ = "0.1.0"
