"""The grammar generator: programs without any model."""
