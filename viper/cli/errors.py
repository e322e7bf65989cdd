"""How a verb fails: with one line on stderr and exit status 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from viper.cli.output import print_error, print_json
from viper.errors import ViperError

__all__ = ["exit_on_error", "failure_json"]


@contextmanager
def exit_on_error(*, debug: bool, failed: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Print a `ViperError` raised in the block, with its traceback if `debug`, and exit with status 1.

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
        sys.exit(1)


def failure_json(error: ViperError) -> dict[str, Any]:
    """Return an error as the JSON object of a failure."""
    return {"kind": error.kind, "line": None, "message": str(error)}
