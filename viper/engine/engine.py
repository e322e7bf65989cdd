"""The friendly face: an engine answers questions about images, blocking or awaited.

Everything happens in coroutines of `viper.engine.solver`, on an event loop that the engine owns.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from viper.engine.answer import Answer
from viper.engine.config import (
    DEFAULT_CACHE_MB,
    DEFAULT_PRESET,
    EngineConfig,
    SandboxLevel,
    resolve_backends,
)
from viper.engine.config_checks import check_demands, vote_temperature
from viper.engine.loop import LoopThread
from viper.engine.query import ImageSource, Query
from viper.engine.solver import Solver
from viper.generate.auto import resolve_auto
from viper.generate.generator import Generator, Threaded
from viper.generate.program_cache import ProgramCache
from viper.generate.prompt import Prompt
from viper.generate.registry import OpenedGenerator, open_generators
from viper.llm.budget import Budget
from viper.models.capabilities import Capabilities
from viper.models.registry import STUB, BackendRef
from viper.models.roles import Backend, Role
from viper.modules.module import Module
from viper.modules.program_api import ProgramApi, open_modules
from viper.programs.program import CheckReport, Program, Task
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.operation import MAX_BATCH
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.result_store import ResultStore
from viper.scheduling.worker import Load
from viper.trace import Watcher
from viper.usage import Usage
from viper_sandbox import LevelReport, Limits

__all__ = ["Engine", "ask"]

T = TypeVar("T")


class Engine:
    """Answers questions about images.

    Models load when they are first needed and stay until `close`; use it as a context manager.

    Args:
        models: Name of a preset, or `truth:FILE` for true perception from a file of scenes. `auto` is
            `small` where its weights are on disk, else `builtin`, or nothing beside backends given here.
        generator: `grammar`, `openai:MODEL`, `local:MODEL_OR_FOLDER`, `auto:openai:MODEL` (the
            grammar, and the model where the grammar cannot answer), or an object that implements
            `Generator`.
        backends: Role → `NAME:REFERENCE`; one given here replaces the preset's.
        timeout_s: Longest time for a whole answer, repairs and model loading included.
        model_call_s: Longest wait for one vision or language call.
        max_attempts: Programs that a language model writes before a failure is final.
        votes: Programs that a language model writes at once; the answer is what most of them say.
        max_cost_usd: Most US dollars for language models, over all answers; needs their prices.
        max_tokens: Most tokens of language models, over all answers.
        cache_mb: Memory for results of models that later answers may use again, in MB; 0 for none.
        cache: Folder in which they outlive the process; several processes may share it.
        lookahead: Whether models are asked beforehand what a program will probably ask next. The
            answers are the same. Models are not, where there is no memory (`cache_mb=0`).
        max_batch: Most requests per forward, where a model's memory allows as many.
        memo: File in which programs of language models are remembered and used again for questions
            of the same form; None to remember nothing.
        sandbox: Least sandbox level for programs that a model or a stranger wrote.
        limits: What one program may use.
        data_folder: Where a relative file of scenes is looked for if the working directory has none.
        on_loading: Called from another thread with a backend's reference, and True before or False
            after it is loaded.
        opener: Loads a backend; for tests and embedders with models of their own.
        models_of: An engine whose models are shared: a role with the same backend in both has one
            loaded model. Close that engine last.
        modules: Names of installed modules, or `viper.modules.Module` values, whose methods programs may
            call; None for all that are installed, as far as `VIPER_PLUGINS` chooses them.

    Raises:
        ConfigError: A preset, backend, generator or value is unknown or out of range; or votes or
            a budget are asked for that the generator cannot give.

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
        votes: int = 1,
        max_cost_usd: float | None = None,
        max_tokens: int | None = None,
        cache_mb: float = DEFAULT_CACHE_MB,
        cache: str | os.PathLike[str] | None = None,
        lookahead: bool = True,
        max_batch: int = MAX_BATCH,
        memo: str | os.PathLike[str] | None = None,
        sandbox: SandboxLevel = "full",
        limits: Limits | None = None,
        data_folder: str | os.PathLike[str] | None = None,
        on_loading: Callable[[BackendRef, bool], None] | None = None,
        opener: Callable[[BackendRef], Backend] | None = None,
        models_of: Engine | None = None,
        modules: Iterable[str | Module] | None = None,
    ) -> None:
        name = resolve_auto(generator) if isinstance(generator, str) else generator.name
        contract = ProgramApi.of(open_modules(modules))
        self.config = EngineConfig(
            backends=resolve_backends(
                models,
                backends,
                None if data_folder is None else Path(data_folder),
                contract.roles,
            ),
            modules=contract.modules,
            models=models,
            generator=name,
            timeout_s=timeout_s,
            model_call_s=model_call_s,
            max_attempts=max_attempts,
            votes=votes,
            vote_temperature=vote_temperature(name),
            max_cost_usd=max_cost_usd,
            max_tokens=max_tokens,
            cache_mb=cache_mb,
            cache=None if cache is None else Path(cache),
            prefetch=lookahead,
            max_batch=max_batch,
            program_cache=None if memo is None else Path(memo),
            sandbox=sandbox,
            limits=limits or Limits(),
        )
        opened = (
            open_generators(name) if isinstance(generator, str) else (OpenedGenerator(generator),)
        )
        self._writers = tuple(one.generator for one in opened)
        check_demands(self.config, self._writers)
        real: dict[Role, BackendRef] = {
            role: ref for role, ref in self.config.backends.items() if ref.name != STUB
        }
        extra = {"opener": opener} if opener is not None else {}
        self._budget = Budget(max_cost_usd=max_cost_usd, max_tokens=max_tokens)
        lender = models_of._pool if models_of is not None else None
        self._pool: ModelPool = ModelPool(
            real,
            on_loading=on_loading,
            budget=self._budget,
            lender=lender,
            cache=_open_cache(self.config),
            max_batch=max_batch,
            **extra,
        )
        remembered = (
            None if self.config.program_cache is None else ProgramCache(self.config.program_cache)
        )
        self._solver = Solver(self.config, opened, self._pool, self._budget, remembered, contract)
        self._loop = LoopThread("viper-engine")

    def ask(
        self,
        image: ImageSource,
        question: str,
        *,
        task: Task = "vqa",
        choices: Iterable[str] = (),
        timeout_s: float | None = None,
        on_step: Watcher | None = None,
    ) -> Answer:
        """Answer a question about an image.

        Args:
            image: Path, bytes, PIL image or array of shape (H, W, 3), uint8 RGB.
            question: A question, a statement to judge, or for grounding an expression.
            task: `vqa` for an answer in words, `grounding` for a box.
            choices: Answers to choose from; empty when any will do.
            timeout_s: Replaces the engine's clock for this answer.
            on_step: Called, from the engine's thread, with each step when it happens: a program that
                is about to run, a call that was answered, a program that ended (see `viper.trace`).

        Raises:
            InputError: The image cannot be read. Everything else is `answer.failure`.
        """
        query = Query(image, question, task, tuple(choices))
        return self._loop.run(self._solver.answer(query, timeout_s, on_step))

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
        return await self._elsewhere(self._solver.answer(query, timeout_s))

    async def abatch(self, queries: Iterable[Query], *, concurrency: int = 8) -> list[Answer]:
        """Answer many questions, several programs at once on one set of models.

        Returns:
            One answer per query, in order. An unreadable image fails its own answer only (`input`).
        """
        return await self._elsewhere(self._solver.batch(list(queries), concurrency))

    def batch(self, queries: Iterable[Query], *, concurrency: int = 8) -> list[Answer]:
        """Answer many questions and wait; see `abatch`."""
        return self._loop.run(self._solver.batch(list(queries), concurrency))

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
        return self._loop.run(self._solver.answer(query, timeout_s))

    async def arun(
        self,
        query: Query,
        *,
        timeout_s: float | None = None,
        on_step: Watcher | None = None,
    ) -> Answer:
        """Answer one query from any event loop, with its own program where it has one; see `ask`."""
        return await self._elsewhere(self._solver.answer(query, timeout_s, on_step))

    def generate(
        self, question: str, *, task: Task = "vqa", choices: Iterable[str] = ()
    ) -> Program:
        """Write a program without running it.

        Raises:
            InputError: The question is empty or too long.
            GenerationError: No program could be written.
        """
        return self._loop.run(self._solver.write(question, task, tuple(choices)))

    def prompt(self, question: str, *, task: Task = "vqa", choices: Iterable[str] = ()) -> Prompt:
        """Return what the generator's language model would read; nothing is sent.

        Raises:
            ConfigError: The generator asks no language model.
            InputError: The question is empty or too long.
            GenerationError: The prompt does not fit the model.
        """
        return self._loop.run(self._solver.prompt(question, task, tuple(choices)))

    def check(self, source: str) -> CheckReport:
        """Let a sandbox child check a program without running it.

        Where there is no sandbox, that is a finding of kind `sandbox`.
        """
        return self._loop.run(self._solver.check(source))

    async def acheck(self, source: str) -> CheckReport:
        """Check a program from any event loop; see `check`."""
        return await self._elsewhere(self._solver.check(source))

    def preload(self) -> None:
        """Load all models now instead of when they are first needed.

        Raises:
            ViperError: One of them cannot be loaded.
        """
        self._loop.run(self._pool.preload())

    def capabilities(self) -> Capabilities:
        """Say which roles are served and what a closed-vocabulary detector knows; loads it."""
        return self._loop.run(self._solver.capabilities())

    def fingerprints(self) -> dict[Role, str]:
        """Return the fingerprints of the models that have been loaded so far."""
        return self._pool.fingerprints()

    def load(self) -> dict[Role, Load]:
        """Return what each model has done so far: forwards, requests, guesses, busy seconds.

        A forward that answers shared is counted once here, and in each of their traces.
        """
        return self._pool.load()

    def pending(self) -> int:
        """Return how many requests wait for a model, or are in one."""
        return self._pool.pending

    def forget(self) -> None:
        """Forget what models computed so far, as far as it is in memory; answers stay the same."""
        self._pool.forget()

    @property
    def spent(self) -> Usage:
        """What language models have used for this engine so far."""
        return self._budget.spent

    def sandbox_level(self) -> LevelReport:
        """Probe what the sandbox keeps out on this machine."""
        return self._loop.run(self._solver.level())

    def close(self, *, timeout_s: float | None = None) -> bool:
        """End sessions, sandbox and models. Calling it again does nothing.

        Args:
            timeout_s: Longest wait for a model that is busy; None waits until it is done.

        Returns:
            False when a model was still busy; its thread ends with the process. A generator's own
            model is waited for two seconds at most.
        """
        self._loop.close(self._solver.close)
        writing = any(isinstance(w, Threaded) and w.is_running for w in self._writers)
        return self._pool.close(timeout_s) and not writing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def _elsewhere(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine of this engine's loop from the caller's loop."""
        return await asyncio.wrap_future(self._loop.submit(coroutine))


def _open_cache(config: EngineConfig) -> ResultCache | None:
    """Return what results are remembered in, None where nothing is to be."""
    if not config.cache_mb:
        return None
    store = None if config.cache is None else ResultStore(config.cache)
    return ResultCache(int(config.cache_mb * 1e6), store)


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
