"""`viper config`: every setting, and where it comes from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.cli.errors import exit_on_error
from viper.cli.options import output_options
from viper.cli.output import echo, notice, print_json
from viper.cli.settings import current_settings
from viper.engine.options import OLD_NAMES
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.settings.schema import SettingsTree

__all__ = ["config"]


@click.group()
def config() -> None:
    """Show settings, or write a file of settings.

    \b
    command line  >  VIPER_NAME  >  viper.toml  >  default
    viper config show                       every value, and where it comes from
    viper config init                       a viper.toml with all defaults, commented out
    VIPER_MODELS=small viper config show    a variable for each; tables with __: VIPER_SERVE__PORT

    The file is viper.toml in the working directory, or the one that VIPER_CONFIG names. Secrets are
    environment variables only (OPENAI_API_KEY, HF_TOKEN, VIPER_SERVE_TOKEN) and are shown as set or not set.
    """


@config.command()
@output_options
def show(as_json: bool, debug: bool) -> None:
    """Print every setting with its value and its origin."""
    with exit_on_error(debug=debug):
        tree = current_settings()
    if as_json:
        print_json(_to_json(tree))
        return
    rows = [(name, _text(value), str(origin)) for name, value, origin in tree.rows()]
    rows += [(name, state, "environment") for name, state in _secrets().items()]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = min(40, max(len(value) for _, value, _ in rows))
    for name, value, origin in rows:
        cells = f"{name:<{name_width}}", f"{one_line(value):<{value_width}}", one_line(origin)
        echo("  ".join(cells).rstrip())


@config.command()
@click.argument("file", default="viper.toml", type=click.Path(dir_okay=False, path_type=Path))
def init(file: Path) -> None:
    """Write a FILE (viper.toml) that names every setting with its default, all commented out."""
    from viper.settings.schema import Settings, SettingsTree
    from viper.storage.files import write_file

    if os.path.lexists(file):
        notice(f"There is a file {str(file)!r} already; it was not changed.")
        sys.exit(1)
    with exit_on_error(debug=False):
        write_file(file, _template(SettingsTree(Settings(), {})))
    echo(str(file))


def _to_json(tree: SettingsTree) -> dict[str, Any]:
    settings = {
        name: {
            "value": str(value) if isinstance(value, Path) else value,
            "origin": {"kind": origin.kind, "name": origin.name or None},
        }
        for name, value, origin in tree.rows()
    }
    return {
        "file": None if tree.file is None else str(tree.file),
        "settings": settings | {old: settings[new] for old, new in OLD_NAMES.items()},
        "secrets": _secrets(),
    }


def _secrets() -> dict[str, str]:
    """Return for each secret whether it is set; never its value."""
    from viper.settings.schema import SECRETS

    return {name: "set" if os.environ.get(name, "").strip() else "not set" for name in SECRETS}


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _template(tree: SettingsTree) -> str:
    """Return a file in which every setting is commented out."""
    import json

    lines = [
        "# Settings of Viper. Uncomment the settings that you change; viper config show prints the values "
        "in effect."
    ]
    table = ""
    for name, value, _ in tree.rows():
        head, _, key = name.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        if name == "sandbox":
            continue  # not for a file
        lines.append(f"# {key} = {json.dumps(value) if value is not None else '…'}")
    return "\n".join(lines) + "\n"
