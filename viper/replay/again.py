"""Runs the programs of a trace again: in the real sandbox, with recorded results, without any model.

What happens is written down anew: findings, calls, prints, values, patches, answer. Times and costs are those
of the record, so that a run that repeats itself gives the same bytes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace

from viper.engine.answer import Answer, plain_value
from viper.engine.config import SandboxLevel
from viper.engine.loop import LoopThread
from viper.engine.trace_builder import ProgramResult, check_report, judge
from viper.engine.voting import tally
from viper.errors import FailureKind, TimeoutExceededError
from viper.images.image import ImageRef
from viper.methods.dispatch import CallDispatcher
from viper.programs.api_spec import ApiSpec, load_spec
from viper.programs.program import CheckReport, Failure
from viper.replay.recorded import RepeatedCalls
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper.trace import Attempt, Trace, Votes
from viper.trace.differences import Difference, differences
from viper_sandbox import Jail, Limits, Request

__all__ = ["Replayed", "picture_of", "replay", "spec_of"]

_UNREPEATABLE: frozenset[FailureKind] = frozenset({"timeout", "memory", "cancelled", "sandbox"})
# They tell of the machine, or of the caller, that the program met then.

_OF_THE_ANSWER: frozenset[FailureKind] = frozenset(
    {"timeout", "generator", "budget", "input", "config", "model", "sandbox", "cancelled"}
)
# What can end an answer as a whole, from outside of its programs.


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of running a record again."""

    answer: Answer
    """The answer as it came out now; its trace holds what happened now and the times of then."""
    differences: tuple[Difference, ...]
    """Where that trace is not the recorded one."""
    taken: tuple[str, ...]
    """What could not be run again and was taken from the record, a sentence each."""
    calls: int
    """Calls that were answered from the record."""

    @property
    def identical(self) -> bool:
        """True when the same happened."""
        return not self.differences


def replay(
    trace: Trace,
    *,
    sandbox: SandboxLevel = "full",
    limits: Limits | None = None,
    timeout_s: float = 300.0,
) -> Replayed:
    """Run the programs of a trace again, answering their calls from it.

    No model is loaded and no picture is needed.

    Args:
        trace: The run, as `viper.trace.read.read_trace` gives it.
        sandbox: Least sandbox level: its programs are a stranger's.
        limits: What one program may use; those of `Engine` if None.
        timeout_s: Longest time for all of it.

    Raises:
        InputError: The trace holds results that their methods cannot give.
        TimeoutExceededError: It took longer than `timeout_s`.

    Example:
        >>> replay(read_trace("run.json")).identical
        True
    """
    again = _Again(trace, sandbox, Jail(limits or Limits()))
    loop = LoopThread("viper-replay")
    try:
        return loop.run(again.within(timeout_s))
    finally:
        loop.close(again.jail.close)


def picture_of(trace: Trace) -> ImageRef:
    """Return the picture of a trace, known by content alone."""
    info = trace.image
    return ImageRef(info.content_hash, (info.width, info.height), info.name)


def spec_of(trace: Trace) -> ApiSpec:
    """Return the contract of a trace's programs: with the installed modules, where they call any.

    Modules are loaded for their stubs only; none of their methods is asked.

    Raises:
        ConfigError: Modules cannot be used together.
    """
    spec = load_spec()
    known = {name for entry in spec.callables for name in (entry.qualified_name, entry.name)}
    sites = (site.method for attempt in trace.attempts for site in attempt.call_sites)
    if known.issuperset((*(call.method for call in trace.calls), *sites)):
        return spec
    from viper.modules.program_api import ProgramApi, open_modules

    return ProgramApi.of(open_modules()).spec


