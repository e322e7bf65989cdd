"""Replays a trace: runs its programs again in the sandbox, with recorded results and without any model.

Findings, calls, prints, values, patches, votes and the answer are recorded anew. What a replay cannot know is
copied from the record, so that an identical run gives the same bytes, and listed in `Replayed.from_record`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from viper.engine.answer import Answer
from viper.engine.config import SandboxLevel
from viper.engine.loop import LoopThread
from viper.engine.trace_builder import ProgramResult, answer_of, outcome_fields, read_result
from viper.engine.voting import has_verdict, tally
from viper.errors import FailureKind, TimeoutExceededError
from viper.images.image import ImageRef
from viper.methods.dispatch import CallDispatcher
from viper.methods.doubts import capped_doubts
from viper.programs.api_spec import ApiSpec, load_spec
from viper.programs.program import OWN_PROGRAM, Failure
from viper.replay.recorded import RepeatedCalls
from viper.replay.votes import counted_again
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper.trace import Attempt, Trace, Votes
from viper.trace.differences import Difference, differences
from viper_sandbox import Jail, JailFailure, Limits, Request
from viper_sandbox.findings import MAX_NOTES, capped_all
from viper_sandbox.large_work import beside_loop

__all__ = ["ALWAYS_FROM_RECORD", "Replayed", "image_of", "replay", "spec_of"]

# Failures that depend on the machine or the caller of the recorded run. Not "sandbox": a program that could
# end like this at will would never be run again. So it is run, and repeated where it fails likewise.
_UNREPEATABLE: frozenset[FailureKind] = frozenset({"timeout", "memory", "cancelled"})

# Failures that can end the whole answer from outside its programs.
_ANSWER_FAILURES: frozenset[FailureKind] = frozenset(
    {"timeout", "generator", "budget", "input", "config", "model", "sandbox", "cancelled"}
)


ALWAYS_FROM_RECORD = (
    "Not checked, but taken from the record: question, choices, image, programs; models and generators with "
    "their results, scores, notes and conditions not tested; times, tokens, costs and counts of forwards."
)
"""The last sentence of every `Replayed.from_record`."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay."""

    answer: Answer
    """The answer of the replay; its trace holds what happened now, with the recorded times."""
    differences: tuple[Difference, ...]
    """Where that trace differs from the recorded one."""
    from_record: tuple[str, ...]
    """One sentence for each part that cannot be repeated and is the record's; the last says what no replay
    can check."""
    calls: int
    """Calls that were answered from the record."""

    @property
    def identical(self) -> bool:
        """True if the replay matches the record."""
        return not self.differences


def replay(
    trace: Trace,
    *,
    sandbox: SandboxLevel = "full",
    limits: Limits | None = None,
    timeout_s: float = 300.0,
) -> Replayed:
    """Run the programs of a trace again, answering their calls from it.

    No model is loaded and no image is needed.

    Args:
        trace: The run, as `viper.trace.read.read_trace` returns it.
        sandbox: Lowest sandbox level accepted; the programs are not trusted.
        limits: Limits of one program; those of `Engine` if None.
        timeout_s: Time limit for the whole replay.

    Raises:
        InputError: A recorded result is not of the type that its method returns.
        TimeoutExceededError: It took longer than `timeout_s`.

    Example:
        >>> replay(read_trace("run.json")).identical
        True
    """
    again = _Replay(trace, sandbox, Jail(limits or Limits()))
    loop = LoopThread("viper-replay")
    try:
        return loop.run(again.within(timeout_s))
    finally:
        loop.close(again.jail.close)


def image_of(trace: Trace) -> ImageRef:
    """Return the image of a trace, by its content hash and without pixels."""
    info = trace.image
    return ImageRef(info.content_hash, (info.width, info.height), info.name)


def spec_of(trace: Trace) -> ApiSpec:
    """Return the API of a trace's programs, with the installed modules if they call any.

    Modules are loaded for their stubs only; none of their methods is called.

    Raises:
        ConfigError: Modules cannot be used together.
    """
    spec = load_spec()
    builtin = {name for entry in spec.callables for name in (entry.qualified_name, entry.name)}
    sites = (site.method for attempt in trace.attempts for site in attempt.call_sites)
    if builtin.issuperset((*(call.method for call in trace.calls), *sites)):
        return spec
    from viper.modules.program_api import ProgramApi, open_modules

    return ProgramApi.of(open_modules()).spec


