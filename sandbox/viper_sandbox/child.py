"""The process of one program: confines itself, then checks and runs it.

It is a fork of the zygote and holds one socket. It confines itself, reports that, and only then reads the
program, which may have been waiting in the socket:

    child → host    ready     mechanisms that are not in force
    host → child    program   text, number of the API, image, arguments
    child → host    checked   normalized source, findings, call sites, string literals
    child → host    call      once per vision or language call …
    host → child    value     … or "rejected", an exception that the program may catch
    child → host    done      the result and which patches it rests on, or "failed"

All modules that are needed after `confine` must be imported here, because it forbids opening files.
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
from viper_sandbox.execute import Done, execute
from viper_sandbox.extract import ENTRY
from viper_sandbox.frame_socket import EXIT_MEMORY, FrameSocket, wire_mapping
from viper_sandbox.limits import MAX_FAILURE_CHARACTERS, Limits
from viper_sandbox.namespace import Printer
from viper_sandbox.outgoing import outgoing
from viper_sandbox.program_session import ProgramSession
from viper_sandbox.wire import PatchRef, TooLargeError, WireError, pack, unpack

__all__ = ["preload", "serve", "warm_up"]

EXIT_UNCONFINED = 74
"""Exit status of a child whose confinement is weaker than the measured level."""

# CPython 3.11 specializes a function after 8 runs, later versions after fewer.
_WARM_UPS = 10
_WARM_UP_PROGRAM = '''
Here is a program:
```python
def execute_command(image):
    """Warm up."""
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
    """Load, in the zygote, what its children cannot load after they are confined.

    Args:
        language: False if children will run without the language layer.
    """
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # the default hook writes to a closed descriptor
    if not language:
        from viper_sandbox import unguarded

        unguarded.preload()


def warm_up(api: Api, times: int = _WARM_UPS) -> None:
    """Check and run a built-in program, so that the first program of a child runs faster.

    CPython specializes code as it runs, and several modules build tables on first use; this halves the time
    of a child's first program.
    """
    limits = Limits()
    try:
        image = PatchRef(0, (0.0, 0.0, 2.0, 2.0))
        session = ProgramSession(api, image, (2, 2), lambda *_: None)
    except ValueError:  # unknown geometry: each program of this API fails with the message
        return
    for _ in range(times):
        program = examine(_WARM_UP_PROGRAM, api, (), limits)
        if program.code is None:  # the API uses a name of this program
            return
        outcome = execute(program, session, {}, Printer(limits.printed_bytes), limits.result_bytes)
        unpack(pack(list(outcome), limits.frame_bytes))


def serve(
    fd: int, plan: ConfinementPlan, apis: Mapping[int, Api], accepted: Collection[str] | None
) -> NoReturn:
    """Serve one program over a socket, then end the process.

    Args:
        fd: The socket.
        plan: How to be confined.
        apis: APIs by the numbers that the host uses.
        accepted: Mechanisms that may be missing; a child that lacks another one ends without reading
            the program. None if the level has not been measured.
    """
    report = confine(plan, fd, os.getppid())
    limits = plan.limits
    host = FrameSocket(fd, limits.frame_bytes)
    missing = {name: why for name, why in report.items() if why}
    host.send(["ready", missing])
    if accepted is not None and not missing.keys() <= set(accepted):
        os._exit(EXIT_UNCONFINED)
    try:
        _run(host, limits, apis, plan.wanted.language)
    except MemoryError:  # while the result was sent, after which nothing else can be
        os._exit(EXIT_MEMORY)
    except Exception as error:  # a bug of this package, reported because nothing else can show it
        message = f"The sandbox itself failed: {type(error).__name__}: {error}"
        host.send(["failed", "sandbox", outgoing(message)[:500], None, ""])
    os._exit(0)


def _run(host: FrameSocket, limits: Limits, apis: Mapping[int, Api], language: bool) -> None:
    message: list[Any] = host.receive()  # Any: of the host, which is trusted here
    _, run, text, number, image, size, argument_names, arguments = message
    api = apis[number]
    program = examine(text, api, argument_names, limits, language=language)
    literals = None if program.literals is None else list(program.literals)
    host.send(
        ["checked", program.source, list(program.findings), list(program.call_sites), literals]
    )
    if not run or program.findings:
        return
    printer = Printer(limits.printed_bytes)
    session = ProgramSession(api, image, size, host.call)
    gc.enable()
    gc.freeze()  # syntax trees live until the end: the collector need not look through them
    given = wire_mapping(arguments)
    outcome = execute(
        program,
        session,
        given,
        printer,
        limits.result_bytes,
        language=language,
        result_values=limits.result_values,
    )
    if isinstance(outcome, Done):
        result = ["done", outcome.value, printer.text]
        if any(outcome.evidence):
            result.append([list(patches) for patches in outcome.evidence])
    else:
        result = ["failed", *outcome, printer.text]
    try:
        host.send(result)
    except WireError as error:  # nothing was sent; it is the program's, and no fault of the sandbox
        kind = "limit" if isinstance(error, TooLargeError) else "runtime"
        why = f"The result of {ENTRY} cannot be sent: {error}"
        host.send(["failed", kind, why[:MAX_FAILURE_CHARACTERS], None, printer.text])
