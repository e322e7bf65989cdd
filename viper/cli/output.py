"""Output of the verbs: answers on stdout, all else on stderr, errors as one line.

Nothing is printed but through this module: `echo` and `notice` replace control characters, `print_json`
escapes them, and messages and the log lose what looks like a secret.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click

from viper.texts.secrets import hide_secrets
from viper.texts.terminal import json_text, one_line, printable

if TYPE_CHECKING:
    from viper.errors import ViperError
    from viper.programs.program import Failure
    from viper.trace.stats import RunStats

__all__ = ["StderrLog", "counted", "echo", "failure_line", "notice", "print_error", "print_json"]
__all__ += ["print_stats", "show_log", "show_warnings"]


def echo(text: object = "", *, before: str = "", err: bool = False) -> None:
    """Print lines on stdout, or on stderr if `err`; control characters are replaced.

    Args:
        text: Any text; the lines of a program or of a report are kept.
        before: What stands before the text; Viper's own, as it may hold colors.
        err: Whether to print on stderr.
    """
    click.echo(before + printable(str(text)), err=err)


def counted(count: int, noun: str) -> str:
    """Return "1 call" or "2 calls"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def print_json(value: Any) -> None:
    """Print one JSON object on stdout, with escapes for what its encoding lacks."""
    text = json_text(value)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # ASCII, or a lone surrogate of a file name
        text = json_text(value, ascii_only=True)
    click.echo(text)


def notice(text: str) -> None:
    """Print a remark on stderr."""
    echo(f"viper: {one_line(hide_secrets(text))}", err=True)


# Characters of a record of the log before and behind what is cut out: enough for the ends of a traceback.
_HALF_RECORD = 4_000


class StderrLog(logging.Handler):
    """Prints records of a log on stderr: a line each, and tracebacks, which are cut in the middle.

    Args:
        level: The least level to print.
        names: Whether to print the name of the logger instead of "viper".
    """

    def __init__(self, level: int, *, names: bool = False) -> None:
        super().__init__(level)
        self._names = names

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        if record.exc_info or self._names:
            start = f"{record.name}: " if self._names else ""
            echo(hide_secrets(_cut(start + self.format(record))), err=True)
        else:
            notice(record.getMessage())


def _cut(text: str) -> str:
    """Return a text without its middle if it is long: a request of some bytes must not fill a disk."""
    if len(text) <= 2 * _HALF_RECORD:
        return text
    return f"{text[:_HALF_RECORD]}\n[…]\n{text[-_HALF_RECORD:]}"


def show_log() -> None:
    """Print Viper's own log on stderr, tracebacks of models included, for `--debug`."""
    log = logging.getLogger("viper")
    log.setLevel(logging.DEBUG)
    log.handlers = [StderrLog(logging.DEBUG, names=True)]


def show_warnings() -> None:
    """Print warnings of Viper's log as remarks on stderr, as every verb with an engine does."""
    logging.getLogger("viper").handlers = [StderrLog(logging.WARNING)]


def print_error(error: ViperError, *, debug: bool) -> None:
    """Print an error on stderr: one line, or the traceback."""
    if debug:
        import traceback

        echo(hide_secrets("".join(traceback.format_exception(error))), err=True)
    else:
        notice(str(error))


def failure_line(failure: Failure) -> str:
    """Return a failure as one line for stderr."""
    place = f" at line {failure.line} of the program" if failure.line is not None else ""
    return f"no answer ({failure.kind}{place}): {failure.message}"


def print_stats(stats: RunStats, *, program_cache: bool) -> None:
    """Print statistics on stderr; `program_cache` is whether there was one."""
    for name, value in stats.rows(program_cache=program_cache):
        echo(f"{name:<12}{one_line(value)}", err=True)
