"""Comparisons for the sandbox: no confinement at all, and a new interpreter per program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from viper_benchmarks.perf.programs import make_names, stub_answer

__all__ = ["run_in_fresh_interpreter", "run_in_process"]

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from viper_benchmarks.perf.fresh_child import main; main()"
)
_BENCHMARKS_FOLDER = Path(__file__).parents[2]


def run_in_process(source: str) -> Any:  # Any: whatever the program returns
    """Compile and run one of our own programs in this process: the lower bound.

    Never do this with a program from elsewhere.
    """
    names = dict(make_names(stub_answer))
    exec(compile(source, "<program>", "exec"), names)  # noqa: S102  # our own text, the comparison itself
    return names["execute_command"](names["image"])


def run_in_fresh_interpreter(source: str) -> Any:  # Any: whatever the program returns
    """Start `python -I` with RestrictedPython, serve the program's calls over pipes, wait for its end.

    The end of the interpreter counts, as the end of a child does for the sandbox.

    Raises:
        RuntimeError: The interpreter ended without a value.
    """
    process = subprocess.Popen(  # noqa: S603  # our interpreter, our code
        [sys.executable, "-I", "-c", _BOOT, str(_BENCHMARKS_FOLDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={},
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        message: Any = source  # Any: JSON
        while True:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(
                    "The interpreter that was started for comparison ended without a value; "
                    f"its exit status is {process.wait()}."
                )
            kind, *rest = json.loads(line)
            if kind == "value":
                return rest[0]
            method, box, arguments = rest
            message = stub_answer(method, tuple(box), arguments)
