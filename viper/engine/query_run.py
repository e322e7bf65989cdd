"""One query on its way to an answer: programs are written, run, repaired, or vote.

    generators in turn        the next one is asked where the one before refuses, or its program fails
      ├─ a program that is remembered (`memo`), before a language model is asked
      ├─ one program at a time, each failure going back to the generator (`max_attempts`)
      └─ several at once, which vote (`votes`)

What a program does wrong is data here. What ends the whole inquiry (no program could be written, the
budget is spent) is raised, and told in the answer by the solver.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from viper.engine.config import EngineConfig
from viper.engine.query import Query
from viper.engine.trace_builder import ProgramResult, TraceBuilder, call_sites
from viper.engine.voting import tally
from viper.errors import GenerationError, ViperError, summarize_error
from viper.generate.generator import Abilities, GenerationRequest, Generator, Rejected
from viper.generate.observations import observed_calls
from viper.generate.program_cache import ProgramCache
from viper.generate.registry import OpenedGenerator
from viper.images.image import ImageRef
from viper.llm.budget import Budget
from viper.methods.dispatch import CallDispatcher
from viper.modules.program_api import ProgramApi
from viper.programs.program import PROGRAM_FAULTS, Failure, Program
from viper.scheduling.vision_client import VisionClient
from viper.trace import AttemptStep, CallStep, ProgramStep, Watcher, tell
from viper_sandbox import Checked, Jail, Request, Result

__all__ = ["EngineServices", "QueryRun", "written"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineServices:
    """What all inquiries of an engine work with."""

    config: EngineConfig
    contract: ProgramApi
    """What programs may call, and what serves it."""
    api: Mapping[str, Any]
    """Its specification as plain data."""
    jail: Jail
    """Runs programs."""
    budget: Budget
    """Holds the budget."""
    program_cache: ProgramCache | None
    """Remembers the programs of language models."""


async def written(opened: OpenedGenerator, request: GenerationRequest, budget: Budget) -> Program:
    """Have one program written, and enter what that cost, well or not.

    Only the registry can say that a program may run in a weaker sandbox, whatever its generator claims.

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
    except Exception as error:  # a generator may be a stranger's
        _log.exception("The generator %s failed.", opened.generator.name)
        raise GenerationError(
            f"The generator {opened.generator.name!r} failed: {summarize_error(error)}"
        ) from error
    return program if opened.trusted else replace(program, trusted=False)


class _Tried(NamedTuple):
    """A program that was run."""

    program: Program
    session: CallDispatcher
    outcome: ProgramResult

    @property
    def worth_another(self) -> bool:
        """True when it failed, and another program might not."""
        failure = self.outcome.failure
        if failure is None or failure.kind not in PROGRAM_FAULTS:
            return False
        return self.session.unserved is None


