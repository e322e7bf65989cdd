"""Check that `viper.toml` and the variables `VIPER_…` can be read; otherwise verbs with settings fail."""

from __future__ import annotations

from viper.doctor.check_result import CheckResult
from viper.errors import ConfigError
from viper.settings.schema import load_settings
from viper.texts.terminal import one_line

__all__ = ["settings_check"]


def settings_check() -> CheckResult:
    """Read the settings as the verbs do."""
    try:
        load_settings()
    except ConfigError as error:
        fix = "Correct it as the message says; docs/configuration.md lists all settings."
        return CheckResult("machine", "problem", "settings", one_line(str(error)), fix)
    return CheckResult(
        "machine", "ok", "settings", "viper.toml and VIPER_… can be read (viper config show)"
    )
