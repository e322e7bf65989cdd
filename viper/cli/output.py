"""Output of the verbs: answers on stdout, all else on stderr, errors as one line."""

from __future__ import annotations

import json
import threading
import traceback
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from viper.cli.spinner import Spinner
    from viper.errors import ViperError
    from viper.models.registry import BackendRef
    from viper.programs.program import Failure
    from viper.trace.stats import RunStats

__all__ = ["LoadingSpinner", "failure_line", "notice", "one_line", "print_error", "print_json"]
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


def print_json(value: Any) -> None:
    """Print one JSON object on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))


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


class LoadingSpinner:
    """Shows on a terminal which models are loading, and for how long; silent elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[str, str] = {}
        self._context: AbstractContextManager[Spinner] | None = None
        self._spinner: Spinner | None = None

    def __call__(self, ref: BackendRef, starting: bool) -> None:
        """Record that loading a model begins or has ended; any thread may call this."""
        from viper.cli.spinner import spinner

        with self._lock:
            if starting:
                self._loading[ref.role] = str(ref)
            else:
                self._loading.pop(ref.role, None)
            names = ", ".join(f"{role} {name}" for role, name in self._loading.items())
            text = f"Loading {one_line(names)}"
            if self._context is None and self._loading:
                self._context = spinner(text)
                self._spinner = self._context.__enter__()
            elif self._context is not None and not self._loading:
                self._context.__exit__(None, None, None)
                self._context = self._spinner = None
            elif self._spinner is not None:
                self._spinner.update(text)
