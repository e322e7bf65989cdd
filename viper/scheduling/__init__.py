"""From requests to forwards: queues, batches, caches and prefetching."""
