"""`viper program-cache list|clear`: programs of language models, kept for reuse."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from viper.cli.errors import exit_on_error
from viper.cli.options import json_option
from viper.cli.output import echo, notice, print_json
from viper.cli.settings import program_cache_file
from viper.storage.user_cache import NO_HOME, user_cache_folder
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.generate.program_cache import Entry, Store

__all__ = ["program_cache"]

_OFF = "the program cache is off (VIPER_PROGRAM_CACHE or program_cache in viper.toml)."
_NO_PLACE = (
    f"there is no program cache: {NO_HOME}. Set HOME, or name a file with VIPER_PROGRAM_CACHE."
)


@click.group("program-cache")
def program_cache() -> None:
    """Show or clear the program cache: programs that a language model wrote, kept for reuse.

    A program that answered a question is kept with the form of the question ("how many ‹noun plural› are
    there"). The next question of that form reuses the program with its own words, without asking a
    model.

    The file is in the user's cache folder; VIPER_PROGRAM_CACHE names another one, or is "off".
    """


@program_cache.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the programs, most used first."""
    store = _store()
    entries = _or_exit(store.entries) if store is not None else []
    if as_json:
        path = None if store is None else str(store.path)
        print_json({"path": path, "entries": [_entry_json(entry) for entry in entries]})
        return
    for entry in entries:
        age = _age(time.time() - entry.made_s)
        echo(f"{entry.uses:>6}  {age:>5}  {one_line(entry.generator)}  {one_line(entry.skeleton)}")
    if store is None:
        notice(_why_none())
    elif not entries:
        notice(f"there is no program in {str(store.path)!r}.")


@program_cache.command("clear")
@json_option
def clear(as_json: bool) -> None:
    """Remove all programs."""
    store = _store()
    removed = _or_exit(store.clear) if store is not None else 0
    if as_json:
        print_json({"path": None if store is None else str(store.path), "removed": removed})
    elif store is None:
        notice(_why_none())
    else:
        notice(f"{removed} programs were removed.")


def _store() -> Store | None:
    from viper.generate.program_cache import Store

    with exit_on_error(debug=False):
        path = program_cache_file()
    return None if path is None else Store(path)


def _why_none() -> str:
    return _NO_PLACE if user_cache_folder() is None else _OFF


def _or_exit(work: Any) -> Any:  # a method of the store, and its result
    from viper.generate.program_cache import StoreError

    try:
        return work()
    except StoreError as error:
        notice(f"{error} Remove the file, or name another with VIPER_PROGRAM_CACHE.")
        sys.exit(1)


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "skeleton": entry.skeleton,
        "generator": entry.generator,
        "uses": entry.uses,
        "age_s": round(max(0.0, time.time() - entry.made_s), 1),
    }


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"
