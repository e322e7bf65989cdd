"""The benchmark runner: scores that can be trusted.

A task reads samples; the runner answers them with one engine; metrics judge them; the report counts
a failed sample as wrong, always.
"""
