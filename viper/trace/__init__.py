"""Traces: a whole run as a value."""
