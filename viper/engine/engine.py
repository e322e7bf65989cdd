"""`Engine`: answers questions about images, from blocking or async code.

The work is done by coroutines of `viper.engine.solver`, on the engine's own event loop.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from viper.engine.answer import Answer
from viper.engine.caches import opened_cache
from viper.engine.config import EngineConfig, resolve_backends
from viper.engine.config_checks import check_demands, vote_temperature
from viper.engine.loop import LoopThread
from viper.engine.options import OLD_NAMES, OPTIONS, EngineOptions
from viper.engine.query import ImageSource, Query
from viper.engine.query_run import EngineServices
from viper.engine.solver import Solver
from viper.errors import ConfigError
from viper.generate.auto import resolve_auto
from viper.generate.generator import Clocked, Threaded
from viper.generate.program_cache import ProgramCache
from viper.generate.registry import OpenedGenerator, open_generators
from viper.llm.budget import Budget
from viper.methods.doubts import Remedy
from viper.models.capabilities import Capabilities
from viper.models.registry import STUB, BackendRef
from viper.models.roles import Backend, Role
from viper.modules.module import Module
from viper.modules.program_api import ProgramApi, open_modules
from viper.programs.program import CheckReport, Program, Task
from viper.scheduling.metrics import Load
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.replica import ModelHealth
from viper.texts.secrets import SECRET_REFERENCE, reveals_secret
from viper.trace import Watcher
from viper.usage import Usage
from viper_sandbox import Jail, LevelReport, Limits

if TYPE_CHECKING:
    from viper.generate.prompt import Prompt

__all__ = ["Engine", "ask"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class EngineArguments(EngineOptions):
    """The arguments of `Engine`; its docstring describes them."""

    backends: Mapping[str, str | Backend] | None = None
    _: KW_ONLY
    limits: Limits | None = None
    data_folder: str | os.PathLike[str] | None = None
    on_loading: Callable[[BackendRef, bool], None] | None = None
    opener: Callable[[BackendRef], Backend] | None = None
    pool: ModelPool | None = None
    models_of: Engine | None = None
    modules: Iterable[str | Module] | None = None


def _with_arguments(
    model: Callable[P, EngineArguments],
) -> Callable[[Callable[[Engine, EngineArguments], None]], Callable[Concatenate[Engine, P], None]]:
    """Return a decorator that gives a constructor a dataclass's parameters, also under their old names."""

    def decorate(
        constructor: Callable[[Engine, EngineArguments], None],
    ) -> Callable[Concatenate[Engine, P], None]:
        def init(self: Engine, /, *args: P.args, **options: P.kwargs) -> None:
            renamed: dict[str, Any] = {OLD_NAMES.get(key, key): v for key, v in options.items()}
            constructor(self, model(*args, **renamed))

        parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)]
        for name, parameter in inspect.signature(model).parameters.items():
            kind = OPTIONS[name].kind if name in OPTIONS else parameter.annotation
            kind = getattr(kind, "__forward_arg__", kind)
            parameters.append(parameter.replace(annotation=kind))
        vars(init)["__signature__"] = inspect.Signature(parameters)
        return init

    return decorate


