"""Collects what happens during one answer and turns it into a `Trace` and an `Answer`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from viper.engine.answer import Answer, render
from viper.engine.config import EngineConfig
from viper.engine.evidence import Evidence, evidence_of
from viper.engine.query import Query
from viper.errors import failure_kind
from viper.images.image import ImageRef
from viper.images.region import Patch
from viper.images.values import map_value, to_json_value
from viper.methods.dispatch import CallDispatcher
from viper.methods.doubts import capped_doubts
from viper.programs.program import CheckReport, Doubt, Failure, Program, Task
from viper.scheduling.metrics import AnswerMetrics
from viper.storage.version import __version__
from viper.texts.secrets import hide_secrets
from viper.trace import Attempt, ImageInfo, Trace, Votes
from viper.trace.record import direct_answer, outcome_of
from viper.usage import Usage
from viper_sandbox import HandleRef, PatchRef, Result
from viper_sandbox.findings import capped, capped_all

__all__ = [
    "ProgramResult",
    "Reading",
    "TraceBuilder",
    "answer_of",
    "outcome_fields",
    "read_result",
    "read_value",
]

_BLANK = Attempt(
    generator="",
    from_program_cache=False,
    notes=(),
    source="",
    outcome="failed",
    failure=None,
    findings=(),
    call_sites=(),
    calls=(),
    printed="",
    returned=None,
    unverified=(),
    usage=Usage(),
    started_ms=0.0,
    generate_ms=0.0,
    run_ms=0.0,
)


_LONGEST_TEXT = 40_000
"""Most characters of a prompt or reply in a trace: a prompt has some 10,000, and grows with each repair."""

LOOKED_AT_NOTHING = (
    "The program answers without having looked at the image: no call of find, exists, verify_property, "
    "best_text_match, best_image_match, simple_query or compute_depth gave it anything. Answer from what "
    "such a call returns."
)
"""Message of the failure of a program whose answer says nothing about the image."""


class Reading(NamedTuple):
    """What a program's result is for the host."""

    failure: Failure | None
    value: Any = None  # what the program returned
    text: str | None = None
    evidence: tuple[Evidence, ...] = ()
    returned: Any = None  # the value in the JSON of a trace
    evidence_json: tuple[dict[str, Any], ...] = ()
    """The evidence in the JSON of a trace."""


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """The result of one program."""

    attempt: Attempt
    value: Any = None  # what the program returned
    text: str | None = None
    """The value as an answer; None on failure."""
    patches: tuple[Patch, ...] = ()
    """The patches that the answer is, counts or names."""
    report: CheckReport = field(default_factory=lambda: CheckReport(""))
    """The sandbox's report on the program."""
    evidence: tuple[Evidence, ...] = ()
    """What the answer rests on, these patches included."""
    evidence_json: tuple[dict[str, Any], ...] = ()
    """The evidence in the JSON of a trace."""

    @property
    def failure(self) -> Failure | None:
        """Why there is no answer."""
        return self.attempt.failure


