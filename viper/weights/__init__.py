"""Weights of models from the hub: which files are needed, what is on disk, and fetching the rest."""
