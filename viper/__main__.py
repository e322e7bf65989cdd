"""`python -m viper` is the `viper` command."""

from viper.cli import main

main()
