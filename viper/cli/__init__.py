"""The `viper` command: one module per verb."""
