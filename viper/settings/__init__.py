"""Settings: the file `viper.toml` and the variables `VIPER_…`."""

from viper.settings.schema import SettingsTree, load_settings

__all__ = ["SettingsTree", "load_settings"]
