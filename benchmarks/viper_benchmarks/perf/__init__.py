"""Benchmarks of the engine's speed: `python -m viper_benchmarks.perf NAME --json`.

One module per benchmark, each a click command that prints one object. They are run by hand on a quiet
machine and are never tests: a test that is timed fails on a busy machine and proves nothing on a fast one.
"""
