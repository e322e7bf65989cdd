"""Training of the built-in models: `python -m viper.builtin.train`."""
