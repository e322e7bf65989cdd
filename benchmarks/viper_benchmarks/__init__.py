"""The benchmark runner: scores an engine on data sets.

A task reads samples, the runner answers them with one engine, and metrics score the answers. A failed
sample always counts as wrong.
"""
