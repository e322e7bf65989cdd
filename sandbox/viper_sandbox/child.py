"""The process that one program lives and dies in.

It is a fork of the zygote that holds one socket. It confines itself, says so, and only then reads the
text of a program, which may have been waiting in the socket:

    child → host    ready     which mechanisms are not in force
    host → child    program   text, number of the contract, image, arguments
    child → host    checked   normalised source, findings, call sites, texts
    child → host    call      as often as the program asks for vision or language …
    host → child    value     … or "rejected", an exception that the program may catch
    child → host    done      the result, or "failed"

Everything that is imported later than `confine` must be imported here already, because files cannot
be opened after it.
"""

from __future__ import annotations

import difflib  # noqa: F401  # used by did_you_mean
import gc
import os
import sys
import unicodedata  # noqa: F401  # used by the parser for names that are not ASCII
import warnings
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from viper_sandbox.api import Api
from viper_sandbox.confine import ConfinementPlan, confine
from viper_sandbox.examine import examine
from viper_sandbox.execute import Done, execute, preload_for_tests
from viper_sandbox.frame_socket import FrameSocket, wire_mapping
from viper_sandbox.limits import Limits
from viper_sandbox.namespace import Printer
from viper_sandbox.program_session import ProgramSession
from viper_sandbox.wire import PatchRef, pack, unpack

__all__ = ["EXIT_UNCONFINED", "live", "preload", "rehearse"]

EXIT_UNCONFINED = 74
"""Exit status of a child that is confined less than when the level was measured."""

_REHEARSALS = 10
# CPython 3.11 specialises a function after 8 runs; later versions do so sooner.
_REHEARSAL = '''
Here is a program:
```python
def execute_command(image):
    """A rehearsal."""
    counts = {"a": 1}
    for patch in sorted([image, image], key=lambda p: p.horizontal_center):
        counts["a"] += 1 if patch.width > 0 else 0
    try:
        best = [f"{name}" for name in counts if name.startswith("a")][0]
    except IndexError:
        best = ""
    return best, image
```
'''


def preload(*, language: bool = True) -> None:
    """Load in the zygote what its children must not load any more.

    Args:
        language: False if children will run without the language layer.
    """
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # it would write to a descriptor that is closed
    if not language:
        preload_for_tests()


def rehearse(api: Api, times: int = _REHEARSALS) -> None:
    """Take a program of our own through all steps, so that a child finds its tools warm.

    CPython specialises code as it runs, and several modules build tables at their first use. This halves the
    time of a child's first program.
    """
    limits = Limits()
    box = (0.0, 0.0, 2.0, 2.0)
    try:
        session = ProgramSession(api, PatchRef(0, box), (2, 2), lambda *_: None)
    except ValueError:  # the contract asks for geometry that nobody has: its programs will be told
        return
    for _ in range(times):
        program = examine(_REHEARSAL, api, (), limits)
        if program.code is None:  # the contract takes a name that the rehearsal uses
            return
        outcome = execute(program, session, {}, Printer(limits.printed_bytes), limits.result_bytes)
        unpack(pack(list(outcome), limits.frame_bytes))


def live(
    fd: int, plan: ConfinementPlan, contracts: Mapping[int, Api], accepted: Collection[str] | None
) -> NoReturn:
    """Serve one program over a socket, then end the process.

    Args:
        fd: The socket.
        plan: How to be confined.
        contracts: Contracts by the number that the host gave them.
        accepted: Mechanisms that were not in force when the level was measured. A child that misses
            another one ends without reading the program.
    """
    report = confine(plan, fd, os.getppid())
    limits = plan.limits
    channel = FrameSocket(fd, limits.frame_bytes)
    missing = {name: why for name, why in report.items() if why}
    channel.send(["ready", missing])
    if accepted is not None and not missing.keys() <= set(accepted):
        os._exit(EXIT_UNCONFINED)
    try:
        _serve(channel, limits, contracts, plan.wanted.language)
    except Exception as error:  # a fault of this package, which nobody else would see
        message = f"The sandbox itself failed: {type(error).__name__}: {error}"
        channel.send(["failed", "sandbox", message[:500], None, ""])
    os._exit(0)


def _serve(
    channel: FrameSocket, limits: Limits, contracts: Mapping[int, Api], language: bool
) -> None:
    message: list[Any] = channel.receive()  # Any: of the host, which is trusted
    _, run, text, contract, image, size, argument_names, arguments = message
    api = contracts[contract]
    program = examine(text, api, argument_names, limits, language=language)
    channel.send(
        [
            "checked",
            program.source,
            [tuple(finding) for finding in program.findings],
            [tuple(site) for site in program.call_sites],
            None if program.literals is None else [tuple(text) for text in program.literals],
        ]
    )
    if not run or program.findings:
        return
    printer = Printer(limits.printed_bytes)
    session = ProgramSession(api, image, size, channel.ask)
    gc.enable()  # the trees of the examination live until the end; to look through them is for nothing
    gc.freeze()
    outcome = execute(
        program,
        session,
        wire_mapping(arguments),
        printer,
        limits.result_bytes,
        language=language,
    )
    if isinstance(outcome, Done):
        channel.send(["done", outcome.value, printer.text])
    else:
        channel.send(["failed", *outcome, printer.text])