class _Again:
    def __init__(self, trace: Trace, sandbox: SandboxLevel, jail: Jail) -> None:
        self.jail = jail
        self._trace = trace
        self._sandbox: SandboxLevel = sandbox
        self._spec = spec_of(trace)
        self._image = picture_of(trace)
        self._calls = RepeatedCalls(trace, self._spec, self._image)
        self._taken: list[str] = []

    async def within(self, timeout_s: float) -> Replayed:
        try:
            async with asyncio.timeout(timeout_s):
                outcomes = [
                    await self._attempt(number, attempt)
                    for number, attempt in enumerate(self._trace.attempts)
                ]
        except TimeoutError as error:
            raise TimeoutExceededError(
                f"The replay took longer than {timeout_s:g} s. Give it more with --timeout."
            ) from error
        answer = self._answer(outcomes)
        found = differences(self._trace.to_json(), answer.trace.to_json())
        return Replayed(answer, tuple(found), tuple(self._taken), self._calls.answered)

    async def _attempt(self, number: int, attempt: Attempt) -> ProgramResult:
        """Run one program again."""
        if not attempt.source or _is_unrepeatable(attempt):
            kind = attempt.failure.kind if attempt.failure else "no program"
            self._taken.append(
                f"Program {number + 1} ({kind}) cannot be repeated and is taken from the record."
            )
            failed = attempt.failure or Failure("generator", "There was no program.")
            attempt = replace(attempt, failure=failed)
            return ProgramResult(
                attempt, None, None, (), attempt.unverified, CheckReport(attempt.source)
            )
        trace = self._trace
        self._calls.begin(number)
        session = CallDispatcher(
            self._spec,
            self._image,
            VisionClient(ModelPool({}), model_call_s=1.0, prefetch=False),
            {},
            recorded=self._calls,
        )
        request = Request(
            source=attempt.source,
            api=self._spec.to_wire(),
            image=session.image_patch,
            image_size=self._image.size,
            arguments={"query": trace.question, "possible_answers": list(trace.choices)},
        )
        result = await self.jail.run(request, session.handle, least_level=self._sandbox)
        checked = result.checked
        report = check_report(checked) if checked else CheckReport(attempt.source)
        judged = judge(session, result, trace.task, trace.choices)
        value, text, patches = (None, None, ()) if isinstance(judged, Failure) else judged
        now = replace(
            attempt,
            source=report.source,
            failure=judged if isinstance(judged, Failure) else None,
            findings=report.findings,
            call_sites=report.call_sites,
            calls=tuple(session.records),
            printed=result.printed,
            returned=plain_value(value),
        )
        return ProgramResult(now, value, text, patches, attempt.unverified, report)

    def _answer(self, outcomes: list[ProgramResult]) -> Answer:
        """Put the outcomes together as the record's own run did."""
        trace = self._trace
        chosen = len(outcomes) - 1 if trace.votes is None else trace.chosen
        outcome = outcomes[chosen] if outcomes else None
        failure = outcome.failure if outcome else None
        recorded, then = trace.failure, trace.answering
        of_program = then.failure if then else None
        if recorded is not None and recorded != of_program and recorded.kind in _OF_THE_ANSWER:
            self._taken.append(
                f"The failure of the whole ({recorded.kind}) is taken from the record."
            )
            failure = recorded
        answered = outcome if failure is None else None
        now = replace(
            trace,
            generator=outcome.attempt.generator if outcome else trace.generator,
            attempts=tuple(outcome.attempt for outcome in outcomes),
            answer=answered.text if answered else None,
            patches=tuple(patch.to_json() for patch in answered.patches) if answered else (),
            failure=failure,
            unverified=outcome.unverified if outcome else (),
            votes=self._votes(trace.votes, outcomes),
            chosen=chosen,
        )
        if answered is None:
            return Answer(None, None, (), failure, now, self._image)
        return Answer(answered.value, answered.text, answered.patches, None, now, self._image)

    def _votes(self, votes: Votes | None, outcomes: list[ProgramResult]) -> Votes | None:
        """Count the votes again.

        The order in which the programs were asked for decides how answers that are nearly the same are
        named; it is not in the record, so votes that agree in all else are kept as they were told.
        """
        voters = outcomes[-votes.n :] if votes is not None else []
        if votes is None or not voters:
            return votes
        counted = tally(voters, self._trace.task).votes
        same = Counter(votes.answers.values()) == Counter(counted.answers.values())
        if (votes.n, votes.failed) == (counted.n, counted.failed) and same:
            return votes
        return counted


def _is_unrepeatable(attempt: Attempt) -> bool:
    """Tell whether an attempt ended by something that the record cannot bring about again."""
    if attempt.failure is None or attempt.failure.kind not in _UNREPEATABLE:
        return False
    last = attempt.calls[-1].failure_kind if attempt.calls else None
    # A call that ran out of its own clock is in the record, and ends the program again.
    return last != attempt.failure.kind or last == "cancelled"
