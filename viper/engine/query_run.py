"""One query from question to answer: programs are written, run, repaired, or vote.

    generators in turn        the next one if the previous one refuses, or its program fails
      ├─ a program of the program cache, before a language model is called
      ├─ one program at a time, with each failure given back to the generator (`max_attempts`)
      └─ several at once, which vote (`votes`)

Faults of a program are data here. Errors that end the whole query (no program could be written, the budget is
spent) are raised; the solver turns them into the answer's failure.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from viper.engine.config import EngineConfig
from viper.engine.query import Query
from viper.engine.trace_builder import ProgramResult, Reading, TraceBuilder, read_value
from viper.engine.voting import tally
from viper.errors import GenerationError, ViperError, summarize_error
from viper.generate.generator import (
    Abilities,
    GenerationRequest,
    Generator,
    Prompting,
    Rejected,
)
from viper.generate.observations import observed_calls
from viper.generate.program_cache import ProgramCache
from viper.generate.registry import OpenedGenerator
from viper.images.image import ImageRef
from viper.llm.budget import Budget
from viper.methods.dispatch import CallDispatcher
from viper.methods.doubts import Remedy, how_to_add, refusal, untested
from viper.models.registry import STUB
from viper.modules.program_api import ProgramApi
from viper.programs.program import PROGRAM_FAULTS, Failure, Program
from viper.scheduling.vision_client import VisionClient
from viper.trace import AttemptStep, CallStep, ProgramStep, Watcher, tell
from viper_sandbox import Checked, Jail, Request, Result
from viper_sandbox.large_work import LARGE_VALUES, beside_loop
from viper_sandbox.wire import count_values

__all__ = ["EngineServices", "QueryRun", "written", "written_within"]

_log = logging.getLogger(__name__)


class EngineServices(NamedTuple):
    """Parts of an engine that all queries share."""

    config: EngineConfig
    api: ProgramApi
    """What programs may call, with the implementations."""
    wire_api: Mapping[str, Any]
    """Its specification as plain data."""
    jail: Jail
    """Runs programs."""
    budget: Budget
    program_cache: ProgramCache | None
    """Keeps the programs of language models."""
    remedy: Remedy = how_to_add
    """Says how models can be had for what none of its own can test."""


async def written(opened: OpenedGenerator, request: GenerationRequest, budget: Budget) -> Program:
    """Let a generator write one program, and record the cost even if it fails.

    Only the registry decides that a program may run in a weaker sandbox, whatever its generator claims.

    Raises:
        GenerationError: It could not be written.
    """
    try:
        (program,) = await opened.generator.generate([request])
        budget.add(program.usage)
    except GenerationError as error:
        if error.usage is not None:
            budget.add(error.usage)
        raise
    except ViperError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # it may be third-party code
        _log.exception("The generator %s failed.", opened.generator.name)
        raise GenerationError(
            f"The generator {opened.generator.name!r} failed: {summarize_error(error)}"
        ) from error
    return program if opened.trusted else replace(program, trusted=False)


async def prompt_tokens(generator: Generator, request: GenerationRequest, budget: Budget) -> int:
    """Return the number of tokens of the prompt that a generator would send, for the budget.

    Returns:
        0 if there is no limit of tokens, or if the generator does not show its prompt.

    Raises:
        GenerationError: The prompt does not fit the model.
    """
    if not budget.limits_tokens or not isinstance(generator, Prompting):
        return 0
    return (await generator.prompt(request)).tokens


async def written_within(
    opened: OpenedGenerator, request: GenerationRequest, budget: Budget
) -> Program:
    """Let a generator write one program if the budget allows it.

    Raises:
        BudgetError: The budget is spent, or the prompt is longer than what is left of it.
        GenerationError: The program could not be written.
    """
    if not Abilities.of(opened.generator).billed:
        return await written(opened, request, budget)
    with budget.reserved(await prompt_tokens(opened.generator, request, budget)):
        return await written(opened, request, budget)


class _Run(NamedTuple):
    """A program that was run."""

    program: Program
    result: ProgramResult
    is_repairable: bool
    """True when it failed, and another program might not."""


class QueryRun:
    """Answers one query and records it.

    Args:
        query: The query.
        image: The query's image, opened.
        client: Model client, whose results the programs share.
        trace_builder: Records programs and calls.
        services: Shared parts of the engine.
        watcher: Called with each step as it happens.
    """

    def __init__(
        self,
        query: Query,
        image: ImageRef,
        client: VisionClient,
        trace_builder: TraceBuilder,
        services: EngineServices,
        watcher: Watcher | None = None,
    ) -> None:
        self._query = query
        self._image = image
        self._client = client
        self._trace_builder = trace_builder
        self._services = services
        self._watcher = watcher
        self._numbers = itertools.count()
        self._cache_update: Coroutine[Any, Any, None] | None = None

    async def remember(self) -> None:
        """Update the program cache; called outside the answer's timeout."""
        if self._cache_update is not None:
            await self._cache_update

    async def ask(self, generators: Sequence[OpenedGenerator], request: GenerationRequest) -> None:
        """Let generators write programs until one answers, or a repair is impossible.

        Args:
            generators: Tried in turn; all but the last write one program each.
            request: The request to each.

        Raises:
            GenerationError: The last one could not write a program.
            BudgetError: The budget does not allow another call of the last one.
        """
        *first, last = generators
        for opened in first:
            try:
                run = await self._write_and_run(opened, request)
            except GenerationError:
                continue  # the next one may understand
            if not run.is_repairable:
                return
            request = self._with_rejected(request, run)
        if self._services.config.votes > 1:
            await self._vote(last, request)
        elif not await self._recall(last.generator, request):
            await self._repair(last, request)

    async def _recall(self, generator: Generator, request: GenerationRequest) -> bool:
        """Answer with a program of the cache; return False if there is none, or it failed."""
        cache = self._cache_of(generator, request)
        started = time.perf_counter()
        if cache is None or (recalled := await cache.find(generator, request)) is None:
            return False
        run = await self.run(recalled.program, started)
        failure = run.result.failure
        if failure is None:
            self._cache_update = cache.record_use(recalled)
        elif failure.kind in PROGRAM_FAULTS:
            await cache.remove(recalled)
            return False
        return True

    def _cache_of(self, generator: Generator, request: GenerationRequest) -> ProgramCache | None:
        """Return the program cache; None for repairs, and for generators without a language model."""
        wanted = Abilities.of(generator).billed and not request.rejected
        return self._services.program_cache if wanted else None

    async def _repair(self, opened: OpenedGenerator, request: GenerationRequest) -> None:
        """Request one program at a time, each with the failures of the previous ones."""
        generator = opened.generator
        for _ in range(self._services.config.max_attempts):
            run = await self._write_and_run(opened, request)
            cache = self._cache_of(generator, request)
            if cache is not None and run.result.failure is None:
                self._cache_update = cache.add(generator, request, run.result.report)
            if not run.is_repairable or not Abilities.of(generator).repairs:
                return
            request = self._with_rejected(request, run)

    async def _vote(self, opened: OpenedGenerator, request: GenerationRequest) -> None:
        """Request several programs at once, and let them vote on the answer."""
        config = self._services.config
        request = replace(request, temperature=config.vote_temperature)
        budget = self._services.budget
        # Once: they count as one call, which sends the prompt for each vote.
        tokens = await prompt_tokens(opened.generator, request, budget)

        async def one(seed: int, release: Callable[[int], None]) -> ProgramResult:
            sampled = replace(request, seed=seed)
            started = time.perf_counter()
            try:
                try:
                    program = await written(opened, sampled, budget)
                finally:
                    release(tokens)
            except GenerationError as error:
                ms = (time.perf_counter() - started) * 1000
                failure = Failure.of(error)
                unwritten = self._trace_builder.enter_unwritten(opened.generator.name, failure, ms)
                tell(self._watcher, AttemptStep(next(self._numbers), unwritten.attempt))
                return unwritten
            return (await self.run(program, started)).result

        try:
            with budget.reserved(config.votes * tokens) as release:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one(n, release)) for n in range(config.votes)]
        except BaseExceptionGroup as errors:
            # One program hit an error of the engine, which cancelled the others.
            raise errors.exceptions[0] from None
        outcomes = [task.result() for task in tasks]
        # Beside the loop, since answers may have a megabyte each, and within the timeout of the answer.
        found = await beside_loop(partial(tally, outcomes, self._query.task))
        self._trace_builder.choose(*found)

    async def _write_and_run(self, opened: OpenedGenerator, request: GenerationRequest) -> _Run:
        started = time.perf_counter()
        program = await written_within(opened, request, self._services.budget)
        return await self.run(program, started)

    async def run(self, program: Program, written_from_s: float | None = None) -> _Run:
        """Run one program and record it.

        Args:
            program: The program.
            written_from_s: When writing it began, by `time.perf_counter`; None when it was given.
        """
        generate_ms = (
            0.0 if written_from_s is None else (time.perf_counter() - written_from_s) * 1000
        )
        query, services, number = self._query, self._services, next(self._numbers)
        if program.doubts and not query.best_effort:
            reason = await self._refusal(program)
            refused = self._trace_builder.enter_refused(program, reason, generate_ms)
            tell(self._watcher, AttemptStep(number, refused.attempt))
            return _Run(program, refused, True)
        api = services.api
        dispatcher = CallDispatcher(
            api.spec,
            self._image,
            self._client.sibling(),
            services.config.backends,
            api.methods,
            api.stub_methods,
            on_call=lambda call: tell(self._watcher, CallStep(number, call)),
            best_effort=bool(query.best_effort),
            clock_zero_s=self._trace_builder.started_s,
            recorded=query.recorded,
            remedy=services.remedy,
        )

        def checked(report: Checked) -> None:
            dispatcher.read(report.call_sites)
            tell(self._watcher, ProgramStep(number, program.generator, report.source))

        request = Request(
            source=program.source,
            api=services.wire_api,
            image=dispatcher.image_patch,
            image_size=self._image.size,
            arguments={"query": query.question, "possible_answers": list(query.choices)},
        )
        started = time.perf_counter()
        result: Result | None = None
        reading: Reading | None = None
        try:
            result = await services.jail.run(
                request,
                dispatcher.handle,
                least_level="partial" if program.trusted else services.config.sandbox,
                on_checked=checked,
            )
            read = partial(read_value, dispatcher, result, query.task, query.choices)
            patches = dispatcher.patches_given + count_values(result.value)
            reading = await beside_loop(read) if patches > LARGE_VALUES else read()
        finally:
            dispatcher.close()
            # Also when the answer times out: the calls so far stay in the trace.
            outcome = self._trace_builder.enter(
                program,
                dispatcher,
                result if reading else None,
                generate_ms=generate_ms,
                started_s=started,
                reading=reading,
            )
            tell(self._watcher, AttemptStep(number, outcome.attempt))
        failure = outcome.failure
        is_fault = failure is not None and failure.kind in PROGRAM_FAULTS
        return _Run(program, outcome, is_fault and dispatcher.unserved is None)

    async def _refusal(self, program: Program) -> str:
        """Return why a program with doubts is not run, and how to get an answer."""
        detector = self._services.config.backends.get("detector")
        vocabulary = None
        if detector is not None and detector.name != STUB:
            vocabulary = (await self._client.detector()).vocabulary
        remedy = self._services.remedy
        return refusal(program.doubts, vocabulary=vocabulary or (), remedy=remedy)

    def _with_rejected(self, request: GenerationRequest, run: _Run) -> GenerationRequest:
        """Return a request with a failed program and its observations."""
        attempt = run.result.attempt
        assert attempt.failure is not None, "only a failed program is rejected"
        failure = attempt.failure
        if attempt.doubts and failure.kind == "model" and not self._query.best_effort:
            # What the user could do instead is nothing that a program can.
            failure = replace(failure, message=untested(attempt.doubts))
        observations = observed_calls(attempt.calls, self._image.size[1])
        rejected = Rejected(run.program, attempt.source, failure, observations)
        return replace(request, rejected=(*request.rejected, rejected))
