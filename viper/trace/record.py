"""The whole run as a value: question, attempts, every call, the outcome.

The `--json` answer, and everything that shows or replays a run, is read from a `Trace`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from viper.images.boxes import Box
from viper.programs.program import CallSite, Failure, Finding, Task
from viper.usage import Usage

__all__ = ["TRACE_FORMAT", "TRACE_VERSION", "Attempt", "CallRecord", "ImageInfo", "Trace", "Votes"]

TRACE_FORMAT = "viper-trace"
TRACE_VERSION = 2


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The picture, by content."""

    name: str
    content_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of a program that needed a model."""

    line: int
    """Line of the normalised program, counted from 1."""
    method: str
    """Qualified name, such as "ImagePatch.find"."""
    box_xyxy: Box | None
    """The patch that was asked, in image pixels, origin top left; None for a function."""
    arguments: tuple[Any, ...]
    """JSON values; a patch is an object with `box_xyxy`, `score` and `category`."""
    result: Any
    """A JSON value; None when the call failed."""
    score: float | None
    """How sure the model was, 0 … 1: of the best patch found, of the property or option chosen; None
    where it gives no such number."""
    failure: str | None
    """Message of what went wrong; None when the call was answered."""
    notes: tuple[str, ...]
    """Remarks, such as a synonym that stood for the phrase."""
    ms: float
    """Wall time from the call to its result."""
    model_ms: float
    """Wall time of the forwards that it waited for."""
    forwards: int
    batch_size: int
    """Largest batch that the call was part of; 0 when no model ran."""
    cached: bool
    """True when all of it was known already: from an earlier call, answer or process."""
    usage: Usage = field(default_factory=Usage)
    ahead: int = 0
    """How many of its requests lookahead had guessed."""
    queue_ms: float = 0.0
    """Longest wait of a request for its forward."""
    failure_kind: str | None = None
    """`ValueError` or `TypeError`, which the program may have caught, or the kind of failure that ended
    it; None when the call was answered."""
    role: str = ""
    """The role that the method needs."""
    model: str = ""
    """Reference of the backend that served it; empty where nobody did."""
    started_ms: float = 0.0
    """When the call came, from the beginning of the answer."""
    unverified: tuple[str, ...] = ()
    """Conditions that the call tested only in part, as the attempt lists them."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that stands for it in a trace."""
        return {
            "line": self.line,
            "method": self.method,
            "role": self.role,
            "model": self.model,
            "box_xyxy": None if self.box_xyxy is None else list(self.box_xyxy),
            "arguments": list(self.arguments),
            "result": self.result,
            "score": None if self.score is None else round(self.score, 4),
            "failure": None
            if self.failure is None
            else {"kind": self.failure_kind, "message": self.failure},
            "notes": list(self.notes),
            "unverified": list(self.unverified),
            "started_ms": round(self.started_ms, 3),
            "ms": round(self.ms, 3),
            "model_ms": round(self.model_ms, 3),
            "forwards": self.forwards,
            "batch_size": self.batch_size,
            "cached": self.cached,
            "ahead": self.ahead,
            "queue_ms": round(self.queue_ms, 3),
            "usage": self.usage.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """One program and what became of it."""

    generator: str
    source: str
    """The program itself, normalised where the sandbox child got that far."""
    failure: Failure | None
    findings: tuple[Finding, ...]
    call_sites: tuple[CallSite, ...]
    calls: tuple[CallRecord, ...]
    printed: str
    usage: Usage
    """Tokens of generating it."""
    generate_ms: float
    run_ms: float
    from_cache: bool = False
    """True when the program was remembered, so that no model was asked for it."""
    notes: tuple[str, ...] = ()
    """How the generator read the question where that is not plain, and what models say against their own
    results on this picture."""
    unverified: tuple[str, ...] = ()
    """Conditions of the question that the program did not test, or only in part."""
    returned: Any = None
    """What the program returned, as a JSON value; None when it failed."""
    started_ms: float = 0.0
    """When the program began to run, from the beginning of the answer."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that stands for it in a trace."""
        return {
            "generator": self.generator,
            "memo": self.from_cache,
            "notes": list(self.notes),
            "source": self.source,
            "failure": self.failure.to_json() if self.failure else None,
            "findings": [
                {"kind": f.kind, "line": f.line, "message": f.message} for f in self.findings
            ],
            "call_sites": [
                {
                    "line": site.line,
                    "method": site.method,
                    "literals": [list(x) if isinstance(x, tuple) else x for x in site.literals],
                    "repeats": site.repeats,
                }
                for site in self.call_sites
            ],
            "calls": [call.to_json() for call in self.calls],
            "printed": self.printed,
            "returned": self.returned,
            "unverified": list(self.unverified),
            "usage": self.usage.to_json(),
            "started_ms": round(self.started_ms, 3),
            "generate_ms": round(self.generate_ms, 3),
            "run_ms": round(self.run_ms, 3),
        }


@dataclass(frozen=True, slots=True)
class Votes:
    """How several programs for one question voted."""

    n: int
    """Programs that were asked for."""
    answers: dict[str, int]
    """Answer → programs that gave it, most votes first."""
    failed: int
    """Programs that gave no answer, or could not be written."""

    @property
    def confidence(self) -> float | None:
        """Share of all programs that gave the answer; None when all failed."""
        return max(self.answers.values()) / self.n if self.answers else None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"n": self.n, "answers": self.answers, "failed": self.failed}


