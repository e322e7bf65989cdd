"""Generators: they turn a question into a program."""
