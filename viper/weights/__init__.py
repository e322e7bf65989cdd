"""Model weights from the hub: needed files, the local cache, and downloads."""
