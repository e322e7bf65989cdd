"""Settings: the file `viper.toml` and the variables `VIPER_…`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viper.settings.schema import SettingsTree, load_settings

__all__ = ["SettingsTree", "load_settings"]


def __getattr__(name: str) -> Any:  # the schema takes a while to import
    if name not in __all__:
        raise AttributeError(f"module 'viper.settings' has no attribute {name!r}")
    from viper.settings import schema

    return getattr(schema, name)
