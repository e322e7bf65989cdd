"""Execution of a checked program: its namespace, result and failure."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple

from viper_sandbox.api import PATCH
from viper_sandbox.evidence.absence import name_of_absent
from viper_sandbox.evidence.flow import Flow
from viper_sandbox.evidence.recorder import EvidenceRecorder
from viper_sandbox.evidence.roles import Roles, roles_of
from viper_sandbox.examine import ARGUMENT_ALIASES, Examined
from viper_sandbox.exchange import absence
from viper_sandbox.extract import ENTRY
from viper_sandbox.limits import MAX_FAILURE_CHARACTERS
from viper_sandbox.namespace import (
    ALLOWED_MODULES,
    BUILTINS,
    Namespace,
    Printer,
    guarded_getattr,
    guarded_write,
    make_import,
)
from viper_sandbox.outgoing import outgoing
from viper_sandbox.program_session import PROGRAM_FILE, NotAValueError, ProgramSession, lift, lower
from viper_sandbox.wire import MAX_VALUES, TooLargeError, WireError, WireValue, pack

__all__ = ["Done", "execute"]

_MAX_MESSAGE = 500


class Done(NamedTuple):
    """The program returned a value."""

    value: WireValue
    evidence: Roles = ((), (), ())
    """The patches of each role, in the order of `ROLES`."""


class Failed(NamedTuple):
    """The program did not return a value."""

    kind: str
    """"runtime", "memory", "limit", or "absent": something that the program looked for was not found."""
    message: str
    line: int | None


def execute(
    program: Examined,
    session: ProgramSession,
    arguments: Mapping[str, WireValue],
    printer: Printer,
    result_bytes: int,
    *,
    language: bool = True,
    result_values: int = MAX_VALUES,
) -> Done | Failed:
    """Run a program without findings and return its result.

    Args:
        program: The program, with its code.
        session: Gives the image and the callables of the API.
        arguments: Values of parameters besides `image`.
        printer: Keeps the text that the program prints.
        result_bytes: Largest encoded result.
        language: False only to test the confinement without the language layer.
        result_values: Most values in the result.
    """
    assert program.code is not None, "a program with findings must not run"
    recorder = None
    if language:
        names = _namespace(session, printer)
        if program.flow is not None:
            recorder = EvidenceRecorder(program.flow.sites)
            names.update(recorder.names())
    else:
        from viper_sandbox.unguarded import plain_namespace

        names = plain_namespace(session)
    given = {**names, "image": session.image}
    given.update({name: lift(value, session) for name, value in arguments.items()})
    given.update(
        {o: given[n] for o, n in ARGUMENT_ALIASES.items() if n in arguments and o not in given}
    )
    values = [
        given.get(name, session.image if position == 0 else None)
        for position, name in enumerate(program.parameters)
    ]
    try:
        exec(program.code, names)  # noqa: S102  # this process exists for nothing else
        result = names[program.entry](*values)
    except Exception as error:  # any exception of a program is its failure
        failure = _failure(error, session, program.flow, recorder)
        if failure.kind != "memory":
            return failure
    else:
        done = _result(result, result_bytes, result_values)
        if program.flow is not None and recorder is not None and isinstance(done, Done):
            return done._replace(evidence=roles_of(program.flow, recorder, result))
        return done
    return failure  # outside the handler, so that the memory of the traceback has been freed


def _namespace(session: ProgramSession, printer: Printer) -> dict[str, Any]:
    names = session.globals()
    api = Namespace("the ImagePatch API", names)
    return {
        "__builtins__": {**BUILTINS, "print": printer.print, "__import__": make_import(api)},
        "__name__": "program",
        "_getattr_": guarded_getattr,
        "_write_": guarded_write,
        **ALLOWED_MODULES,
        **names,
    }


def _result(
    result: Any,  # what a program returned
    result_bytes: int,
    result_values: int,
) -> Done | Failed:
    try:
        value = lower(result, result_values)
        pack(value, result_bytes, inside=1)  # in the list of its message
    except NotAValueError as error:
        message = (
            f"{ENTRY} returned a {error}; return a string, bool, number, {PATCH} or list of these"
        )
        return Failed("runtime", message, None)
    except WireError as error:
        kind = "limit" if isinstance(error, TooLargeError) else "runtime"
        return Failed(kind, f"The result of {ENTRY} cannot be used: {error}", None)
    except MemoryError:
        return Failed("memory", "The result does not fit into the program's memory.", None)
    return Done(value)


def _failure(
    error: Exception, session: ProgramSession, flow: Flow | None, recorder: EvidenceRecorder | None
) -> Failed:
    line = _line(error.__traceback__)
    if isinstance(error, MemoryError):
        return Failed("memory", "MemoryError: the program needs more memory than it may use", line)
    if flow is not None and recorder is not None:
        absent = name_of_absent(error, flow, recorder, PROGRAM_FILE, session.empty_find)
        if absent is not None:
            return Failed("absent", _bounded(absence(absent)), line)
    message = f"{type(error).__name__}: {_text(error)}".rstrip(": ")
    empty = session.empty_find
    if empty is not None and isinstance(error, (IndexError, ValueError)):
        message += f" (on line {empty.line} {empty.call} returned no patch)"
    return Failed("runtime", _bounded(message), line)


def _bounded(message: str) -> str:
    return outgoing(message)[:MAX_FAILURE_CHARACTERS]


def _text(error: Exception) -> str:
    try:
        text = outgoing(str(error))
    except Exception:  # it has an argument that is too large or too deep
        return "(the message cannot be shown)"
    text = text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + " …"
    return text.replace(f"{PATCH}.__init__()", f"{PATCH}()")  # as the program calls it


def _line(traceback: TracebackType | None) -> int | None:
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == PROGRAM_FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
