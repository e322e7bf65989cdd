"""The whole run as a value: question, programs, every call, the outcome.

The fields of a record are the keys of its JSON object, in the order of their definition. The `--json` answer,
and everything that shows or replays a run, is read from a `Trace`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from viper.errors import FailureKind
from viper.images.boxes import Box
from viper.programs.program import Failure, Task
from viper.trace.model import (
    MEASURE,
    Count,
    FailureField,
    FindingField,
    Index,
    Milliseconds,
    PatchField,
    Record,
    Score,
    SiteField,
    UsageField,
)
from viper.trace.summary import summary_html
from viper.usage import Usage

__all__ = [
    "SUMMARY_KEYS",
    "TRACE_FORMAT",
    "TRACE_VERSION",
    "Attempt",
    "CallError",
    "CallRecord",
    "Crop",
    "DirectAnswer",
    "Doubt",
    "Embedded",
    "ImageInfo",
    "Observation",
    "Region",
    "RunOutcome",
    "TextScore",
    "Trace",
    "Votes",
    "outcome_of",
]

TRACE_FORMAT: Literal["viper-trace"] = "viper-trace"
TRACE_VERSION: Literal[3] = 3

SUMMARY_KEYS = (
    "answer outcome doubts direct_answer task question patches generator failure unverified forwards "
    "requests prefetch models votes"
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
class CallError(Record):
    """Why a call has no result."""

    kind: Literal["ValueError", "TypeError", FailureKind]
    """An exception that the program could catch, or the kind of failure that ended it."""
    message: str
    """What was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScore(Record):
    """How well a text matches a region."""

    text: str
    """As it was compared."""
    score: float
    """0 to 1."""
    image: Index | None = None
    """Index of the image; null for the patch of the call."""
    box_xyxy: Box | None = None
    """The region that was compared; null for the patch of the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord(Record):
    """One call of a program that needed a model."""

    line: int
    """Line of the program, counted from 1."""
    method: str
    """ImagePatch.find for a method, the bare name for a function."""
    role: str
    """The role that the method needs."""
    model: str
    """Reference of the backend; empty where no backend serves the role."""
    image: Index | None
    """Index of the image that the patch is on; null for a function."""
    box_xyxy: Box | None
    """Box of the patch whose method was called; null for a function."""
    arguments: tuple[Any, ...]
    """One per parameter of the method, defaults filled in; patches as objects."""
    result: Any
    """What the program got; null when the call failed."""
    score: Score
    """How sure the model was, 0 to 1: of the best patch found, or of what was chosen; null where it gives no
    such number."""
    scores: tuple[TextScore, ...] | None = None
    """Scores of all texts that a matcher compared; null until matchers report them."""
    error: CallError | None
    """Null, or why the call failed."""
    notes: tuple[str, ...]
    """Remarks, such as a synonym that stood for the phrase."""
    unverified: tuple[str, ...]
    """Conditions that it tested only in part."""
    started_ms: Milliseconds
    """When the call came, from the beginning of the answer."""
    ms: Milliseconds
    """From the call to its result."""
    model_ms: Milliseconds
    """In the forwards that it waited for."""
    queue_ms: Milliseconds
    """Longest wait of a request for its forward."""
    forwards: Count
    """Forwards that it waited for."""
    batch_size: Count
    """Largest batch that it was part of; 0 when no model ran."""
    cached: Annotated[bool, MEASURE]
    """Whether all results came from a cache: an earlier call, answer or process."""
    prefetched: Count
    """How many of its requests had been prefetched."""
    usage: UsageField
    """Tokens that it was billed."""

    @property
    def failure(self) -> str | None:
        """Message of what went wrong; None when the call was answered."""
        return None if self.error is None else self.error.message

    @property
    def failure_kind(self) -> str | None:
        """Kind of what went wrong; None when the call was answered."""
        return None if self.error is None else self.error.kind


@dataclass(frozen=True, slots=True)
class Observation(Record):
    """What one step of a program reported."""

    text: str
    """As the language model reads it."""
    value: Any = None
    """The value behind it; null where there is only text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One program and what became of it: a turn of the run."""

    generator: str
    """Name of the generator."""
    from_program_cache: Annotated[bool, MEASURE]
    """Whether the program came from the program cache, so that no model was asked for it."""
    notes: tuple[str, ...]
    """How the question was read, and what models report against their own results on this image."""
    source: str
    """The program; all lines count in this text. Empty when none could be written."""
    outcome: Literal["returned", "observed", "failed"]
    """`returned` a value, `observed` (reported observations for the next turn; no program does yet), or
    `failed`."""
    failure: FailureField | None
    """Null, or why it gave no answer."""
    findings: tuple[FindingField, ...]
    """What the checks found, so that the program was not run."""
    call_sites: tuple[SiteField, ...]
    """Calls of the API in the source."""
    calls: tuple[CallRecord, ...]
    """The calls that needed a model, in order."""
    printed: str
    """What it printed."""
    observations: tuple[Observation, ...] = ()
    """What it reported step by step; empty until programs report observations."""
    returned: Any
    """What the program returned: a JSON value with patches as objects, sets as sorted lists; null when it
    failed."""
    unverified: tuple[str, ...]
    """Conditions of the question that it did not test, or only in part."""
    usage: UsageField
    """Of writing the program."""
    started_ms: Milliseconds
    """When it began to run, from the beginning of the answer."""
    generate_ms: Milliseconds
    """Time of writing it."""
    run_ms: Milliseconds
    """Time of running it, calls included."""


@dataclass(frozen=True, slots=True)
class Votes(Record):
    """How several programs for one question voted."""

    n: Annotated[int, Field(ge=1)]
    """Programs that were asked for."""
    answers: dict[str, int]
    """Answer: programs that gave it, most votes first."""
    failed: Index
    """Programs that gave no answer, or could not be written."""

    @property
    def confidence(self) -> float | None:
        """Share of all programs that gave the answer; None when all failed."""
        return max(self.answers.values()) / self.n if self.answers else None


@dataclass(frozen=True, slots=True)
class Doubt(Record):
    """A condition of the question that the answer may not meet."""

    condition: str
    """The condition."""
    why: str
    """Why it is in doubt."""


@dataclass(frozen=True, slots=True)
class DirectAnswer(Record):
    """What an answerer or vision language model answered without a program."""

    text: str
    """The answer."""
    model: str
    """Reference of the backend."""
    why: str
    """Why no program was run, or why its answer did not count."""


@dataclass(frozen=True, slots=True)
class Crop(Record):
    """What a box shows, scaled down."""

    image: Index
    """Index of the image among `images`."""
    box_xyxy: Box
    """The box."""
    data: Annotated[str, Field(pattern="^data:image/jpeg;base64,")]
    """`data:image/jpeg;base64,…`, at most 160 pixels wide and high."""


@dataclass(frozen=True, slots=True)
class Embedded(Record):
    """Images, where the trace was written with them."""

    images: tuple[Annotated[str, Field(pattern="^data:image/png;base64,")], ...] = ()
    """The whole images, without loss, in the order of `images`; empty where only crops are embedded."""
    crops: tuple[Crop, ...] = ()
    """What calls looked at and found, each box once."""


def outcome_of(
    failure: Failure | None, unverified: tuple[str, ...]
) -> tuple[RunOutcome, tuple[Doubt, ...]]:
    """Return the outcome of a run and its doubts."""
    if failure is not None:
        return "no_answer", ()
    doubts = tuple(Doubt(text, "not tested, or only in part") for text in unverified)
    return "answered_with_doubts" if doubts else "answered", doubts


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Record):
    """Everything that happened between a question about images and its answer.

    Boxes are `[x1, y1, x2, y2]` in pixels of the image, origin top left. Times are wall time in milliseconds.
    Numbers of calls are exact: a trace can be replayed.
    """

    format: Literal["viper-trace"] = TRACE_FORMAT
    """Always `"viper-trace"`."""
    version: Literal[3] = TRACE_VERSION
    """Grows when a reader of the version before would misread the file."""
    viper: Annotated[str, MEASURE]
    """Version of Viper that made the trace."""
    question: str
    """Empty for a program that was run without a question."""
    task: Task
    """`vqa` or `grounding`."""
    choices: tuple[str, ...]
    """Answers that the caller allowed; empty when any would do."""
    images: Annotated[tuple[ImageInfo, ...], Field(min_length=1)]
    """The images by content; an image is named by its index here."""
    regions: tuple[Region, ...] = ()
    """Parts of the images that the user pointed out; empty until regions can be given."""
    models: dict[str, str]
    """Reference of the backend that served each role."""
    generator: str
    """Who wrote the program that answered: grammar, openai:MODEL, local:MODEL, or file."""
    turns: tuple[Attempt, ...]
    """The programs, in the order in which they ended."""
    chosen: Index | None
    """Index of the turn that the answer or failure is of; null where no program was written."""
    votes: Votes | None
    """Null, or how the programs voted."""
    outcome: RunOutcome
    """`answered`, `answered_with_doubts` (conditions were not tested, or only in part), or `no_answer`."""
    doubts: tuple[Doubt, ...]
    """Conditions of the question that the answer may not meet, and why."""
    answer: str | None
    """The answer as text; null when there is none."""
    direct_answer: DirectAnswer | None = None
    """An answer without a program; null until Viper asks for one."""
    patches: tuple[PatchField, ...]
    """The patches that the answer is (grounding, best first) or is made of; rounded."""
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
        """The attempt that the answer, or the failure, is of; None when no program was written."""
        return None if self.chosen is None else self.turns[self.chosen]

    @property
    def program(self) -> str | None:
        """Source of the program that the answer, or the failure, is of."""
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
        return summary_html(self.to_json(), None)

    def summary_json(self) -> dict[str, Any]:
        """Return the object that `viper ask --json` prints; `memo` and `lookahead` are names of Viper 0.1."""
        value, answering = replace(self, turns=(), embedded=None).to_json(), self.answering
        from_program_cache = answering is not None and answering.from_program_cache
        return {
            **{key: value[key] for key in SUMMARY_KEYS},
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
            "confidence": self.votes.confidence if self.votes else None,
        }
