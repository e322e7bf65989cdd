"""Measures the level of the sandbox: has a process attempt forbidden acts, and reads its report.

A measurement that failed because the machine lacked something for a moment says so, and is made again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from viper_sandbox.level import Act, LevelReport
from viper_sandbox.process import ChildGoneError
from viper_sandbox.starting import RefusedError
from viper_sandbox.wire import WireError, WireValue
from viper_sandbox.zygote_client import ForkError

__all__ = ["Measurement", "measure_level"]


class Measurement(NamedTuple):
    """A level, and whether it may be another one in a moment."""

    report: LevelReport
    is_passing: bool = False


async def measure_level(probe: Callable[[], Awaitable[WireValue]], start_s: float) -> Measurement:
    """Measure the level.

    Args:
        probe: Makes the process that attempts the acts, and returns its message.
        start_s: Time in seconds that it may take, for the message.
    """
    if not hasattr(os, "fork") or not hasattr(socket, "socketpair"):
        return _none(f"{os.name} has no processes that it could confine")
    try:
        message = await probe()
    except TimeoutError:
        return _none(f"measuring its level took longer than {start_s:g} s")
    except (ChildGoneError, WireError, ForkError, RefusedError) as error:
        passing = isinstance(error, ForkError) or getattr(error, "passing", False)
        return _none(str(error) or "the process that measures its level died", is_passing=passing)
    match message:
        case ["probed", list(attempts), dict(mechanisms)] if all(map(_is_act, attempts)):
            acts = tuple(Act(*attempt) for attempt in attempts)  # type: ignore[misc]  # see _is_act
            missing = tuple((str(name), str(why)) for name, why in mechanisms.items() if why)
            full = all(act.refused for act in acts)
            return Measurement(LevelReport("full" if full else "partial", acts, missing))
        case ["trouble", str(trouble)]:
            return _none(trouble, is_passing=True)
    return _none("the process that measures it sent an invalid reply")


def _none(trouble: str, *, is_passing: bool = False) -> Measurement:
    return Measurement(LevelReport("none", (), trouble=trouble.rstrip(".")), is_passing)


def _is_act(attempt: WireValue) -> bool:
    match attempt:
        case (str(), bool(), str()):
            return True
        case _:
            return False