class Engine:
    """Answers questions about images.

    Models load when they are first needed and stay until `close`; use it as a context manager.

    Args:
        backends: Role → `NAME:REFERENCE`, or a loaded object with the batch methods of the role and a
            `fingerprint` (and a `name` for traces, else its class is named); replaces the preset's.
        limits: What one program may use.
        data_folder: Where to look for a relative scene file after the working directory.
        on_loading: Called from another thread with a backend's reference, and True before or False
            after it is loaded.
        opener: Loads a backend; for embedders with loaders of their own.
        pool: The models of another engine (`engine.pool`): roles with the same backend in both share one
            loaded model. Close that engine last.
        models_of: The other engine itself, instead of `pool`.
        modules: Names of installed modules, or `viper.modules.Module` values, whose methods programs may
            call; None for all that are installed, limited by `VIPER_PLUGINS`.
        options: The fields of `viper.engine.options.EngineOptions`, by name.

    Raises:
        ConfigError: A preset, backend, generator or value is unknown or out of range; or the generator
            does not support the votes or the budget.

    Example:
        >>> with Engine(backends={"detector": "onnx:yolox_nano.onnx"}) as engine:
        ...     print(engine.ask("street.jpg", "How many people are there?"))
    """

    @_with_arguments(EngineArguments)
    def __init__(self, arguments: EngineArguments) -> None:
        options = {name: getattr(arguments, name) for name in OPTIONS}
        generator, folder = arguments.generator, arguments.data_folder
        name = resolve_auto(generator) if isinstance(generator, str) else generator.name
        if reveals_secret(name):
            raise ConfigError(f"The generator {SECRET_REFERENCE}")
        api = ProgramApi.of(open_modules(arguments.modules))
        self.config = config = EngineConfig(
            **options
            | {
                "generator": name,
                "backends": resolve_backends(
                    arguments.models,
                    arguments.backends,
                    None if folder is None else Path(folder),
                    api.roles,
                ),
                "modules": api.modules,
                "vote_temperature": vote_temperature(name),
                "limits": arguments.limits or Limits(),
            }
        )
        opened = (
            open_generators(name) if isinstance(generator, str) else (OpenedGenerator(generator),)
        )
        self._writers = tuple(one.generator for one in opened)
        check_demands(config, self._writers)
        self._budget = Budget(max_cost_usd=config.max_cost_usd, max_tokens=config.max_tokens)
        lender = arguments.models_of
        self.pool: ModelPool = ModelPool(
            {role: ref for role, ref in config.backends.items() if ref.name != STUB},
            on_loading=arguments.on_loading,
            budget=self._budget,
            lender=arguments.pool or (lender.pool if lender is not None else None),
            cache=opened_cache(config),
            max_batch=config.max_batch,
            model_call_s=config.model_call_s,
            **({} if arguments.opener is None else {"opener": arguments.opener}),
        )
        file = config.program_cache
        program_cache = None if file is None else ProgramCache(Path(file))
        services = EngineServices(
            config,
            api,
            api.spec.to_wire(),
            Jail(config.limits),
            self._budget,
            program_cache,
            _remedy(config.backends),
        )
        self._solver = Solver(services, opened, self.pool)
        self._loop = LoopThread("viper-engine")

    def ask(
        self,
        image: ImageSource,
        question: str,
        *,
        task: Task = "vqa",
        choices: Iterable[str] = (),
        best_effort: bool | None = None,
        timeout_s: float | None = None,
        on_step: Watcher | None = None,
    ) -> Answer:
        """Answer a question about an image.

        Args:
            image: Path, bytes, PIL image or array of shape (H, W, 3), uint8 RGB.
            question: A question, a statement to judge, or (grounding) a referring expression.
            task: `vqa` for an answer in words, `grounding` for a box.
            choices: Answers to choose from; empty if any answer is allowed.
            best_effort: Replaces the engine's option for this answer.
            timeout_s: Replaces the engine's timeout for this answer.
            on_step: Called from the engine's thread with each step as it happens: a program is about to
                run, a call was answered, a program ended (see `viper.trace`).

        Raises:
            InputError: The image cannot be read. Everything else is `answer.failure`.
        """
        query = Query(image, question, task, tuple(choices), best_effort=best_effort)
        return self._loop.run(self._solver.answer(query, timeout_s, on_step))

    async def aask(
        self,
        image: ImageSource,
        question: str,
        *,
        task: Task = "vqa",
        choices: Iterable[str] = (),
        best_effort: bool | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Answer a question from any event loop; cancelling it cancels the program."""
        query = Query(image, question, task, tuple(choices), best_effort=best_effort)
        return await self.arun(query, timeout_s=timeout_s)

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
        best_effort: bool | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Run a given program on an image; never raises for what the program does.

        Raises:
            InputError: The image cannot be read.
        """
        query = Query(image, question, task, tuple(choices), source, best_effort)
        return self._loop.run(self._solver.answer(query, timeout_s))

    async def arun(
        self,
        query: Query,
        *,
        timeout_s: float | None = None,
        on_step: Watcher | None = None,
    ) -> Answer:
        """Answer one query from any event loop, running its own program if it has one; see `ask`."""
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
        """Return the prompt for the generator's language model; nothing is sent.

        Raises:
            ConfigError: The generator uses no language model.
            InputError: The question is empty or too long.
            GenerationError: The prompt does not fit the model.
        """
        return self._loop.run(self._solver.prompt(question, task, tuple(choices)))

    def check(self, source: str) -> CheckReport:
        """Let a sandbox child check a program without running it.

        Without a working sandbox, the report has a finding of kind `sandbox`.
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
        self._loop.run(self.pool.preload())

    def capabilities(self) -> Capabilities:
        """Return the roles served and the detector's vocabulary; loads the detector."""
        return self._loop.run(self._solver.capabilities())

    async def acapabilities(self) -> Capabilities:
        """Return the capabilities from any event loop; see `capabilities`."""
        return await self._elsewhere(self._solver.capabilities())

    def fingerprints(self) -> dict[Role, str]:
        """Return the fingerprints of the models that have been loaded so far."""
        return self.pool.fingerprints()

    def load_errors(self) -> dict[Role, BaseException]:
        """Return why models could not be loaded when they were last needed, by role."""
        return self.pool.load_errors()

    def load(self) -> dict[Role, Load]:
        """Return what each model has done so far: forwards, requests, prefetches, busy seconds.

        A forward that several answers share counts once here, and in each of their traces.
        """
        return self.pool.load()

    def health(self) -> list[ModelHealth]:
        """Return for each model, also that of a local generator, whether its threads come back."""
        writers = [
            ModelHealth("generator", w.name, 1, int(w.stuck_s > 0), w.stuck_s, 0)
            for w in self._writers
            if isinstance(w, Clocked)
        ]
        return self.pool.health() + writers

    def pending(self) -> int:
        """Return the number of requests that are queued or in a forward."""
        return self.pool.pending

    def forget(self) -> None:
        """Drop the results of models that are cached in memory; answers stay the same."""
        self.pool.forget()

    @property
    def spent(self) -> Usage:
        """The usage of language models for this engine so far."""
        return self._budget.spent

    def sandbox_level(self) -> LevelReport:
        """Probe which attacks the sandbox stops on this machine."""
        return self._loop.run(self._solver.level())

    def close(self, *, timeout_s: float | None = None) -> bool:
        """End programs, sandbox and models. Calling it again does nothing.

        In a fork of the process that used the engine, it does nothing: these belong to the other process.

        Args:
            timeout_s: Longest wait for a busy model; None waits until it is done.

        Returns:
            False when a model was still busy; its thread ends with the process. A generator's own
            model gets at most two seconds.
        """
        if self._loop.forked:
            return True
        self._loop.close(self._solver.close)
        writing = any(isinstance(w, Threaded) and w.is_running for w in self._writers)
        return self.pool.close(timeout_s) and not writing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _elsewhere(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the engine's loop, and await it on the caller's loop."""
        return await asyncio.wrap_future(self._loop.submit(coroutine))


def _remedy(backends: Mapping[Role, BackendRef]) -> Remedy:
    """Return `more_models` of an engine, imported when a message needs it."""

    @functools.cache
    def loaded() -> Remedy:
        from viper.engine.more_models import more_models

        return more_models(backends)

    return lambda roles: loaded()(roles)


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


Engine.__doc__ = (Engine.__doc__ or "").replace(
    "        options: The fields of `viper.engine.options.EngineOptions`, by name.\n",
    "".join(f"        {name}: {option.help}\n" for name, option in OPTIONS.items()),
)
