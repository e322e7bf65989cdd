"""Remove paths, addresses and options of models from what clients see.

A backend may be a file in somebody's home folder or a service in an internal network, and its messages
may name both. The log keeps the full text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from viper.programs.program import Failure, Finding
from viper.serve.host_places import FOLDER, NO_PLACES, HostPlaces, is_path
from viper.texts.secrets import hide_secrets
from viper.trace import Attempt, CallRecord, Step, Trace
from viper.trace.steps import AttemptStep, CallStep, ProgramStep

__all__ = [
    "WITHHELD",
    "redact_findings",
    "redact_message",
    "redact_reference",
    "redacted_step",
    "redacted_trace",
]

# Kinds whose message is about the client's own program and comes from the sandbox.
_PROGRAM_FAILURES = frozenset({"syntax", "policy", "check", "runtime", "memory", "limit"})

WITHHELD = {
    "budget": "The server's budget for language models is spent.",
    "config": "The server cannot load a model or generator; its log says why.",
}
"""Kind of a failure → what clients read of it, since its message is for the operator."""

# A sentence has some hundred characters; this much is cleaned in a millisecond on the server's loop.
_MAX_MESSAGE_CHARS = 5_000

# All patterns take linear time: a match can begin only where the run of characters in front of it begins.
_FILE_URL = re.compile(r"file:(?://)?(?=/)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s'\")\]]+", re.IGNORECASE)
_IP_ADDRESS = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]+)?(?![\w.]*\w)")
# Where a path begins is seen by its look, or is known. It ends with its quotation mark; without one, nobody
# knows: folders have blanks and commas in their names. Then all up to the last slash of the line is hidden.
_PATH_START = (
    rf"(?:{FOLDER}|(?<![\w/.~…])(?:~[\w.-]{{0,40}}|\.{{1,2}})?/(?![\s/])"
    r"|(?<!\w)[A-Za-z]:[\\/](?!/)|(?<![\w\\])\\\\(?=\w))"
)
_QUOTED_PATH = re.compile(
    rf"(?P<mark>['\"`]){_PATH_START}(?P<rest>(?:\\.|(?!(?P=mark)(?!\w))[^\\\n])*+)(?P=mark)"
)
_UNQUOTED_PATH = re.compile(_PATH_START)


def redacted_trace(trace: Trace, places: HostPlaces = NO_PLACES) -> Trace:
    """Return a run as clients may see it.

    References and messages are changed in the fields that hold them. What programs, models and questions say
    is left alone, whatever it looks like: nothing of theirs is taken for a reference, and looked for on disk.

    Args:
        trace: The run.
        places: What is known of this machine.
    """
    direct = trace.direct_answer
    return replace(
        trace,
        models={role: redact_reference(ref) for role, ref in trace.models.items()},
        generator=redact_reference(trace.generator),
        turns=tuple(_turn(turn, places) for turn in trace.turns),
        direct_answer=direct
        and replace(
            direct,
            model=redact_reference(direct.model),
            why=redact_message(direct.why, places),
        ),
        failure=_failure(trace.failure, places),
    )


def redacted_step(step: Step, places: HostPlaces = NO_PLACES) -> Step:
    """Return a step as clients may see it."""
    match step:
        case ProgramStep():
            return replace(step, generator=redact_reference(step.generator))
        case CallStep():
            return replace(step, call=_call(step.call, places))
        case AttemptStep():
            return replace(step, record=_turn(step.record, places))


def redact_findings(
    findings: Iterable[Finding], places: HostPlaces = NO_PLACES
) -> tuple[Finding, ...]:
    """Return findings about a program as clients may see them."""
    return tuple(
        finding._replace(message=_message(finding.kind, finding.message, places))
        for finding in findings
    )


def _turn(turn: Attempt, places: HostPlaces) -> Attempt:
    return replace(
        turn,
        generator=redact_reference(turn.generator),
        notes=_notes(turn.notes, places),
        failure=_failure(turn.failure, places),
        findings=redact_findings(turn.findings, places),
        calls=tuple(_call(call, places) for call in turn.calls),
    )


def _call(call: CallRecord, places: HostPlaces) -> CallRecord:
    error = call.error
    return replace(
        call,
        model=redact_reference(call.model),
        notes=_notes(call.notes, places),
        error=error and replace(error, message=_message(error.kind, error.message, places)),
    )


def _failure(failure: Failure | None, places: HostPlaces) -> Failure | None:
    return failure and replace(failure, message=_message(failure.kind, failure.message, places))


def _notes(notes: tuple[str, ...], places: HostPlaces) -> tuple[str, ...]:
    return tuple(redact_message(note, places) for note in notes)


def _message(kind: str, text: str, places: HostPlaces) -> str:
    if kind in WITHHELD:
        return WITHHELD[kind]
    return text if kind in _PROGRAM_FAILURES else redact_message(text, places)


@functools.lru_cache(maxsize=256)
def redact_reference(reference: str) -> str:
    """Return the reference of a backend or generator without options, and a file as its name only."""
    bare = reference.partition("?")[0]
    for colon in islice(re.finditer(":", bare), 2):  # auto:local:FOLDER has two
        if is_path(path := bare[colon.end() :]):
            return bare[: colon.end()] + _last_part(path)
    return _last_part(bare) if is_path(bare) else bare


def redact_message(text: str, places: HostPlaces = NO_PLACES) -> str:
    """Return a message without secrets and addresses, and with paths cut to their last part.

    What is beyond `_MAX_MESSAGE_CHARS` is left out: a message may quote a text of a megabyte.
    """
    text = text.replace(FOLDER, "")
    if len(text) > _MAX_MESSAGE_CHARS:
        text = text[:_MAX_MESSAGE_CHARS] + "…"
    text = _ADDRESS.sub("(address withheld)", _FILE_URL.sub("", hide_secrets(text)))
    text = _IP_ADDRESS.sub("(address withheld)", places.hide(text))
    text = _QUOTED_PATH.sub(_quoted, text)
    return "\n".join(map(_without_path, text.split("\n")))


def _without_path(line: str) -> str:
    if found := _UNQUOTED_PATH.search(line):
        end = max(line.rfind("/"), line.rfind("\\")) + 1
        if end > found.start():
            line = f"{line[: found.start()]}…/{line[end:]}"
    return line.replace(FOLDER, "…")


def _quoted(found: re.Match[str]) -> str:
    is_folder = found[0][1:-1] == FOLDER
    mark = found["mark"]
    return f"{mark}…{'' if is_folder else '/' + _last_part(found['rest'])}{mark}"


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
