"""Checks for those who extend Viper."""
