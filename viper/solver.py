"""The loop: generate a program, run it, let it be repaired, answer.

What a program does wrong is data in the answer, never an exception. Everything here runs on the
engine's event loop.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from viper.answer import Answer
from viper.config import EngineConfig
from viper.errors import InputError, ViperError
from viper.generate.generator import GenerationRequest, Generator, Rejected
from viper.program import PROGRAM_FAULTS, CheckReport, Failure, Program, Task
from viper.query import Query, checked_question, image_name, opened_image
from viper.recorder import Recorder, check_report
from viper.spec import load_spec
from viper.trace import Attempt
from viper.vision.capabilities import Capabilities
from viper.vision.roles import ImageRef
from viper.vision.scheduler import Run, Scheduler
from viper.vision.session import Session
from viper_sandbox import Jail, LevelReport, Request, Result

__all__ = ["Solver"]


class Solver:
    """Answers queries with one generator, one jail and one set of models.

    Args:
        config: What decides how.
        generator: Writes the programs.
        scheduler: Holds the models.
    """

    def __init__(self, config: EngineConfig, generator: Generator, scheduler: Scheduler) -> None:
        self._config = config
        self._generator = generator
        self._scheduler = scheduler
        self._spec = load_spec()
        self._api = self._spec.to_wire()
        self._jail = Jail(config.limits)

    async def batch(self, queries: list[Query], concurrency: int) -> list[Answer]:
        """Answer many queries, in order; an unreadable image fails its own answer only."""
        slots = asyncio.Semaphore(max(1, concurrency))

        async def one(query: Query) -> Answer:
            async with slots:
                try:
                    return await self.answer(query)
                except InputError as error:
                    return self._unreadable(query, error)

        return list(await asyncio.gather(*(one(query) for query in queries)))

    async def answer(self, query: Query, timeout_s: float | None = None) -> Answer:
        """Answer one query.

        Args:
            query: What is asked.
            timeout_s: Replaces the configured clock of the whole answer.

        Raises:
            InputError: The image cannot be read.
        """
        started = time.perf_counter()
        clock_s = self._config.timeout_s if timeout_s is None else timeout_s
        image = await asyncio.to_thread(opened_image, query.image)
        run = Run(self._scheduler, model_call_s=self._config.model_call_s)
        recorder = Recorder(
            query.question, query.task, query.choices, image, self._config, run.forwards
        )
        try:
            async with asyncio.timeout(max(0.0, clock_s - (time.perf_counter() - started))):
                if query.program is not None:
                    program = Program(query.program, "file")
                    await self._attempt(query, program, image, run, recorder)
                else:
                    await self._generate_and_repair(query, image, run, recorder)
        except TimeoutError:
            recorder.fail(Failure("timeout", f"There was no answer within {clock_s:g} s."))
        except ViperError as error:
            recorder.fail(Failure(error.kind, str(error)))
        return recorder.answer()

    async def _generate_and_repair(
        self, query: Query, image: ImageRef, run: Run, recorder: Recorder
    ) -> None:
        request = await self._request(query.question, query.task, query.choices)
        for _ in range(self._config.max_attempts):
            started = time.perf_counter()
            program = (await self._generator.generate([request]))[0]
            generate_ms = (time.perf_counter() - started) * 1000
            attempt = await self._attempt(query, program, image, run, recorder, generate_ms)
            if (
                attempt.failure is None
                or attempt.failure.kind not in PROGRAM_FAULTS
                or not self._generator.can_repair
            ):
                return
            rejected = Rejected(program, attempt.source, attempt.failure)
            request = replace(request, rejected=(*request.rejected, rejected))

    async def _attempt(
        self,
        query: Query,
        program: Program,
        image: ImageRef,
        run: Run,
        recorder: Recorder,
        generate_ms: float = 0.0,
    ) -> Attempt:
        """Run one program and enter it into the record."""
        session = Session(self._spec, image, run, self._config.backends)
        request = Request(
            source=program.source,
            api=self._api,
            image=session.image_patch,
            image_size=image.size,
            arguments={"query": query.question, "possible_answers": list(query.choices)},
        )
        started = time.perf_counter()
        result: Result | None = None
        try:
            result = await self._jail.run(
                request,
                session.handle,
                least_level="partial" if program.trusted else self._config.sandbox,
            )
        finally:
            # Also when the answer's clock runs out: what was seen so far stays in the trace.
            attempt = recorder.enter(
                program,
                session,
                result,
                generate_ms=generate_ms,
                run_ms=(time.perf_counter() - started) * 1000,
            )
        return attempt

    async def write(self, question: str, task: Task, choices: tuple[str, ...]) -> Program:
        """Write a program without running it.

        Raises:
            InputError: The question is empty or too long.
            GenerationError: No program could be written.
        """
        request = await self._request(question, task, choices)
        return (await self._generator.generate([request]))[0]

    async def check(self, source: str) -> CheckReport:
        """Let a sandbox child check a program without running it."""
        return check_report(await self._jail.check(source, self._api))

    async def level(self) -> LevelReport:
        """Probe what the sandbox keeps out on this machine."""
        return await self._jail.level()

    async def capabilities(self) -> Capabilities:
        """Say what is served; loads the detector, whose vocabulary only it knows."""
        if not self._config.backends:
            # Nothing is configured: programs are written for the whole API, as a draft.
            return Capabilities.everything()
        served = await self._scheduler.capabilities()
        return Capabilities(frozenset(self._config.backends), served.vocabulary)

    async def close(self) -> None:
        """End the generator's connections and the jail."""
        await self._generator.aclose()
        await self._jail.close()

    async def _request(
        self, question: str, task: Task, choices: tuple[str, ...]
    ) -> GenerationRequest:
        checked = checked_question(question)
        return GenerationRequest(checked, task, choices, await self.capabilities())

    def _unreadable(self, query: Query, error: InputError) -> Answer:
        nothing = ImageRef("", (0, 0), image_name(query.image))
        recorder = Recorder(query.question, query.task, query.choices, nothing, self._config, {})
        recorder.fail(Failure(error.kind, str(error)))
        return recorder.answer()
