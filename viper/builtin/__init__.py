"""A small world that ships with Viper, and the models that know it."""
