"""Writes the reference page of the command line from its help: `python -m docs.tooling.cli_page`.

Everything on the page comes from the click commands: their help texts, arguments, options and defaults.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator

import click

from viper.cli import cli

__all__ = ["to_markdown"]

_INTRODUCTION = """\
# The command line

Every verb with its arguments, options and defaults. Made from the help texts in the code by
`make reference`; edit those. The same is printed by `viper VERB --help`.

The answer goes to stdout, everything else to stderr.

| exit status | means |
|---|---|
| 0 | answered; for `viper lint` no finding, for `viper doctor` level `full` |
| 1 | failed: one line on stderr says why, and with `--json` there is an object on stdout as well |
| 2 | wrong usage: an option or argument that the verb does not know or cannot read |
| 130 | `viper models pull` was interrupted; the same command goes on |
"""
# Every verb has it; a line for each would say nothing.
_HELP = "--help"
# Benchmarks share about thirty options: they are listed once.
_MANY_OPTIONS = 20


def to_markdown(root: click.Command = cli, name: str = "viper") -> str:
    """Return the whole page; `docs/reference/cli.md` holds it, and a test fails when that is stale."""
    context = click.Context(root, info_name=name)
    lines = [_INTRODUCTION, *_command(context, level=2)]
    return "\n".join(lines).rstrip() + "\n"


def _command(context: click.Context, *, level: int) -> Iterator[str]:
    """Yield the section of a command, and below it those of its own commands."""
    command = context.command
    yield f"{'#' * level} {context.command_path}"
    yield ""
    yield "```text"
    yield " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield "```"
    yield ""
    yield from _help(command.help or "")
    yield from _options(context)
    if not isinstance(command, click.Group):
        return
    children = [
        click.Context(child, info_name=name, parent=context)
        for name in command.list_commands(context)
        if (child := command.get_command(context, name)) is not None and not child.hidden
    ]
    described: dict[tuple[str, ...], str] = {}
    for below_it in children:
        below = list(_command(below_it, level=min(level + 1, 4)))
        options = tuple(_options(below_it))
        if len(options) >= _MANY_OPTIONS and options in described:
            below = below[: len(below) - len(options)]
            below += [f"Options: those of `{described[options]}`.", ""]
        described.setdefault(options, below_it.command_path)
        yield from below


def _help(text: str) -> Iterator[str]:
    r"""Yield a help text as paragraphs; a block after \b, which click does not rewrap, becomes code."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = paragraph.strip("\n").splitlines()
        if lines and lines[0].strip() == "\b":
            yield "```text"
            yield textwrap.dedent("\n".join(line.rstrip() for line in lines[1:]))
            yield "```"
        else:
            yield _prose(" ".join(line.strip() for line in lines))
        yield ""


def _options(context: click.Context) -> Iterator[str]:
    """Yield the options as a list, one line each."""
    records = [
        record
        for parameter in context.command.get_params(context)
        if isinstance(parameter, click.Option)
        and _HELP not in parameter.opts
        and (record := parameter.get_help_record(context)) is not None
    ]
    for declaration, meaning in records:
        yield f"- `{declaration}`: {_prose(meaning)}"
    if records:
        yield ""


def _prose(text: str) -> str:
    """Escape all Markdown in a text except backticks, and put options in backticks."""
    escaped = re.sub(r"([\\*\[\]<>])", r"\\\1", re.sub(r"\s+", " ", text))
    return re.sub(r"(?<![\w-])(--[a-z][a-z-]*)", r"`\1`", escaped)


if __name__ == "__main__":
    sys.stdout.write(to_markdown())
