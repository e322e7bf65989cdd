"""The version of Viper, also written into traces and other files."""

__version__ = "0.2.0"
