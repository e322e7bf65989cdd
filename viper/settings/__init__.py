"""Settings of the command line: `viper.toml` and `VIPER_*`."""
