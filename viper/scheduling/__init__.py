"""Scheduling of model requests: queues, batches, caches, prefetching. This file imports nothing."""

__all__ = ["MAX_BATCH"]

MAX_BATCH = 64
"""Most requests per forward, unless the engine's options say otherwise."""
