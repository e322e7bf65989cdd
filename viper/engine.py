"""The loop: generate a program, run it, repair it, answer.

`Engine` is the friendly face; everything happens in coroutines on its own event loop. What a program
does wrong is data in the answer, never an exception.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from viper import media
from viper.answer import Answer
from viper.config import DEFAULT_PRESET, EngineConfig, SandboxLevel, resolve_backends
from viper.errors import InputError, ViperError
from viper.generate.generator import GenerationRequest, Generator, Rejected
from viper.generate.registry import open_generator
from viper.loop import LoopThread
from viper.program import (
    PROGRAM_FAULTS,
    CheckReport,
    Failure,
    Program,
    Task,
)
from viper.recorder import Recorder, check_report
from viper.spec import load_spec
from viper.trace import Attempt
from viper.vision.capabilities import Capabilities
from viper.vision.registry import STUB, BackendRef
from viper.vision.roles import Backend, ImageRef, Role
from viper.vision.scheduler import Run, Scheduler
from viper.vision.session import Session
from viper_sandbox import Jail, LevelReport, Limits, Request, Result

ImageSource: TypeAlias = "media.ImageSource | ImageRef"

__all__ = ["Engine", "Query", "ask"]

T = TypeVar("T")

_MAX_QUESTION_CHARACTERS = 4_000
# Longer than any question of the known benchmarks by a factor of 20, short enough for any model.


@dataclass(frozen=True, slots=True)
class Query:
    """One question of a batch."""

    image: ImageSource
    question: str
    task: Task = "vqa"
    choices: tuple[str, ...] = ()
    program: str | None = None
    """Source to run instead of generating one."""


class Engine:
    """Answers questions about images.

    Models load when they are first needed and stay until `close`; use it as a context manager.

    Args:
        models: Name of a preset.
        generator: `grammar`, `openai:MODEL`, or an object that implements `Generator`.
        backends: Role → `NAME:REFERENCE`; one given here replaces the preset's.
        timeout_s: Longest time for a whole answer, repairs and model loading included.
        model_call_s: Longest wait for one vision or language call.
        max_attempts: Programs that are tried before a failure is final.
        sandbox: Least sandbox level for programs that a model or a stranger wrote.
        limits: What one program may use.
        on_loading: Called from another thread with a backend's reference, and True before or False
            after it is loaded.
        opener: Loads a backend; for tests and embedders with models of their own.

    Raises:
        ConfigError: A preset, backend, generator or value is unknown or out of range.

    Example:
        >>> with Engine(backends={"detector": "onnx:yolox_nano.onnx"}) as engine:
        ...     print(engine.ask("street.jpg", "How many people are there?"))
    """

    def __init__(
        self,
        models: str = DEFAULT_PRESET,
        generator: str | Generator = "grammar",
        backends: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 300.0,
        model_call_s: float = 60.0,
        max_attempts: int = 3,
        sandbox: SandboxLevel = "full",
        limits: Limits | None = None,
        on_loading: Callable[[BackendRef, bool], None] | None = None,
        opener: Callable[[BackendRef], Backend] | None = None,
    ) -> None:
        self.config = EngineConfig(
            backends=resolve_backends(models, backends),
            models=models,
            generator=generator if isinstance(generator, str) else generator.name,
            timeout_s=timeout_s,
            model_call_s=model_call_s,
            max_attempts=max_attempts,
            sandbox=sandbox,
            limits=limits or Limits(),
        )
        self._generator = open_generator(generator) if isinstance(generator, str) else generator
        self._spec = load_spec()
        real: dict[Role, BackendRef] = {
            role: ref for role, ref in self.config.backends.items() if ref.name != STUB
        }
        extra = {"opener": opener} if opener is not None else {}
        self._scheduler = Scheduler(real, on_loading=on_loading, **extra)
        self._jail = Jail(self.config.limits)
        self._loop = LoopThread("viper-engine")

    def ask(
        self,
        image: ImageSource,
        question: str,
        *,
        task: Task = "vqa",
        choices: Iterable[str] = (),
        timeout_s: float | None = None,
    ) -> Answer:
        """Answer a question about an image.

        Args:
            image: Path, bytes, PIL image or array of shape (H, W, 3), uint8 RGB.
            question: A question, a statement to judge, or for grounding an expression.
            task: `vqa` for an answer in words, `grounding` for a box.
            choices: Answers to choose from; empty when any will do.
            timeout_s: Replaces the engine's clock for this answer.

        Raises:
            InputError: The image cannot be read. Everything else is `answer.failure`.
        """
        return self._loop.run(self._answer(Query(image, question, task, tuple(choices)), timeout_s))

    async def aask(
        self,
        image: ImageSource,
        question: str,
        *,
        task: Task = "vqa",
        choices: Iterable[str] = (),
        timeout_s: float | None = None,
    ) -> Answer:
        """Answer a question from any event loop; cancelling it cancels the session."""
        query = Query(image, question, task, tuple(choices))
        return await self._elsewhere(self._answer(query, timeout_s))

    async def abatch(self, queries: Iterable[Query], *, concurrency: int = 8) -> list[Answer]:
        """Answer many questions, several programs at once on one set of models.

        Returns:
            One answer per query, in order. An unreadable image fails its own answer only (`input`).
        """
        return await self._elsewhere(self._batch(list(queries), concurrency))

    def batch(self, queries: Iterable[Query], *, concurrency: int = 8) -> list[Answer]:
        """Answer many questions and wait; see `abatch`."""
        return self._loop.run(self._batch(list(queries), concurrency))

    def run_program(
        self,
        source: str,
        image: ImageSource,
        *,
        question: str = "",
        task: Task = "vqa",
        choices: Iterable[str] = (),
        timeout_s: float | None = None,
    ) -> Answer:
        """Run a given program on an image; never raises for what the program does.

        Raises:
            InputError: The image cannot be read.
        """
        query = Query(image, question, task, tuple(choices), program=source)
        return self._loop.run(self._answer(query, timeout_s))

    async def arun(self, query: Query, *, timeout_s: float | None = None) -> Answer:
        """Answer one query from any event loop, with its own program where it has one."""
        return await self._elsewhere(self._answer(query, timeout_s))

    def generate(
        self, question: str, *, task: Task = "vqa", choices: Iterable[str] = ()
    ) -> Program:
        """Write a program without running it.

        Raises:
            InputError: The question is empty or too long.
            GenerationError: No program could be written.
        """

        async def write() -> Program:
            request = await self._request(question, task, tuple(choices))
            return (await self._generator.generate([request]))[0]

        return self._loop.run(write())

    def check(self, source: str) -> CheckReport:
        """Let a sandbox child check a program without running it.

        Raises:
            SandboxError: There is no sandbox.
        """
        return self._loop.run(self._check(source))

    def capabilities(self) -> Capabilities:
        """Say which roles are served and what a closed-vocabulary detector knows; loads it."""
        return self._loop.run(self._capabilities())

    def sandbox_level(self) -> LevelReport:
        """Probe what the sandbox keeps out on this machine."""
        return self._loop.run(self._jail.level())

    def close(self, *, timeout_s: float | None = None) -> bool:
        """End sessions, sandbox and models. Calling it again does nothing.

        Args:
            timeout_s: Longest wait for a model that is busy; None waits until it is done.

        Returns:
            False when a model was still busy; its thread ends with the process.
        """
        self._loop.close(self._shut)
        return self._scheduler.close(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def _shut(self) -> None:
        await self._generator.aclose()
        await self._jail.close()

    async def _elsewhere(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine of this engine's loop from the caller's loop."""
        return await asyncio.wrap_future(self._loop.submit(coroutine))

    async def _batch(self, queries: list[Query], concurrency: int) -> list[Answer]:
        slots = asyncio.Semaphore(max(1, concurrency))

        async def one(query: Query) -> Answer:
            async with slots:
                try:
                    return await self._answer(query)
                except InputError as error:
                    return self._unreadable(query, error)

        return list(await asyncio.gather(*(one(query) for query in queries)))

    async def _answer(self, query: Query, timeout_s: float | None = None) -> Answer:
        started = time.perf_counter()
        clock_s = self.config.timeout_s if timeout_s is None else timeout_s
        image = await asyncio.to_thread(_opened, query.image)
        run = Run(self._scheduler, model_call_s=self.config.model_call_s)
        recorder = Recorder(
            query.question, query.task, query.choices, image, self.config, run.forwards
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
        for _ in range(self.config.max_attempts):
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
        session = Session(self._spec, image, run, self.config.backends)
        request = Request(
            source=program.source,
            api=self._spec.to_wire(),
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
                least_level="partial" if program.trusted else self.config.sandbox,
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

    async def _request(
        self, question: str, task: Task, choices: tuple[str, ...]
    ) -> GenerationRequest:
        checked = _checked_question(question)
        return GenerationRequest(checked, task, choices, await self._capabilities())

    async def _capabilities(self) -> Capabilities:
        if not self.config.backends:
            # Nothing is configured: programs are written for the whole API, as a draft.
            return Capabilities.everything()
        served = await self._scheduler.capabilities()
        return Capabilities(frozenset(self.config.backends), served.vocabulary)

    async def _check(self, source: str) -> CheckReport:
        return check_report(await self._jail.check(source, self._spec.to_wire()))

    def _unreadable(self, query: Query, error: InputError) -> Answer:
        named = isinstance(query.image, (str, os.PathLike))
        name = Path(str(query.image)).name if named else "image"
        nothing = ImageRef("", (0, 0), name)
        recorder = Recorder(query.question, query.task, query.choices, nothing, self.config, {})
        recorder.fail(Failure(error.kind, str(error)))
        return recorder.answer()


def ask(
    image: ImageSource,
    question: str,
    *,
    task: Task = "vqa",
    choices: Iterable[str] = (),
    **options: Any,  # the options of Engine, checked there
) -> Answer:
    """Answer one question with an engine of its own; see `Engine` for the options.

    Models are loaded for this answer only: for several questions keep an `Engine`.

    Raises:
        ConfigError: An option is unknown or out of range.
        InputError: The image cannot be read.

    Example:
        >>> viper.ask("street.jpg", "How many people are there?", models="stub").text
    """
    with Engine(**options) as engine:
        return engine.ask(image, question, task=task, choices=choices)


def _opened(source: ImageSource) -> ImageRef:
    return source if isinstance(source, ImageRef) else media.open_image(source)


def _checked_question(question: str) -> str:
    """Return a question without surplus white space.

    Raises:
        InputError: It is empty or too long.
    """
    cleaned = " ".join(question.split())
    if not cleaned:
        raise InputError('The question is empty. Ask something, such as "How many dogs are there?"')
    if len(cleaned) > _MAX_QUESTION_CHARACTERS:
        raise InputError(
            f"The question has {len(cleaned):,} characters; at most {_MAX_QUESTION_CHARACTERS:,} are "
            "accepted. Ask one question at a time."
        )
    return cleaned
