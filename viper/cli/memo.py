"""`viper memo list|clear`: programs of language models that are used again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from viper.generate.program_cache import Entry, Store

__all__ = ["memo"]


@click.group()
def memo() -> None:
    """Show or clear the memo: programs that a language model wrote, used again.

    A program that answered a question is kept with the form of the question ("how many ‹noun plural› are
    there"). The next question of that form gets the program with its own words, and no model is asked.

    The memo lies in the user's cache folder; VIPER_MEMO names another file, or is "off".
    """


@memo.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def list_(as_json: bool) -> None:
    """List what is remembered, most used first."""
    from viper.cli.output import notice, one_line, print_json

    store = _store()
    entries = _or_exit(store.entries) if store is not None else []
    if as_json:
        path = None if store is None else str(store.path)
        print_json({"path": path, "entries": [_entry_json(entry) for entry in entries]})
        return
    for entry in entries:
        age = _age(time.time() - entry.made_s)
        click.echo(
            f"{entry.uses:>6}  {age:>5}  {one_line(entry.generator)}  {one_line(entry.skeleton)}"
        )
    if store is None:
        notice("the memo is off (VIPER_MEMO=off).")
    elif not entries:
        notice(f"nothing is remembered in {str(store.path)!r}.")


@memo.command("clear")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def clear(as_json: bool) -> None:
    """Forget everything."""
    from viper.cli.output import notice, print_json

    store = _store()
    removed = _or_exit(store.clear) if store is not None else 0
    if as_json:
        print_json({"path": None if store is None else str(store.path), "removed": removed})
    elif store is None:
        notice("the memo is off (VIPER_MEMO=off).")
    else:
        notice(f"{removed} programs were forgotten.")


def _store() -> Store | None:
    from viper.generate.program_cache import Store, program_cache_path

    path = program_cache_path()
    return None if path is None else Store(path)


def _or_exit(work: Any) -> Any:  # a method of the store, and what it returns
    from viper.cli.output import notice
    from viper.generate.program_cache import StoreError

    try:
        return work()
    except StoreError as error:
        notice(f"{error} Remove the file, or name another with VIPER_MEMO.")
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
