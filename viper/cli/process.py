"""How the process of the `viper` command ends."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from viper.environment.standard_streams import final_status

__all__ = ["OWN_PROCESS", "finish", "leave"]

OWN_PROCESS = object()
"""Object of the root context when the process belongs to the command, not to a program that calls it."""


def finish(status: int) -> NoReturn:
    """End a verb whose engine is closed; if the process belongs to the command, end it at once.

    Tearing down an interpreter that has loaded models takes as long as a short answer, and would wait for
    a model's thread that is still busy.
    """
    if click.get_current_context().find_root().obj is OWN_PROCESS:
        leave(status)
    sys.exit(status)


def leave(status: int) -> NoReturn:
    """End the process without teardown; files and sockets must have been closed.

    The status is 1 at least where output was lost.
    """
    try:
        status = final_status(status)
    finally:
        os._exit(status)
