"""The exit of a verb that fails: one line on stderr and exit status 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["exit_on_error"]


@contextmanager
def exit_on_error(*, debug: bool) -> Iterator[None]:
    """Print a `ViperError` of the block, with its traceback if `debug`, and exit with status 1."""
    from viper.cli.output import print_error
    from viper.errors import ViperError

    try:
        yield
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
