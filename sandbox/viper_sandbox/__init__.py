"""The sandbox for generated programs: a separate process without files, network or models.

`Jail` is the host's side; `Limits`, `Request`, `Call`, `Result` and their parts are its arguments and
results. Each name is loaded on first use, so that a child, which needs few of them, starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viper_sandbox.exchange import (
        Call,
        CallFailed,
        CallRejected,
        Checked,
        Handler,
        JailFailure,
        Request,
        Result,
    )
    from viper_sandbox.findings import CallSite, CheckReport, Finding, StringLiteral
    from viper_sandbox.jail import Jail
    from viper_sandbox.level import Act, Level, LevelReport
    from viper_sandbox.limits import Limits
    from viper_sandbox.wire import HandleRef, PatchRef, WireValue

__all__ = [
    "Act",
    "Call",
    "CallFailed",
    "CallRejected",
    "CallSite",
    "CheckReport",
    "Checked",
    "Finding",
    "HandleRef",
    "Handler",
    "Jail",
    "JailFailure",
    "Level",
    "LevelReport",
    "Limits",
    "PatchRef",
    "Request",
    "Result",
    "StringLiteral",
    "WireValue",
]

_HOMES = {
    "exchange": "Call CallFailed CallRejected Checked Handler JailFailure Request Result",
    "findings": "CallSite CheckReport Finding StringLiteral",
    "jail": "Jail",
    "level": "Act Level LevelReport",
    "limits": "Limits",
    "wire": "HandleRef PatchRef WireValue",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:  # Any: names of every kind
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
