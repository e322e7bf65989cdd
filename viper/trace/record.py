"""The whole run as a value: question and images, turns (`viper.trace.turns`), outcome.

The fields of a record are the keys of its JSON object, in the order of their definition. The `--json` answer,
and everything that shows or replays a run, is read from a `Trace`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

from viper.images.boxes import Box
from viper.programs.program import Doubt, Failure, Task
from viper.trace.model import (
    MEASURE,
    Constraint,
    DoubtField,
    FailureField,
    Index,
    Milliseconds,
    PatchField,
    Record,
)
from viper.trace.turns import Attempt, CallRecord, Votes
from viper.usage import Usage

__all__ = [
    "SUMMARY_KEYS",
    "TRACE_FORMAT",
    "TRACE_VERSION",
    "Crop",
    "DirectAnswer",
    "Doubt",
    "Embedded",
    "ImageInfo",
    "Region",
    "RunOutcome",
    "Trace",
    "direct_answer",
    "outcome_of",
]

TRACE_FORMAT: Literal["viper-trace"] = "viper-trace"
TRACE_VERSION: Literal[4] = 4

SUMMARY_KEYS = (
    "answer outcome doubts direct_answer best_effort task question patches generator failure unverified "
    "forwards requests prefetch models votes"
).split()
"""Keys of a trace that `viper ask --json` prints too."""

RunOutcome: TypeAlias = Literal["answered", "answered_with_doubts", "no_answer"]


@dataclass(frozen=True, slots=True)
class ImageInfo(Record):
    """An image by its content."""

    name: str
    """The file's name, without its folder."""
    content_hash: str
    """SHA-256, as hex, of the text WIDTHxHEIGHT: and the decoded RGB pixels, upright, row by row. Empty where
    the image could not be read."""
    width: Index
    """In pixels."""
    height: Index
    """In pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Record):
    """A part of an image that the user pointed out."""

    image: Index
    """Index of the image among `images`."""
    box_xyxy: Box
    """The box, or the one around the polygon, in pixels of the image."""
    polygon_xy: tuple[tuple[float, float], ...] | None = None
    """Corners in pixels of the image; null for a box."""
    name: str = ""
    """What the user calls it; may be empty."""


@dataclass(frozen=True, slots=True)
class DirectAnswer(Record):
    """What one answerer said about a whole image, checked by nothing else."""

    text: str
    """The answer."""
    model: str
    """Reference of the backend."""
    why: str
    """Why nothing else was looked at, or why its answer did not count."""


@dataclass(frozen=True, slots=True)
class Crop(Record):
    """What a box shows, scaled down."""

    image: Index
    """Index of the image among `images`."""
    box_xyxy: Box
    """The box."""
    data: Annotated[str, Constraint(pattern="^data:image/jpeg;base64,")]
    """`data:image/jpeg;base64,…`, at most 160 pixels wide and high."""


@dataclass(frozen=True, slots=True)
class Embedded(Record):
    """Images, where the trace was written with them."""

    images: tuple[Annotated[str, Constraint(pattern="^data:image/png;base64,")], ...] = ()
    """The whole images, without loss, in the order of `images`; empty where only crops are embedded."""
    crops: tuple[Crop, ...] = ()
    """What calls looked at and found, each box once."""


def direct_answer(
    attempt: Attempt, text: str | None, size_wh: tuple[int, int]
) -> DirectAnswer | None:
    """Return an answer as the word of one model, if that model alone was asked, about the whole image only.

    Args:
        attempt: The program that gave the answer.
        text: The answer; None without one.
        size_wh: Size of the image, in pixels.
    """
    seen = [call for call in attempt.calls if call.error is None and call.role]
    seen = [call for call in seen if call.role != "language"]  # it never sees the image
    whole = (0.0, 0.0, *map(float, size_wh))
    models = {call.model for call in seen}
    if text is None or len(models) != 1:
        return None
    if any(call.role != "answerer" or call.box_xyxy != whole for call in seen):
        return None
    return DirectAnswer(text, models.pop(), "no other model looked at the image")


def outcome_of(failure: Failure | None, doubts: tuple[Doubt, ...]) -> RunOutcome:
    """Return the outcome of a run."""
    if failure is not None:
        return "no_answer"
    return "answered_with_doubts" if doubts else "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Record):
    """Everything that happened between a question about images and its answer.

    Boxes are `[x1, y1, x2, y2]` in pixels of the image, origin top left. Times are wall time in milliseconds.
    Boxes, arguments and results of calls are not rounded, so that a trace can be replayed.
    """

    format: Literal["viper-trace"] = TRACE_FORMAT
    """Always `"viper-trace"`."""
    version: Literal[4] = TRACE_VERSION
    """Grows when a reader of the previous version would misread the file."""
    viper: Annotated[str, MEASURE]
    """Version of Viper that made the trace."""
    question: str
    """Empty for a program that was run without a question."""
    task: Task
    """`vqa` or `grounding`."""
    choices: tuple[str, ...]
    """Answers that the caller allowed; empty when any would do."""
    best_effort: bool = False
    """Whether the caller wanted an answer even with doubts."""
    images: Annotated[tuple[ImageInfo, ...], Constraint(min_length=1)]
    """The images by content; an image is named by its index here."""
    regions: tuple[Region, ...] = ()
    """Parts of the images that the user pointed out; not used yet, so empty."""
    models: dict[str, str]
    """Reference of the backend that served each role."""
    generator: str
    """What wrote the program that answered: grammar, openai:MODEL, local:MODEL, or file."""
    turns: tuple[Attempt, ...]
    """The programs, in the order in which they ended."""
    chosen: Index | None
    """Index of the turn that gave the answer or failure; null where no program was written."""
    votes: Votes | None
    """Null, or how the programs voted."""
    outcome: RunOutcome
    """`answered`, `answered_with_doubts` (conditions were not tested, or only in part), or `no_answer`."""
    doubts: tuple[DoubtField, ...]
    """Conditions of the question that the answer may not meet, and why; empty where there is no answer."""
    answer: str | None
    """The answer as text; null when there is none."""
    direct_answer: DirectAnswer | None = None
    """Null, or the word of one model about a whole image that is the answer."""
    patches: tuple[PatchField, ...]
    """What the answer rests on, rounded: the patches that it is (grounding, best first), counts or names,
    then those that others were compared with, then those that were dropped; `evidence` says which."""
    failure: FailureField | None
    """Null, or why there is no answer."""
    unverified: tuple[str, ...]
    """Conditions of the question that were not tested, or only in part."""
    forwards: Annotated[dict[str, int], MEASURE]
    """Forwards that the answer took part in, by role."""
    requests: Annotated[dict[str, int], MEASURE]
    """Requests in those forwards, other answers' included, by role; in traces of Viper 0.1 computed from
    their mean per forward."""
    prefetch: Annotated[dict[str, int], MEASURE]
    """Prefetched requests that were computed (items), used later (hits), and not (wasted)."""
    total_ms: Milliseconds
    """Wall time of the whole answer."""
    embedded: Embedded | None = field(default=None, repr=False, compare=False)
    """Images in the file; only where the trace was written with them."""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The programs, in the order in which they ended: the turns."""
        return self.turns

    @property
    def image(self) -> ImageInfo:
        """The first image."""
        return self.images[0]

    @property
    def answering(self) -> Attempt | None:
        """The attempt that gave the answer or the failure; None when no program was written."""
        return None if self.chosen is None else self.turns[self.chosen]

    @property
    def how(self) -> Literal["program", "direct"] | None:
        """How the answer came about: see `direct_answer`; None without an answer."""
        if self.answer is None:
            return None
        return "direct" if self.direct_answer else "program"

    @property
    def caveat(self) -> str:
        """What is said behind an answer: ` (not verified: wearing a hat)`; empty where there is no caveat."""
        parts = [f"not verified: {'; '.join(doubt.condition for doubt in self.doubts)}"]
        if not self.doubts:
            parts.clear()
        if self.direct_answer:
            parts.append("answered by one model, not checked")
        return f" ({'; '.join(parts)})" if parts else ""

    @property
    def weakest(self) -> CallRecord | None:
        """The call whose score was nearest to its threshold: what the answer hangs on most.

        Margins of different models are compared as they are, so it points to a place to look at, and is no
        measure of how sure the answer is. None without an answer, or where no call has a threshold.
        """
        calls = self.answering.calls if self.answering and self.answer is not None else ()
        margins = [
            (margin, number)
            for number, call in enumerate(calls)
            if (margin := call.margin) is not None
        ]
        return calls[min(margins)[1]] if margins else None

    @property
    def confidence(self) -> float | None:
        """Share of the programs that gave the answer, 0 to 1; None without votes or without an answer."""
        return self.votes.confidence if self.votes and self.answer is not None else None

    @property
    def program(self) -> str | None:
        """Source of the program that gave the answer or the failure."""
        return (self.answering.source or None) if self.answering else None

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The calls of all attempts, in order."""
        return tuple(call for attempt in self.turns for call in attempt.calls)

    @property
    def usage(self) -> Usage:
        """Tokens of all language-model calls, generation included."""
        parts: list[Attempt | CallRecord] = [*self.turns, *self.calls]
        return sum((part.usage for part in parts), Usage())

    @property
    def times_ms(self) -> dict[str, float]:
        """Wall time of writing and running programs, of waiting for and running models, and of the whole."""
        return {
            "generate": sum(turn.generate_ms for turn in self.turns),
            "run": sum(turn.run_ms for turn in self.turns),
            "queue": sum(call.queue_ms for call in self.calls),
            "model": sum(call.model_ms for call in self.calls),
            "total": self.total_ms,
        }

    @property
    def mean_batch(self) -> dict[str, float]:
        """Mean number of requests per forward, other answers' included, by role; rounded."""
        return {
            role: round(count / self.forwards[role], 2)
            for role, count in self.requests.items()
            if self.forwards.get(role)
        }

    def to_json(self) -> dict[str, Any]:
        """Return the whole trace as a JSON object; `schema.json` beside this file describes it."""
        value = Record.to_json(self)
        if self.embedded is None:
            del value["embedded"]
        return value

    def _repr_html_(self) -> str:
        """Show itself in a notebook: answer, program, calls."""
        from viper.trace.summary import summary_html

        return summary_html(self.to_json(), None)

    def summary_json(self) -> dict[str, Any]:
        """Return the object that `viper ask --json` prints; `memo` and `lookahead` are names of Viper 0.1."""
        value, answering = replace(self, turns=(), embedded=None).to_json(), self.answering
        from_program_cache = answering is not None and answering.from_program_cache
        evidence = value["patches"]
        return {
            **{key: value[key] for key in SUMMARY_KEYS},
            "patches": [patch for patch in evidence if patch["evidence"] == "answer"],
            "evidence": evidence,
            "image": self.image.name,
            "program": self.program,
            "attempts": len(self.turns),
            "notes": list(answering.notes) if answering else [],
            "calls": len(self.calls),
            "mean_batch": self.mean_batch,
            "cache_hits": sum(call.cached for call in self.calls),
            "lookahead": self.prefetch,
            "timing_ms": {name: round(ms, 3) for name, ms in self.times_ms.items()},
            "usage": self.usage.to_json(),
            "from_program_cache": from_program_cache,
            "memo": from_program_cache,
            "confidence": self.confidence,
            "how": self.how,
            "weakest": None if self.weakest is None else _summary_of(self.weakest),
        }


_WEAKEST_KEYS = "line method box_xyxy arguments result score threshold model".split()


def _summary_of(call: CallRecord) -> dict[str, Any]:
    """Return a call as the `--json` answer names it."""
    value = call.to_json()
    return {**{key: value[key] for key in _WEAKEST_KEYS}, "margin": call.margin}