class TraceBuilder:
    """Builds the trace of one answer; programs are recorded in the order in which they end.

    Args:
        query: The query; its question is empty for a program without a question.
        image: The query's image, opened.
        config: The engine's configuration.
        account: Forwards and prefetches, counted while programs run.
    """

    def __init__(
        self,
        query: Query,
        image: ImageRef,
        config: EngineConfig,
        account: AnswerMetrics,
    ) -> None:
        self._query = query
        self._image = image
        self._config = config
        self._account = account
        self.started_s = time.perf_counter()
        """When the answer began, by `time.perf_counter`."""
        self._outcomes: list[ProgramResult] = []
        self._chosen: ProgramResult | None = None
        self._votes: Votes | None = None
        self._failure: Failure | None = None  # of the answer as a whole

    def enter(
        self,
        program: Program,
        session: CallDispatcher,
        result: Result | None,
        *,
        generate_ms: float,
        started_s: float,
        reading: Reading | None = None,
    ) -> ProgramResult:
        """Record a program and its result; the last one is the answer, unless `choose` is called.

        Args:
            program: As the generator wrote it.
            session: The dispatcher that recorded its calls.
            result: The sandbox's result; None when the program was stopped from outside.
            generate_ms: Wall time of writing it.
            started_s: When it began to run, by `time.perf_counter`; it has ended now.
            reading: What `read_value` made of the result; None if it was not asked yet.
        """
        attempt = replace(
            _written(program, generate_ms, session.doubts),
            run_ms=(time.perf_counter() - started_s) * 1000,
            started_ms=(started_s - self.started_s) * 1000,
        )
        query = self._query
        found = read_result(
            attempt,
            session,
            result,
            query.task,
            query.choices,
            must_look=query.program is None,
            reading=reading,
        )
        return self._enter(found)

    def enter_unwritten(
        self, generator: str, failure: Failure, generate_ms: float
    ) -> ProgramResult:
        """Record a program that could not be written."""
        attempt = replace(_BLANK, generator=generator, failure=failure, generate_ms=generate_ms)
        return self._enter(ProgramResult(attempt))

    def enter_refused(self, program: Program, reason: str, generate_ms: float) -> ProgramResult:
        """Record a program that was not run, since it would not test all conditions of the question.

        Args:
            program: As the generator wrote it.
            reason: Why, and how to get an answer.
            generate_ms: Wall time of writing it.
        """
        attempt = _written(program, generate_ms)
        refused = Failure("model", reason)
        return self._enter(ProgramResult(replace(attempt, failure=refused)))

    def choose(self, outcome: ProgramResult, votes: Votes) -> None:
        """Make the outcome of one recorded program the answer.

        Args:
            outcome: One that was recorded.
            votes: The vote that chose it.
        """
        self._chosen, self._votes = outcome, votes

    def fail(self, failure: Failure) -> None:
        """Record a failure of the whole answer, such as a timeout."""
        self._failure = failure

    def _enter(self, outcome: ProgramResult) -> ProgramResult:
        self._outcomes.append(outcome)
        self._chosen = outcome
        return outcome

    def answer(self) -> Answer:
        """Return the answer with its trace."""
        width, height = self._image.size
        forwards = {role: sizes for role, sizes in self._account.forwards.items() if sizes}
        chosen = self._chosen
        failure = self._failure or (chosen.failure if chosen else None)
        trace = Trace(
            viper=__version__,
            question=self._query.question,
            task=self._query.task,
            choices=self._query.choices,
            best_effort=bool(self._query.best_effort),
            images=(ImageInfo(self._image.source_name, self._image.content_hash, width, height),),
            models={role: str(ref) for role, ref in self._config.backends.items()},
            generator=chosen.attempt.generator if chosen else self._config.generator,
            turns=tuple(entered.attempt for entered in self._outcomes),
            chosen=next((i for i, o in enumerate(self._outcomes) if o is chosen), None),
            votes=self._votes,
            forwards={role: len(sizes) for role, sizes in forwards.items()},
            requests={role: sum(sizes.values()) for role, sizes in forwards.items()},
            prefetch=self._account.prefetch_counts(),
            total_ms=(time.perf_counter() - self.started_s) * 1000,
            **outcome_fields(chosen, failure, (width, height)),
        )
        return answer_of(trace, chosen, self._image)


def _reply(program: Program) -> str:
    """Return what a language model replied; empty where none was asked."""
    return _kept(program.source) if program.prompt else ""


def _kept(text: str) -> str:
    """Return a text without secrets, and without its middle if it is very long."""
    half = _LONGEST_TEXT // 2
    if len(text) > _LONGEST_TEXT:
        left_out = f"\n… {len(text) - 2 * half:,} characters are left out …\n"
        text = text[:half] + left_out + text[-half:]
    return hide_secrets(text)


def _written(program: Program, generate_ms: float, more: Iterable[Doubt] = ()) -> Attempt:
    """Return the record of a program that has not run.

    Args:
        program: As the generator wrote it.
        generate_ms: Wall time of writing it.
        more: Doubts besides the program's own.
    """
    doubts = capped_doubts((*program.doubts, *more))
    return replace(
        _BLANK,
        generator=program.generator,
        source=program.source,
        usage=program.usage,
        generate_ms=generate_ms,
        from_program_cache=program.from_cache,
        notes=capped_all(program.notes),
        unverified=capped_all(doubt.condition for doubt in doubts),
        doubts=doubts,
        prompt=_kept(program.prompt),
        reply=_reply(program),
    )


