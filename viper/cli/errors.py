"""How a verb fails: with one line on stderr, and exit status 1, or 2 where an option is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from viper.cli.output import print_error, print_json
from viper.errors import ConfigError, DownloadError, MissingError, ViperError

if TYPE_CHECKING:
    from viper.engine.engine import Engine
    from viper.programs.program import Failure

__all__ = ["FAILED", "INTERRUPTED", "USAGE", "checked_options", "exit_on_error", "exit_status"]
__all__ += ["failure_json", "failure_status"]

FAILED, USAGE, INTERRUPTED = 1, 2, 130
"""Exit statuses; an interrupted command ends as shells say it: 128 and the number of SIGINT."""


@contextmanager
def checked_options() -> Iterator[None]:
    """Mark a `ConfigError` raised in the block, which reads options, as one that ends with `USAGE`.

    What is missing on the machine, such as weights or a key, is no wrong option.
    """
    try:
        yield
    except ConfigError as error:
        if _is_wrong_option(error):
            vars(error)["exit_status"] = USAGE
        raise


def failure_status(failure: Failure, engine: Engine) -> int:
    """Return the exit status of a verb whose answer is a failure.

    Args:
        failure: The failure.
        engine: The engine that answered. A model is loaded when it is first needed, so an answer may find out
            that an option is wrong.
    """
    if failure.kind != "config":
        return FAILED
    return USAGE if any(map(_is_wrong_option, engine.load_errors().values())) else FAILED


def _is_wrong_option(error: BaseException) -> bool:
    """Return whether an error is about an option, not about what the machine lacks."""
    return isinstance(error, ConfigError) and not isinstance(error, MissingError | DownloadError)


def exit_status(error: ViperError) -> int:
    """Return the exit status of a verb that an error ends."""
    return int(vars(error).get("exit_status", FAILED))


@contextmanager
def exit_on_error(*, debug: bool, failed: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Print a `ViperError` raised in the block, with its traceback if `debug`, and exit with its status.

    Args:
        debug: Whether to print the traceback.
        failed: For `--json`, the JSON object to print, to which the failure is added.
    """
    try:
        yield
    except ViperError as error:
        print_error(error, debug=debug)
        if failed is not None:
            print_json({**failed, "failure": failure_json(error)})
        sys.exit(exit_status(error))


def failure_json(error: ViperError) -> dict[str, Any]:
    """Return an error as the JSON object of a failure."""
    return {"kind": error.kind, "line": None, "message": str(error)}