class _Replay:
    def __init__(self, trace: Trace, sandbox: SandboxLevel, jail: Jail) -> None:
        self.jail = jail
        self._trace = trace
        self._sandbox: SandboxLevel = sandbox
        self._spec = spec_of(trace)
        self._image = image_of(trace)
        self._calls = RepeatedCalls(trace, self._spec, self._image)
        self._from_record: list[str] = []

    async def within(self, timeout_s: float) -> Replayed:
        try:
            async with asyncio.timeout(timeout_s):
                outcomes = [
                    await self._attempt(number, attempt)
                    for number, attempt in enumerate(self._trace.attempts)
                ]
                return await beside_loop(partial(self._compared, outcomes))
        except TimeoutError as error:
            raise TimeoutExceededError(
                f"The replay took longer than {timeout_s:g} s. Give it more with --timeout."
            ) from error

    def _compared(self, outcomes: list[ProgramResult]) -> Replayed:
        """Return what came of the programs; in a thread, so that the time limit ends it as well."""
        answer = self._answer(outcomes)
        found = differences(self._trace.to_json(), answer.trace.to_json())
        copied = *self._from_record, ALWAYS_FROM_RECORD
        return Replayed(answer, tuple(found), copied, self._calls.answered)

    async def _attempt(self, number: int, attempt: Attempt) -> ProgramResult:
        """Run one program again."""
        if not attempt.source or _is_unrepeatable(attempt) or self._was_refused(attempt):
            kind = attempt.failure.kind if attempt.failure else "no program"
            self._from_record.append(
                f"Program {number + 1} ({kind}) cannot be repeated and is taken from the record."
            )
            failed = attempt.failure or Failure("generator", "There was no program.")
            return ProgramResult(replace(attempt, failure=failed))
        trace = self._trace
        self._calls.begin(number)
        session = CallDispatcher(
            self._spec,
            self._image,
            VisionClient(ModelPool({}), model_call_s=1.0, prefetch=False),
            {},
            best_effort=trace.best_effort,
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
        if _is_sandbox(attempt.failure) and _is_sandbox(result.failure):
            self._from_record.append(
                f"Program {number + 1} (sandbox) fails here likewise and is taken from the record."
            )
            return ProgramResult(attempt)
        doubts = attempt.doubts
        if len(doubts) < MAX_NOTES:  # the list is complete, so that it has those of every call
            doubts = capped_doubts((*doubts, *session.doubts))
        unverified = capped_all(doubt.condition for doubt in doubts)
        # No program reports observations yet.
        again = replace(attempt, unverified=unverified, doubts=doubts, observations=())
        # One that answered without a look was the user's own, or was run before that was refused.
        must_look = attempt.failure is not None and attempt.generator != OWN_PROGRAM
        return read_result(again, session, result, trace.task, trace.choices, must_look=must_look)

    def _was_refused(self, attempt: Attempt) -> bool:
        """Return whether a program was not run, since it would not have tested all conditions."""
        failed = attempt.failure is not None and attempt.failure.kind == "model"
        of_calls = {doubt for call in attempt.calls for doubt in call.doubts}
        return failed and not self._trace.best_effort and not of_calls.issuperset(attempt.doubts)

    def _answer(self, outcomes: list[ProgramResult]) -> Answer:
        """Combine the outcomes as the recorded run did."""
        trace = self._trace
        recorded = trace.failure
        of_program = trace.answering.failure if trace.answering else None
        is_of_answer = (
            recorded is not None and recorded != of_program and recorded.kind in _ANSWER_FAILURES
        )
        votes, chosen = self._vote(outcomes, was_stopped=is_of_answer)
        outcome = None if chosen is None else outcomes[chosen]
        failure = outcome.failure if outcome else None
        if recorded is not None and is_of_answer:
            self._from_record.append(
                f"The failure of the whole answer ({recorded.kind}) is taken from the record."
            )
            failure = recorded
        now = replace(
            trace,
            generator=outcome.attempt.generator if outcome else trace.generator,
            turns=tuple(result.attempt for result in outcomes),
            votes=votes,
            chosen=chosen,
            # Not used yet: no run has parts that the user pointed out.
            regions=(),
            **outcome_fields(outcome, failure, self._image.size),
        )
        return answer_of(now, outcome, self._image)

    def _vote(
        self, outcomes: list[ProgramResult], *, was_stopped: bool
    ) -> tuple[Votes | None, int | None]:
        """Return the votes, counted again, and the index of the program that won.

        Args:
            outcomes: The programs, in the order in which they ended.
            was_stopped: Whether the whole answer failed, perhaps before its vote.
        """
        if not outcomes:
            return None, None
        votes, chosen, task = self._trace.votes, self._trace.chosen, self._trace.task
        # Without a vote, the last program counts. One that answered ends the run, unless others vote with it:
        # no record can keep it out.
        begin = len(outcomes) - (1 if votes is None else votes.n)
        answered = [i for i, outcome in enumerate(outcomes) if has_verdict(outcome)]
        voters = outcomes[max(0, min(begin, *answered, len(outcomes) - 1)) :]
        if (votes is None and was_stopped) or len(voters) == 1:
            return None, len(outcomes) - 1
        found = by_end = tally(voters, task)
        if votes is not None and chosen is not None:
            found = counted_again(votes, outcomes[chosen], voters, task)
        if found.winner is not by_end.winner or found.votes != by_end.votes:
            self._from_record.append(
                "The order in which the programs were requested is taken from the record; it decides between "
                "answers with equally many votes, and names those that are equal."
            )
        return found.votes, next(i for i, one in enumerate(outcomes) if one is found.winner)


def _is_sandbox(failure: Failure | JailFailure | None) -> bool:
    return failure is not None and failure.kind == "sandbox"


def _is_unrepeatable(attempt: Attempt) -> bool:
    """Return whether an attempt ended by something that the record cannot repeat."""
    if attempt.failure is None or attempt.failure.kind not in _UNREPEATABLE:
        return False
    last = attempt.calls[-1].failure_kind if attempt.calls else None
    # A call that timed out is in the record, and ends the program again.
    return last != attempt.failure.kind or last == "cancelled"