@dataclass(frozen=True, slots=True)
class Trace:
    """A run from question to answer."""

    question: str
    task: Task
    choices: tuple[str, ...]
    image: ImageInfo
    models: dict[str, str]
    """Reference of the backend that served each role."""
    generator: str
    attempts: tuple[Attempt, ...]
    answer: str | None
    """The rendered answer; None when there is none."""
    patches: tuple[dict[str, Any], ...]
    """`box_xyxy`, `score`, `category` of the patches that the answer is, or is made of."""
    failure: Failure | None
    unverified: tuple[str, ...]
    forwards: dict[str, int]
    """Forwards that the run took part in, by role."""
    total_ms: float
    votes: Votes | None = None
    """How the programs voted; None where one program answered."""
    chosen: int = -1
    """Index of the attempt that the answer is of; the last one, unless votes chose another."""
    mean_batch: dict[str, float] = field(default_factory=dict)
    """Mean number of requests in those forwards, other answers' included, by role; rounded."""
    requests: dict[str, int] = field(default_factory=dict, compare=False)
    """Exact number of requests in those forwards, by role; empty where the trace was read from a file."""
    prefetch: dict[str, int] = field(default_factory=dict)
    """Guesses that were computed (`items`), asked for later (`hits`), and not (`wasted`)."""
    version: int = TRACE_VERSION
    viper: str = ""
    """Version of Viper that made it."""

    @property
    def answering(self) -> Attempt | None:
        """The attempt that the answer, or the failure, is of; None when no program was written."""
        return self.attempts[self.chosen] if self.attempts else None

    @property
    def program(self) -> str | None:
        """Source of the program that the answer, or the failure, is of."""
        return (self.answering.source or None) if self.answering else None

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The calls of all attempts, in order."""
        return tuple(call for attempt in self.attempts for call in attempt.calls)

    @property
    def usage(self) -> Usage:
        """Tokens of all language-model calls, generation included."""
        total = Usage()
        for attempt in self.attempts:
            total += attempt.usage
            for call in attempt.calls:
                total += call.usage
        return total

    def to_json(self) -> dict[str, Any]:
        """Return the whole trace as a JSON object; `schema.json` beside this file describes it."""
        return {
            "format": TRACE_FORMAT,
            "version": self.version,
            "viper": self.viper,
            "question": self.question,
            "task": self.task,
            "choices": list(self.choices),
            "image": {
                "name": self.image.name,
                "content_hash": self.image.content_hash,
                "width": self.image.width,
                "height": self.image.height,
            },
            "models": self.models,
            "generator": self.generator,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "chosen": self.chosen % len(self.attempts) if self.attempts else None,
            "votes": self.votes.to_json() if self.votes else None,
            "answer": self.answer,
            "patches": list(self.patches),
            "failure": self.failure.to_json() if self.failure else None,
            "unverified": list(self.unverified),
            "forwards": self.forwards,
            "mean_batch": self.mean_batch,
            "lookahead": self.prefetch,
            "total_ms": round(self.total_ms, 3),
        }

    def _repr_html_(self) -> str:
        """Show itself in a notebook: answer, program, calls."""
        from viper.trace.summary import summary_html

        return summary_html(self, None)

    def summary_json(self) -> dict[str, Any]:
        """Return the object that `viper ask --json` prints."""
        answering = self.answering
        return {
            "answer": self.answer,
            "task": self.task,
            "question": self.question,
            "image": self.image.name,
            "patches": list(self.patches),
            "program": self.program,
            "generator": self.generator,
            "attempts": len(self.attempts),
            "failure": self.failure.to_json() if self.failure else None,
            "unverified": list(self.unverified),
            "notes": list(answering.notes) if answering else [],
            "calls": len(self.calls),
            "forwards": self.forwards,
            "mean_batch": self.mean_batch,
            "cache_hits": sum(call.cached for call in self.calls),
            "lookahead": self.prefetch,
            "timing_ms": {
                "generate": round(sum(a.generate_ms for a in self.attempts), 3),
                "run": round(sum(a.run_ms for a in self.attempts), 3),
                "queue": round(sum(call.queue_ms for call in self.calls), 3),
                "model": round(sum(call.model_ms for call in self.calls), 3),
                "total": round(self.total_ms, 3),
            },
            "models": self.models,
            "usage": self.usage.to_json(),
            "memo": answering is not None and answering.from_cache,
            "confidence": self.votes.confidence if self.votes else None,
            "votes": self.votes.to_json() if self.votes else None,
        }
