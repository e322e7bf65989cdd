"""Puts settings in the place of defaults: for options that the command line leaves out."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from viper.settings.schema import SettingsTree

__all__ = ["apply_settings", "current_settings"]

_WITHOUT_OPTION = ("model_call_s", "cache_mb", "max_batch")
# Arguments of the engine that can be set, and have no option.

_META = "viper.settings.schema"


def current_settings() -> SettingsTree:
    """Return the settings of this run of the command line, read once.

    Raises:
        ConfigError: File or environment hold a wrong value.
    """
    from viper.cli.output import notice
    from viper.settings.schema import load_settings, strange_variables

    context = click.get_current_context(silent=True)
    if context is not None and _META in context.meta:
        held: SettingsTree = context.meta[_META]
        return held
    tree = load_settings()
    for sentence in strange_variables():
        notice(sentence)
    if context is not None:
        context.meta[_META] = tree
    return tree


def apply_settings(
    options: dict[str, Any], *, table: str = "", only: Collection[str] | None = None
) -> None:
    """Replace the defaults among parsed options by what is set; what was given stays.

    Args:
        options: Parsed options by name; changed in place. `further` becomes the engine's arguments that are
            set and have no option. A verb that writes drafts (whose default is
            to have no models) keeps that default: models and backends are not taken from settings.
        table: Take the settings of this table, such as `serve`, instead of the engine's.
        only: Take these names alone; all if None.

    Raises:
        ConfigError: File or environment hold a wrong value.
    """
    context = click.get_current_context(silent=True)
    if context is None or (not table and "further" in options):
        return  # not called by a command line, or done before
    from click.core import ParameterSource

    changed = {
        name: value
        for name, value in current_settings().changed().items()
        if only is None or name in only
    }
    drafts = any(p.name == "models" and p.default == "none" for p in context.command.params)
    own: list[str] = []
    for name, value in changed.items():
        head, dot, key = name.rpartition(".")
        if head == "backends" and not table:
            own += [] if drafts else [f"{key}={value}"]
        elif head == table and key in options and not (drafts and key == "models" and not dot):
            source = context.get_parameter_source(key)
            if source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
                options[key] = value
    if not table:
        options["further"] = {name: changed[name] for name in _WITHOUT_OPTION if name in changed}
    if own and "backends" in options:
        options["backends"] = (*own, *options["backends"])  # the last one of a role counts
