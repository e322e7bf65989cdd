"""Settings as defaults of the options that the command line leaves out."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.engine.options import OPTIONS
from viper.settings.sources import anything_set

if TYPE_CHECKING:
    from viper.settings.schema import SettingsTree

__all__ = ["apply_settings", "current_settings", "program_cache_file", "text_cache_folder"]

_META = "viper.settings.schema"


def current_settings() -> SettingsTree:
    """Return the settings of this run of the command line, read once.

    Raises:
        ConfigError: File or environment hold a wrong value.
    """
    from viper.cli.output import notice
    from viper.settings.schema import load_settings, unknown_variables

    context = click.get_current_context(silent=True)
    if context is not None and _META in context.meta:
        tree: SettingsTree = context.meta[_META]
        return tree
    tree = load_settings()
    for sentence in unknown_variables():
        notice(sentence)
    if context is not None:
        context.meta[_META] = tree
    return tree


def _changed() -> dict[str, Any]:
    """Return the settings that are not defaults, by dotted name."""
    return current_settings().changed() if anything_set() else {}


def apply_settings(
    options: dict[str, Any], *, table: str = "", only: Collection[str] | None = None
) -> None:
    """Replace defaults among parsed options by settings; options given on the command line stay.

    Args:
        options: Parsed options by name; changed in place. The key `further` gets the settings of
            engine arguments that have no option. A verb that writes drafts keeps its default of no
            models: it takes neither models nor backends from settings.
        table: Take the settings of this table, such as `serve`, instead of the engine's.
        only: Take only these names; all if None.

    Raises:
        ConfigError: File or environment hold a wrong value.
    """
    context = click.get_current_context(silent=True)
    if context is None or (not table and "further" in options):
        return  # not called from a command line, or already done
    from click.core import ParameterSource

    changed = {name: value for name, value in _changed().items() if only is None or name in only}
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
        options["further"] = {
            name: value
            for name, value in changed.items()
            if name in OPTIONS and OPTIONS[name].flag is None
        }
    if own and "backends" in options:
        options["backends"] = (*own, *options["backends"])  # the last one for a role wins


def text_cache_folder() -> Path | None:
    """Return the folder of embeddings of texts: that of the settings, else in the user's cache folder.

    Returns:
        None where the settings say `off`, or name none and the user has no home folder.

    Raises:
        ConfigError: File or environment hold a wrong value.
    """
    from viper.storage.user_cache import expand_user, user_cache_folder

    if (folder := _changed().get("text_cache")) is None:
        caches = user_cache_folder()
        return None if caches is None else caches / "texts"
    return None if str(folder).lower() == "off" else expand_user(folder)


def program_cache_file(named: Path | None = None) -> Path | None:
    """Return the file of the program cache: the named one, else that of the settings, else the default.

    Returns:
        None where the settings switch the program cache off, or name none and the user has no home folder.

    Raises:
        ConfigError: File or environment hold a wrong value.
    """
    from viper.generate.program_cache import program_cache_path
    from viper.storage.user_cache import expand_user

    if (file := named or _changed().get("program_cache")) is None:
        return program_cache_path()
    return None if str(file).lower() == "off" else expand_user(file)
