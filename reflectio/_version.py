"""The version of reflectio."""

__version__ = "0.1.0"
