"""Output of the verbs: answers on stdout, all else on stderr, errors as one line."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from viper.errors import ViperError
    from viper.programs.program import Failure
    from viper.trace.stats import RunStats

__all__ = ["counted", "failure_line", "notice", "one_line", "print_error", "print_json"]
__all__ += ["print_stats", "printable", "show_log", "show_warnings"]


def one_line(text: str) -> str:
    """Return text from a model, a file or a server as one printable line.

    Control characters, and with them terminal escape sequences, are replaced.
    """
    flat = " ".join(text.split())
    return "".join(character if character.isprintable() else "\ufffd" for character in flat)


def printable(text: str) -> str:
    """Return text with its lines kept and every other control character replaced."""
    return "\n".join(
        "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)
        for line in text.splitlines()
    )


def counted(count: int, noun: str) -> str:
    """Return "1 call" or "2 calls"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def print_json(value: Any) -> None:
    """Print one JSON object on stdout, with escapes for what its encoding lacks."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # ASCII, or a lone surrogate of a file name
        text = json.dumps(value)
    click.echo(text)


def notice(text: str) -> None:
    """Print a remark on stderr."""
    click.echo(f"viper: {one_line(text)}", err=True)


def show_log() -> None:
    """Print Viper's own log on stderr, tracebacks of models included, for `--debug`."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    log = logging.getLogger("viper")
    log.setLevel(logging.DEBUG)
    log.handlers = [handler]


def show_warnings() -> None:
    """Print warnings of Viper's log as remarks on stderr, as every verb with an engine does."""
    import logging

    class Remarks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notice(record.getMessage())

    logging.getLogger("viper").handlers = [Remarks(logging.WARNING)]


def print_error(error: ViperError, *, debug: bool) -> None:
    """Print an error on stderr: one line, or the traceback."""
    if debug:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    else:
        notice(str(error))


def failure_line(failure: Failure) -> str:
    """Return a failure as one line for stderr."""
    place = f" at line {failure.line} of the program" if failure.line is not None else ""
    return f"no answer ({failure.kind}{place}): {failure.message}"


def print_stats(stats: RunStats, *, program_cache: bool) -> None:
    """Print statistics on stderr; `program_cache` is whether there was one."""
    for name, value in stats.rows(program_cache=program_cache):
        click.echo(f"{name:<12}{one_line(value)}", err=True)
