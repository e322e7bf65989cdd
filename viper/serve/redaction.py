"""Remove paths, addresses and options of models from what clients see.

A backend may be a file in somebody's home folder or a service in an internal network, and its messages
may name both. The log keeps the full text.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

from viper.programs.program import Failure
from viper.texts.secrets import hide_secrets
from viper.trace import Attempt, CallRecord, Step, Trace
from viper.trace.steps import AttemptStep, CallStep, ProgramStep

__all__ = ["redact_message", "redact_reference", "redacted_step", "redacted_trace"]

# Kinds whose message is about the client's own program and comes from the sandbox.
_PROGRAM_FAILURES = frozenset({"syntax", "policy", "check", "runtime", "memory", "limit"})

# A sentence has some hundred characters; this much is cleaned in a millisecond on the server's loop.
_MAX_MESSAGE_CHARS = 5_000

# Both patterns take linear time: a match can begin only where the run of characters in front of it begins.
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s'\")\]]+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/.~])(?:~|\.{1,2})?(?:/[^\s/'\",;:)\]]+)+/?([^\s/'\",;:)\]]*)")


def redacted_trace(trace: Trace) -> Trace:
    """Return a run as clients may see it.

    References and messages are changed in the fields that hold them. What programs, models and questions say
    is left alone, whatever it looks like: nothing of theirs is taken for a reference, and looked for on disk.
    """
    direct = trace.direct_answer
    return replace(
        trace,
        models={role: redact_reference(ref) for role, ref in trace.models.items()},
        generator=redact_reference(trace.generator),
        turns=tuple(map(_turn, trace.turns)),
        direct_answer=direct and replace(direct, model=redact_reference(direct.model)),
        failure=_failure(trace.failure),
    )


def redacted_step(step: Step) -> Step:
    """Return a step as clients may see it."""
    match step:
        case ProgramStep():
            return replace(step, generator=redact_reference(step.generator))
        case CallStep():
            return replace(step, call=_call(step.call))
        case AttemptStep():
            return replace(step, record=_turn(step.record))


def _turn(turn: Attempt) -> Attempt:
    return replace(
        turn,
        generator=redact_reference(turn.generator),
        failure=_failure(turn.failure),
        findings=tuple(
            finding._replace(message=_message(finding.kind, finding.message))
            for finding in turn.findings
        ),
        calls=tuple(map(_call, turn.calls)),
    )


def _call(call: CallRecord) -> CallRecord:
    error = call.error
    return replace(
        call,
        model=redact_reference(call.model),
        error=error and replace(error, message=_message(error.kind, error.message)),
    )


def _failure(failure: Failure | None) -> Failure | None:
    return failure and replace(failure, message=_message(failure.kind, failure.message))


def _message(kind: str, text: str) -> str:
    return text if kind in _PROGRAM_FAILURES else redact_message(text)


@functools.lru_cache(maxsize=256)
def redact_reference(reference: str) -> str:
    """Return the reference of a backend or generator without options, and a file as its name only."""
    bare = reference.partition("?")[0]
    for colon in islice(re.finditer(":", bare), 2):  # auto:local:FOLDER has two
        if _is_path(path := bare[colon.end() :]):
            return bare[: colon.end()] + _last_part(path)
    return _last_part(bare) if _is_path(bare) else bare


def redact_message(text: str) -> str:
    """Return a message without secrets and addresses, and with paths cut to their last part.

    What is beyond `_MAX_MESSAGE_CHARS` is left out: a message may quote a text of a megabyte.
    """
    if len(text) > _MAX_MESSAGE_CHARS:
        text = text[:_MAX_MESSAGE_CHARS] + "…"
    text = _ADDRESS.sub("(address withheld)", hide_secrets(text))
    return _PATH.sub(lambda found: f"…/{_last_part(found[0])}", text)


def _is_path(text: str) -> bool:
    if text.startswith(("/", "~", ".")) or "\\" in text:
        return True
    try:
        return "/" in text and Path(text).exists()
    except OSError:
        return True


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
