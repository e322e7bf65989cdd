"""Implementations of the API's methods, and the dispatcher of a program's calls."""
