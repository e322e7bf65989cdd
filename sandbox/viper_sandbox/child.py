"""The process that one program lives and dies in.

It is started with one socket, confines itself, says so, and only then is given the text of a program:

    host → child    setup     limits and switches
    child → host    ready     which mechanisms are in force
    host → child    program   text, contract, image, arguments
    child → host    checked   normalised source, findings, call sites
    child → host    call      as often as the program asks for vision or language …
    host → child    value     … or "rejected", an exception that the program may catch
    child → host    done      the result, or "failed"

Everything that is imported later than `confine` must be imported here already, because files cannot
be opened after it.
"""

from __future__ import annotations

import difflib  # noqa: F401  # used by did_you_mean
import os
import sys
import unicodedata  # noqa: F401  # used by the parser for names that are not ASCII
import warnings
from typing import NoReturn

from viper_sandbox.channel import Channel, wire_mapping
from viper_sandbox.confine import Confinement, confine
from viper_sandbox.contract import Api
from viper_sandbox.examine import examine
from viper_sandbox.execute import Done, execute
from viper_sandbox.limits import Limits
from viper_sandbox.namespace import Printer
from viper_sandbox.session import Session

__all__ = ["main"]

_SETUP_BYTES = 65_536


def main(fd: int) -> NoReturn:
    """Serve one program over the socket `fd`, then end the process."""
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # it would write to a descriptor that is closed
    setup = Channel(fd, _SETUP_BYTES).receive()
    limits = Limits(**wire_mapping(setup[1]))
    wanted = Confinement(**wire_mapping(setup[2]))
    report = confine(wanted, limits, fd, setup[3])
    channel = Channel(fd, limits.frame_bytes)
    channel.send(["ready", report])
    try:
        _serve(channel, limits)
    except Exception as error:  # a fault of this package, which nobody else would see
        message = f"The sandbox itself failed: {type(error).__name__}: {error}"
        channel.send(["failed", "sandbox", message[:500], None, ""])
    os._exit(0)


def _serve(channel: Channel, limits: Limits) -> None:
    _, run, text, api_wire, image, size, argument_names, arguments = channel.receive()
    api = Api.from_wire(wire_mapping(api_wire))
    program = examine(text, api, argument_names, limits)
    channel.send(
        [
            "checked",
            program.source,
            [tuple(finding) for finding in program.findings],
            [tuple(site) for site in program.call_sites],
        ]
    )
    if not run or program.findings:
        return
    printer = Printer(limits.printed_bytes)
    session = Session(api, image, size, channel.ask)
    outcome = execute(program, session, wire_mapping(arguments), printer, limits.result_bytes)
    if isinstance(outcome, Done):
        channel.send(["done", outcome.value, printer.text])
    else:
        channel.send(["failed", *outcome, printer.text])
