"""Viper answers questions about images by writing programs."""
