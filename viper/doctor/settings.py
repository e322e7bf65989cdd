"""Whether `viper.toml` and the variables `VIPER_…` can be read; every verb with settings fails where not."""

from __future__ import annotations

from viper.doctor.check_result import CheckResult
from viper.errors import ConfigError
from viper.llm.replies import redact

__all__ = ["settings_finding"]


def settings_finding() -> CheckResult:
    """Read the settings as the verbs do."""
    from viper.settings.schema import load_settings

    try:
        load_settings()
    except ConfigError as error:
        cure = "Correct it where the message says; docs/configuration.md lists all settings."
        return CheckResult("machine", "problem", "settings", redact(str(error)), cure)
    return CheckResult(
        "machine", "ok", "settings", "viper.toml and VIPER_… can be read (viper config show)"
    )
