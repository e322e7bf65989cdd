"""Collects what happens during one answer and turns it into a `Trace` and an `Answer`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from viper.engine.answer import Answer, evidence_patches, grounded_patches, plain_value, render
from viper.engine.config import EngineConfig
from viper.errors import failure_kind
from viper.images.image import ImageRef
from viper.images.region import Patch
from viper.methods.dispatch import CallDispatcher
from viper.programs.program import (
    CallSite,
    CheckReport,
    Failure,
    Finding,
    Program,
    StringLiteral,
    Task,
)
from viper.scheduling.metrics import AnswerMetrics
from viper.storage.version import __version__
from viper.trace import Attempt, ImageInfo, Trace, Votes
from viper.usage import Usage
from viper_sandbox import Checked, HandleRef, PatchRef, Result

__all__ = ["ProgramResult", "TraceBuilder", "call_sites", "check_report", "judge"]


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """What became of one program."""

    attempt: Attempt
    value: Any  # what the program returned
    text: str | None
    """The value as an answer; None on failure."""
    patches: tuple[Patch, ...]
    unverified: tuple[str, ...]
    report: CheckReport
    """What the sandbox said about the program."""

    @property
    def failure(self) -> Failure | None:
        """Why there is no answer."""
        return self.attempt.failure


class TraceBuilder:
    """The account of one answer; entries are made in the order in which things happen.

    Args:
        question: What was asked; empty for a program without a question.
        task: What kind of answer is wanted.
        choices: Answers that the caller allows.
        image: The picture.
        config: The engine's configuration.
        account: What the models are asked, filled by the runs while they go on.
    """

    def __init__(
        self,
        question: str,
        task: Task,
        choices: tuple[str, ...],
        image: ImageRef,
        config: EngineConfig,
        account: AnswerMetrics,
    ) -> None:
        self._question = question
        self._task: Task = task
        self._choices = choices
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
    ) -> ProgramResult:
        """Enter one program and what became of it; it is the answer unless another follows.

        Args:
            program: As the generator wrote it.
            session: Where its calls are recorded.
            result: What the sandbox gave back; None when the program was stopped from outside.
            generate_ms: Wall time of writing it.
            started_s: When it began to run, by `time.perf_counter`; it has ended now.
        """
        run_ms = (time.perf_counter() - started_s) * 1000
        checked = result.checked if result else None
        report = check_report(checked) if checked else CheckReport(program.source)
        judged = judge(session, result, self._task, self._choices)
        value, text, patches = (None, None, ()) if isinstance(judged, Failure) else judged
        unverified = tuple(dict.fromkeys((*program.unverified, *session.unverified)))
        attempt = Attempt(
            generator=program.generator,
            source=report.source,
            failure=judged if isinstance(judged, Failure) else None,
            findings=report.findings,
            call_sites=report.call_sites,
            calls=tuple(session.records),
            printed=result.printed if result else "",
            usage=program.usage,
            generate_ms=generate_ms,
            run_ms=run_ms,
            from_cache=program.from_cache,
            notes=(*program.notes, *session.doubts),
            unverified=unverified,
            returned=plain_value(value),
            started_ms=(started_s - self.started_s) * 1000,
        )
        return self._enter(ProgramResult(attempt, value, text, patches, unverified, report))

    def enter_unwritten(
        self, generator: str, failure: Failure, generate_ms: float
    ) -> ProgramResult:
        """Enter a program that was asked for and not written."""
        attempt = Attempt(
            generator=generator,
            source="",
            failure=failure,
            findings=(),
            call_sites=(),
            calls=(),
            printed="",
            usage=Usage(),
            generate_ms=generate_ms,
            run_ms=0.0,
        )
        return self._enter(ProgramResult(attempt, None, None, (), (), CheckReport("")))

    def choose(self, outcome: ProgramResult, votes: Votes) -> None:
        """Make the outcome of one of the entered programs the answer.

        Args:
            outcome: One that was entered.
            votes: How it came to be chosen.
        """
        self._chosen, self._votes = outcome, votes

    def fail(self, failure: Failure) -> None:
        """Enter a failure of the answer as a whole, such as its clock."""
        self._failure = failure

    def _enter(self, outcome: ProgramResult) -> ProgramResult:
        self._outcomes.append(outcome)
        self._chosen = outcome
        return outcome

    def answer(self) -> Answer:
        """Close the account."""
        width, height = self._image.size
        forwards = self._account.forwards
        chosen = self._chosen
        failure = self._failure or (chosen.failure if chosen else None)
        answered = chosen if failure is None else None
        trace = Trace(
            question=self._question,
            task=self._task,
            choices=self._choices,
            image=ImageInfo(self._image.source_name, self._image.content_hash, width, height),
            models={role: str(ref) for role, ref in self._config.backends.items()},
            generator=chosen.attempt.generator if chosen else self._config.generator,
            attempts=tuple(outcome.attempt for outcome in self._outcomes),
            answer=answered.text if answered else None,
            patches=tuple(patch.to_json() for patch in answered.patches) if answered else (),
            failure=failure,
            unverified=chosen.unverified if chosen else (),
            forwards={role: len(sizes) for role, sizes in forwards.items() if sizes},
            mean_batch={
                role: round(sum(sizes.values()) / len(sizes), 2)
                for role, sizes in forwards.items()
                if sizes
            },
            requests={role: sum(sizes.values()) for role, sizes in forwards.items() if sizes},
            prefetch=self._account.prefetch_counts(),
            total_ms=(time.perf_counter() - self.started_s) * 1000,
            votes=self._votes,
            chosen=next((i for i, o in enumerate(self._outcomes) if o is chosen), -1),
            viper=__version__,
        )
        if answered is None:
            return Answer(None, None, (), failure, trace, self._image)
        return Answer(answered.value, answered.text, answered.patches, None, trace, self._image)


def judge(
    session: CallDispatcher, result: Result | None, task: Task, choices: tuple[str, ...]
) -> tuple[Any, str, tuple[Patch, ...]] | Failure:
    """Read what the sandbox gave back: value, text and patches, or why there are none.

    Args:
        session: Where the program's calls are recorded.
        result: What came of the program; None when it was stopped from outside.
        task: What the program was to return.
        choices: Answers that the caller allows.
    """
    if result is None:
        return Failure("cancelled", "The program was stopped before it ended.")
    if result.failure is not None:
        refusal = result.failure
        return Failure(failure_kind(refusal.kind), refusal.message, refusal.line)
    try:
        value = _resolved(result.value, session)
    except ValueError as error:
        return Failure("runtime", f"The program returned a patch that is none: {error}")
    text = render(value, task, choices)
    if isinstance(text, Failure):
        return text
    if task == "grounding":
        patches = grounded_patches(value) or ()
    else:
        patches = evidence_patches(value, session.evidence)
    return value, text, patches


def check_report(checked: Checked) -> CheckReport:
    """Return the sandbox's findings as the engine's values."""
    return CheckReport(
        checked.source,
        tuple(Finding(failure_kind(f.kind), f.line, f.message) for f in checked.findings),
        call_sites(checked),
        None
        if checked.literals is None
        else tuple(StringLiteral(*literal) for literal in checked.literals),
    )


def call_sites(checked: Checked) -> tuple[CallSite, ...]:
    """Return the call sites that the sandbox reported as the engine's values."""
    return tuple(
        CallSite(site.line, site.method, tuple(site.literals), site.repeats)
        for site in checked.call_sites
    )


def _resolved(value: Any, session: CallDispatcher) -> Any:
    """Replace the wire's patches and handles by the host's, at any depth."""
    match value:
        case PatchRef():
            return session.resolve(value)
        case HandleRef():
            return session.resolve_handle(value)
        case list():
            return [_resolved(item, session) for item in value]
        case tuple():
            return tuple(_resolved(item, session) for item in value)
        case set():
            return {_resolved(item, session) for item in value}
        case dict():
            return {_resolved(k, session): _resolved(v, session) for k, v in value.items()}
        case _:
            return value
