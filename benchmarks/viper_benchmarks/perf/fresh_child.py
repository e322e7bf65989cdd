"""The child process of `unconfined.py`: runs one program with RestrictedPython in a new interpreter.

It follows RestrictedPython's own introduction, without confinement. It reads the program from stdin, writes
each vision call and reads its answer, and writes the value: each a line of JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from RestrictedPython.compile import compile_restricted
from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
from RestrictedPython.Guards import guarded_iter_unpack_sequence, safe_globals, safer_getattr

from viper_benchmarks.perf.programs import Box, make_names

__all__ = ["main"]


def main() -> None:
    """Serve one program over stdin and stdout."""
    source = json.loads(sys.stdin.readline())
    names: dict[str, Any] = {  # Any: a program's globals
        **safe_globals,
        **make_names(_ask),
        "_getattr_": safer_getattr,
        "_getitem_": default_guarded_getitem,
        "_getiter_": default_guarded_getiter,
        "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
        "min": min,
    }
    exec(compile_restricted(source, "<program>", "exec"), names)  # noqa: S102  # the comparison itself
    _send(["value", names["execute_command"](names["image"])])


def _ask(method: str, box: Box, arguments: list[Any]) -> Any:  # Any: JSON both ways
    _send(["call", method, box, arguments])
    return json.loads(sys.stdin.readline())


def _send(message: list[Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
