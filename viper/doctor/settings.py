"""Whether `viper.toml` and the variables `VIPER_…` can be read; every verb with settings fails where not."""

from __future__ import annotations

from viper._llm_wire import scrub
from viper.doctor.findings import Finding
from viper.errors import ConfigError

__all__ = ["settings_finding"]


def settings_finding() -> Finding:
    """Read the settings as the verbs do."""
    from viper.settings import load_settings

    try:
        load_settings()
    except ConfigError as error:
        cure = "Correct it where the message says; docs/configuration.md lists all settings."
        return Finding("machine", "problem", "settings", scrub(str(error)), cure)
    return Finding(
        "machine", "ok", "settings", "viper.toml and VIPER_… can be read (viper config show)"
    )
