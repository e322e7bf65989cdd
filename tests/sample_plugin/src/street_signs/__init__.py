"""A plugin of Viper for its tests; nothing is imported here."""
