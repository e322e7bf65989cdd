"""Collects what happens during one answer and turns it into a `Trace` and an `Answer`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from viper.answer import Answer, evidence_patches, grounded_patches, render
from viper.config import EngineConfig
from viper.program import (
    CallSite,
    CheckReport,
    Failure,
    Finding,
    Program,
    Task,
    failure_kind,
)
from viper.trace import Attempt, ImageInfo, Trace
from viper.vision.patch import Patch
from viper.vision.roles import ImageRef, Role
from viper.vision.session import Session
from viper_sandbox import Checked, PatchRef, Result

__all__ = ["Recorder", "check_report"]


class Recorder:
    """The account of one answer; entries are made in the order in which things happen.

    Args:
        question: What was asked; empty for a program without a question.
        task: What kind of answer is wanted.
        choices: Answers that the caller allows.
        image: The picture.
        config: The engine's configuration.
        forwards: Ids of forwards by role, filled by the run while it goes on.
    """

    def __init__(
        self,
        question: str,
        task: Task,
        choices: tuple[str, ...],
        image: ImageRef,
        config: EngineConfig,
        forwards: Mapping[Role, set[int]],
    ) -> None:
        self._question = question
        self._task: Task = task
        self._choices = choices
        self._image = image
        self._config = config
        self._forwards = forwards
        self._started = time.perf_counter()
        self._attempts: list[Attempt] = []
        self._unverified: tuple[str, ...] = ()
        self._value: Any = None  # what the program returned
        self._text: str | None = None
        self._patches: tuple[Patch, ...] = ()
        self._failure: Failure | None = None

    def enter(
        self,
        program: Program,
        session: Session,
        result: Result | None,
        *,
        generate_ms: float,
        run_ms: float,
    ) -> Attempt:
        """Enter one program and what became of it; it is the answer unless another follows.

        Args:
            program: As the generator wrote it.
            session: Where its calls are recorded.
            result: What the sandbox gave back; None when the program was stopped from outside.
            generate_ms: Wall time of writing it.
            run_ms: Wall time of running it.
        """
        checked = result.checked if result else None
        report = check_report(checked) if checked else CheckReport(program.source)
        self._value, self._text, self._patches = None, None, ()
        self._failure = self._judge(session, result)
        self._unverified = tuple(dict.fromkeys((*program.unverified, *session.unverified)))
        attempt = Attempt(
            generator=program.generator,
            source=report.source,
            failure=self._failure,
            findings=report.findings,
            call_sites=report.call_sites,
            calls=tuple(session.records),
            printed=result.printed if result else "",
            usage=program.usage,
            generate_ms=generate_ms,
            run_ms=run_ms,
        )
        self._attempts.append(attempt)
        return attempt

    def fail(self, failure: Failure) -> None:
        """Enter a failure of the answer as a whole, such as its clock."""
        self._value, self._text, self._patches = None, None, ()
        self._failure = failure

    def answer(self) -> Answer:
        """Close the account."""
        width, height = self._image.size
        trace = Trace(
            question=self._question,
            task=self._task,
            choices=self._choices,
            image=ImageInfo(self._image.source_name, self._image.content_hash, width, height),
            models={role: str(ref) for role, ref in self._config.backends.items()},
            generator=self._attempts[-1].generator if self._attempts else self._config.generator,
            attempts=tuple(self._attempts),
            answer=self._text,
            patches=tuple(patch.to_json() for patch in self._patches),
            failure=self._failure,
            unverified=self._unverified,
            forwards={role: len(ids) for role, ids in self._forwards.items()},
            total_ms=(time.perf_counter() - self._started) * 1000,
        )
        return Answer(self._value, self._text, self._patches, self._failure, trace)

    def _judge(self, session: Session, result: Result | None) -> Failure | None:
        """Read the result: set value, text and patches, or return why there are none."""
        if result is None:
            return Failure("cancelled", "The program was stopped before it ended.")
        if result.failure is not None:
            refusal = result.failure
            return Failure(failure_kind(refusal.kind), refusal.message, refusal.line)
        try:
            value = _resolved(result.value, session)
        except ValueError as error:
            return Failure("runtime", f"The program returned a patch that is none: {error}")
        text = render(value, self._task, self._choices)
        if isinstance(text, Failure):
            return text
        if self._task == "grounding":
            patches = grounded_patches(value) or ()
        else:
            patches = evidence_patches(value, session.evidence)
        self._value, self._text, self._patches = value, text, patches
        return None


def check_report(checked: Checked) -> CheckReport:
    """Return the sandbox's findings as the engine's values."""
    return CheckReport(
        checked.source,
        tuple(Finding(failure_kind(f.kind), f.line, f.message) for f in checked.findings),
        tuple(CallSite(s.line, s.method, tuple(s.literals)) for s in checked.call_sites),
    )


def _resolved(value: Any, session: Session) -> Any:
    """Replace the wire's patches by the host's, at any depth."""
    match value:
        case PatchRef():
            return session.resolve(value)
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