class QueryRun:
    """Answers one query and keeps the record of it.

    Args:
        query: What is asked.
        image: The query's image, opened.
        run: The way to the models; the programs share what it has asked.
        recorder: Where everything is entered.
        services: The engine's.
        watcher: Told of each step when it happens.
    """

    def __init__(
        self,
        query: Query,
        image: ImageRef,
        run: VisionClient,
        trace_builder: TraceBuilder,
        services: EngineServices,
        watcher: Watcher | None = None,
    ) -> None:
        self._query = query
        self._image = image
        self._run = run
        self._trace_builder = trace_builder
        self._services = services
        self._watcher = watcher
        self._numbers = itertools.count()
        self._lesson: Coroutine[Any, Any, None] | None = None

    async def remember(self) -> None:
        """Enter into the cache what this query has taught; when the answer's clock has stopped."""
        if self._lesson is not None:
            await self._lesson

    async def ask(self, generators: Sequence[OpenedGenerator], request: GenerationRequest) -> None:
        """Let generators write programs until one answers, or nobody can mend what is wrong.

        Args:
            generators: Asked in turn; all but the last write one program each.
            request: What is asked of them.

        Raises:
            GenerationError: The last one could not write a program.
            BudgetError: The budget does not allow to ask it.
        """
        *first, last = generators
        for opened in first:
            try:
                tried = await self._write_and_run(opened, request)
            except GenerationError:
                continue  # the next one may understand
            if not tried.worth_another:
                return
            request = replace(request, rejected=(*request.rejected, self._rejected(tried)))
        if self._services.config.votes > 1:
            await self._vote(last, request)
        elif not await self._recall(last.generator, request):
            await self._repair(last, request)

    async def _recall(self, generator: Generator, request: GenerationRequest) -> bool:
        """Answer with a remembered program; False where there is none, or it failed."""
        cache = self._cache_of(generator, request)
        started = time.perf_counter()
        recalled = await cache.find(generator, request) if cache is not None else None
        if cache is None or recalled is None:
            return False
        tried = await self.run(recalled.program, (time.perf_counter() - started) * 1000)
        failure = tried.outcome.failure
        if failure is None:
            self._lesson = cache.record_use(recalled)
        elif failure.kind in PROGRAM_FAULTS:
            await cache.remove(recalled)
            return False
        return True

    def _cache_of(self, generator: Generator, request: GenerationRequest) -> ProgramCache | None:
        """Return the cache where it counts: for language models, and not for repairs."""
        wanted = Abilities.of(generator).billed and not request.rejected
        return self._services.program_cache if wanted else None

    async def _repair(self, opened: OpenedGenerator, request: GenerationRequest) -> None:
        """Ask for one program at a time; each is told what was wrong with those before."""
        generator = opened.generator
        for _ in range(self._services.config.max_attempts):
            tried = await self._write_and_run(opened, request)
            cache = self._cache_of(generator, request)
            if cache is not None and tried.outcome.failure is None:
                self._lesson = cache.add(generator, request, tried.outcome.report)
            if not tried.worth_another or not Abilities.of(generator).repairs:
                return
            request = replace(request, rejected=(*request.rejected, self._rejected(tried)))

    async def _vote(self, opened: OpenedGenerator, request: GenerationRequest) -> None:
        """Ask for several programs at once; the answer is what most of them say."""
        config = self._services.config
        request = replace(request, temperature=config.vote_temperature)
        self._services.budget.check()  # once for all: they are one call of several programs

        async def one(seed: int) -> ProgramResult:
            sampled = replace(request, seed=seed)
            started = time.perf_counter()
            try:
                program = await written(opened, sampled, self._services.budget)
            except GenerationError as error:
                ms = (time.perf_counter() - started) * 1000
                failure = Failure(error.kind, str(error))
                unwritten = self._trace_builder.enter_unwritten(opened.generator.name, failure, ms)
                tell(self._watcher, AttemptStep(next(self._numbers), unwritten.attempt))
                return unwritten
            ms = (time.perf_counter() - started) * 1000
            return (await self.run(program, ms)).outcome

        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(one(seed)) for seed in range(config.votes)]
        except BaseExceptionGroup as errors:
            # One of the programs met an error of the engine; the others were cancelled for it.
            raise errors.exceptions[0] from None
        self._trace_builder.choose(*tally([task.result() for task in asked], self._query.task))

    async def _write_and_run(self, opened: OpenedGenerator, request: GenerationRequest) -> _Tried:
        if Abilities.of(opened.generator).billed:
            self._services.budget.check()
        started = time.perf_counter()
        program = await written(opened, request, self._services.budget)
        return await self.run(program, (time.perf_counter() - started) * 1000)

    async def run(self, program: Program, generate_ms: float = 0.0) -> _Tried:
        """Run one program and enter it into the record."""
        query, services, number = self._query, self._services, next(self._numbers)
        contract = services.contract
        session = CallDispatcher(
            contract.spec,
            self._image,
            self._run.sibling(),
            services.config.backends,
            contract.methods,
            contract.stub_methods,
            on_call=lambda call: tell(self._watcher, CallStep(number, call)),
            clock_zero_s=self._trace_builder.started_s,
            known=query.known,
        )

        def checked(report: Checked) -> None:
            session.read(call_sites(report))
            tell(self._watcher, ProgramStep(number, program.generator, report.source))

        request = Request(
            source=program.source,
            api=services.api,
            image=session.image_patch,
            image_size=self._image.size,
            arguments={"query": query.question, "possible_answers": list(query.choices)},
        )
        started = time.perf_counter()
        result: Result | None = None
        try:
            result = await services.jail.run(
                request,
                session.handle,
                least_level="partial" if program.trusted else services.config.sandbox,
                on_checked=checked,
            )
        finally:
            session.close()
            # Also when the answer's clock runs out: what was seen so far stays in the trace.
            outcome = self._trace_builder.enter(
                program,
                session,
                result,
                generate_ms=generate_ms,
                started_s=started,
            )
            tell(self._watcher, AttemptStep(number, outcome.attempt))
        return _Tried(program, session, outcome)

    def _rejected(self, tried: _Tried) -> Rejected:
        attempt = tried.outcome.attempt
        assert attempt.failure is not None, "only what failed is rejected"
        seen = observed_calls(attempt.calls, self._image.size[1])
        return Rejected(tried.program, attempt.source, attempt.failure, seen)
