"""Remove paths, addresses and options of models from what clients see.

A backend may be a file in somebody's home folder or a service in an internal network, and its messages
may name both. The log keeps the full text.

Most messages may quote a client: a phrase that was looked for, a word that was not understood. In these the
look of a place decides, and what the server knows of its own places does not: a client that sends names of
folders would otherwise see which of them the server knows. Only messages that quote nobody are searched for
known places.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from viper.programs.program import Doubt, Failure, Finding
from viper.serve.host_places import FOLDER, NO_PLACES, HostPlaces, is_path
from viper.texts.places import without_places, without_urls
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

# Kinds whose message is in the words of the program, which the client has sent or may read.
_OF_PROGRAMS = frozenset(
    {"syntax", "policy", "check", "runtime", "memory", "limit", "absent", "unsure"}
)

# Kinds whose message is the server's own: it quotes neither question nor program.
_OF_SERVER = frozenset({"sandbox"})

WITHHELD = {
    "budget": "The server's budget for language models is spent.",
    "config": "The server cannot load a model or generator; its log says why.",
}
"""Kind of a failure → what clients read of it, since its message is for the operator."""

# A sentence has some hundred characters; this much is cleaned in a millisecond on the server's loop.
_MAX_MESSAGE_CHARS = 5_000

# A prompt has some ten thousand.
_MAX_PROMPT_CHARS = 100_000


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
            why=redact_message(direct.why),
        ),
        doubts=_doubts(trace.doubts),
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
        notes=_notes(turn.notes),
        doubts=_doubts(turn.doubts),
        prompt=_redacted(turn.prompt, NO_PLACES, _MAX_PROMPT_CHARS),
        failure=_failure(turn.failure, places),
        findings=redact_findings(turn.findings, places),
        calls=tuple(_call(call, places) for call in turn.calls),
    )


def _call(call: CallRecord, places: HostPlaces) -> CallRecord:
    error = call.error
    return replace(
        call,
        model=redact_reference(call.model),
        notes=_notes(call.notes),
        doubts=_doubts(call.doubts),
        error=error and replace(error, message=_message(error.kind, error.message, places)),
    )


def _failure(failure: Failure | None, places: HostPlaces) -> Failure | None:
    return failure and replace(failure, message=_message(failure.kind, failure.message, places))


def _notes(notes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(redact_message, notes))


def _doubts(doubts: tuple[Doubt, ...]) -> tuple[Doubt, ...]:
    return tuple(replace(doubt, why=redact_message(doubt.why)) for doubt in doubts)


def _message(kind: str, text: str, places: HostPlaces) -> str:
    if kind in WITHHELD:
        return WITHHELD[kind]
    if kind in _OF_PROGRAMS:
        return text
    return redact_message(text, places if kind in _OF_SERVER else NO_PLACES)


@functools.lru_cache(maxsize=256)
def redact_reference(reference: str) -> str:
    """Return the reference of a backend or generator without options, and a file as its name only."""
    bare = reference.partition("?")[0]
    for colon in islice(re.finditer(":", bare), 2):  # auto:local:FOLDER has two
        if is_path(path := bare[colon.end() :]):
            return bare[: colon.end()] + _last_part(path)
    return _last_part(bare) if is_path(bare) else bare


def redact_message(text: str, places: HostPlaces = NO_PLACES) -> str:
    """Return a message without secrets, addresses and paths; the name of a file may stay.

    What is beyond `_MAX_MESSAGE_CHARS` is left out: a message may quote a text of a megabyte.

    Args:
        text: The message.
        places: What is known of this machine, for a message that quotes no client; none for any other.
    """
    return _redacted(text, places, _MAX_MESSAGE_CHARS)


def _redacted(text: str, places: HostPlaces, most: int) -> str:
    text = text.replace(FOLDER, "")
    if len(text) > most:
        text = text[:most] + "…"
    text = without_places(places.hide(without_urls(hide_secrets(text))))
    return text.replace(f"{FOLDER}…", "…").replace(FOLDER, "…")


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