def read_result(
    attempt: Attempt,
    session: CallDispatcher,
    result: Result | None,
    task: Task,
    choices: tuple[str, ...],
    *,
    must_look: bool,
    reading: Reading | None = None,
) -> ProgramResult:
    """Read the sandbox's result of a program.

    Args:
        attempt: The program, with its source as it was given to the sandbox; the fields that depend on the
            result are replaced.
        session: The dispatcher that recorded the program's calls.
        result: The result; None when the program was stopped from outside.
        task: What the program was to return.
        choices: Answers that the caller allows.
        must_look: Whether a program that no model looked at the image for has failed; programs of the user's
            own may look at nothing.
        reading: What `read_value` made of the result; None if it was not asked yet.
    """
    report = result.checked if result and result.checked else CheckReport(attempt.source)
    if reading is None:
        reading = read_value(session, result, task, choices)
    failure = reading.failure
    if failure is None and must_look and not session.has_looked:
        failure = Failure("check", LOOKED_AT_NOTHING)
        reading = Reading(failure)
    ended = replace(
        attempt,
        source=report.source,
        outcome="failed" if failure else "returned",
        failure=failure,
        findings=report.findings,
        call_sites=report.call_sites,
        calls=tuple(session.records),
        printed=result.printed if result else "",
        returned=reading.returned,
    )
    evidence = reading.evidence
    patches = tuple(one.patch for one in evidence if one.role == "answer")
    return ProgramResult(
        ended, reading.value, reading.text, patches, report, evidence, reading.evidence_json
    )


def outcome_fields(
    chosen: ProgramResult | None, failure: Failure | None, size_wh: tuple[int, int]
) -> dict[str, Any]:
    """Return the fields of a trace that depend on the chosen program.

    Args:
        chosen: The program that gave the answer or failure.
        failure: Why there is no answer.
        size_wh: Size of the image, in pixels.
    """
    answered = chosen if failure is None else None
    doubts = chosen.attempt.doubts if chosen else ()
    return {
        "outcome": outcome_of(failure, doubts),
        "doubts": doubts if failure is None else (),
        "direct_answer": direct_answer(answered.attempt, answered.text, size_wh)
        if answered
        else None,
        "answer": answered.text if answered else None,
        "patches": answered.evidence_json if answered else (),
        "failure": failure,
        "unverified": chosen.attempt.unverified if chosen else (),
    }


def answer_of(trace: Trace, chosen: ProgramResult | None, image: ImageRef) -> Answer:
    """Return the answer of a run."""
    if chosen is None or trace.failure is not None:
        return Answer(None, None, (), trace.failure, trace, image)
    patches, evidence = chosen.patches, chosen.evidence
    return Answer(chosen.value, chosen.text, patches, None, trace, image, evidence)


def read_value(
    session: CallDispatcher, result: Result | None, task: Task, choices: tuple[str, ...]
) -> Reading:
    """Read the value in a result, or why there is none; for thousands of values, some 0.1 s.

    It changes nothing, so that it may be called in another thread once the program has ended.

    Args:
        session: The dispatcher that recorded the program's calls.
        result: The result; None when the program was stopped from outside.
        task: What the program was to return.
        choices: Answers that the caller allows.
    """
    if result is None:
        return Reading(Failure("cancelled", "The program was stopped before it ended."))
    if result.failure is not None:
        refusal = result.failure
        return Reading(Failure(failure_kind(refusal.kind), refusal.message, refusal.line))

    def resolved(part: Any) -> Any:
        """Return the host's patch or object for a reference from the wire."""
        match part:
            case PatchRef():
                return session.resolve(part)
            case HandleRef():
                return session.resolve_handle(part)
            case _:
                return part

    try:
        value = map_value(result.value, resolved)
    except ValueError as error:
        message = f"The program returned a value that cannot be used: {error}"
        return Reading(Failure("runtime", capped(message)))
    text = render(value, task, choices)
    if isinstance(text, Failure):
        return Reading(text)
    roles = [session.given(patches) for patches in result.evidence]
    evidence = evidence_of(value, roles, session.found)
    evidence_json = tuple(one.to_json() for one in evidence)
    return Reading(None, value, text, evidence, to_json_value(value), evidence_json)
