"""How the built-in models are trained: `python -m viper.builtin.train`."""
