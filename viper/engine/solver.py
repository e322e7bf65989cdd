"""Answers queries with the parts of one engine, each within its timeout.

`viper.engine.query_run` describes how one query is answered. Faults of a program are data in the answer,
never an exception. Everything here runs on the engine's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from viper.engine.answer import Answer
from viper.engine.query import Query, check_choices, checked_question, opened_image
from viper.engine.query_run import EngineServices, QueryRun, written, written_within
from viper.engine.trace_builder import TraceBuilder
from viper.errors import (
    ConfigError,
    GenerationError,
    InputError,
    ModelError,
    ViperError,
    summarize_error,
)
from viper.generate.generator import Abilities, GenerationRequest, Prompting
from viper.generate.registry import OpenedGenerator
from viper.images.image import ImageRef
from viper.methods.doubts import FAMILIAR_IMAGES, refusal
from viper.models.capabilities import Capabilities
from viper.models.registry import BUILTIN
from viper.programs.program import OWN_PROGRAM, CheckReport, Doubt, Failure, Finding, Program, Task
from viper.scheduling.metrics import AnswerMetrics
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper.trace import Watcher
from viper_sandbox import LevelReport

if TYPE_CHECKING:
    from viper.generate.prompt import Prompt

__all__ = ["Solver"]

_log = logging.getLogger(__name__)


class Solver:
    """Answers queries with one set of generators, one jail and one set of models.

    Args:
        services: Parts of the engine that all queries share.
        generators: Write the programs; each is used if the previous one could not answer.
        pool: The models.
    """

    def __init__(
        self, services: EngineServices, generators: Sequence[OpenedGenerator], pool: ModelPool
    ) -> None:
        self._services = services
        self._config = services.config
        self._generators = generators
        self._pool = pool

    async def batch(self, queries: list[Query], concurrency: int) -> list[Answer]:
        """Answer many queries, in order; an error of one fails its own answer only."""
        slots = asyncio.Semaphore(max(1, concurrency))

        async def one(query: Query) -> Answer:
            async with slots:
                try:
                    return await self.answer(query)
                except ViperError as error:
                    return self._failed(query, Failure.of(error))

        return list(await asyncio.gather(*(one(query) for query in queries)))

    async def answer(
        self, query: Query, timeout_s: float | None = None, watcher: Watcher | None = None
    ) -> Answer:
        """Answer one query.

        Args:
            query: The query.
            timeout_s: Replaces the configured timeout of the whole answer.
            watcher: Called with each step as it happens.

        Raises:
            InputError: The image cannot be read. Everything else is `answer.failure`.
        """
        started_s = time.perf_counter()
        if query.best_effort is None:
            query = replace(query, best_effort=self._config.best_effort)
        try:
            query.check_lengths()
        except InputError as error:
            return self._failed(query.shortened(), Failure.of(error))
        except Exception as error:  # not texts
            return self._failed(query, _unexpected(error))
        self._begin(query)
        image = await _opened(query)
        try:
            return await self._answer(query, image, started_s, timeout_s, watcher)
        except Exception as error:  # nothing could be recorded, not even the failure
            return self._failed(query, _unexpected(error))

    def _begin(self, query: Query) -> None:
        """Begin what takes a while and is needed in any case: the sandbox, and a detector for its words."""
        trusted = query.program is None and all(opened.trusted for opened in self._generators)
        least_level = "partial" if trusted else self._config.sandbox
        self._services.jail.warm(self._services.wire_api, least_level)
        if query.program is None:
            self._pool.begin_loading(["detector"])

    async def _answer(
        self,
        query: Query,
        image: ImageRef,
        started_s: float,
        timeout_s: float | None,
        watcher: Watcher | None,
    ) -> Answer:
        limit_s = self._config.timeout_s if timeout_s is None else timeout_s
        client = VisionClient(
            self._pool,
            model_call_s=self._config.model_call_s,
            prefetch=self._config.prefetch,
        )
        trace_builder = TraceBuilder(query, image, self._config, client.metrics)
        query_run = QueryRun(query, image, client, trace_builder, self._services, watcher)
        timeout = asyncio.timeout(max(0.0, limit_s - (time.perf_counter() - started_s)))
        try:
            async with timeout:
                if query.program is not None:
                    await query_run.run(Program(query.program, OWN_PROGRAM))
                else:
                    request = await self._request(
                        query.question, query.task, query.choices, bool(query.best_effort)
                    )
                    if not request.best_effort:
                        await self._check_domain(image)
                    await query_run.ask(self._generators, request)
        except ViperError as error:
            trace_builder.fail(Failure.of(error))
        except Exception as error:
            if isinstance(error, TimeoutError) and timeout.expired():
                trace_builder.fail(Failure("timeout", f"There was no answer within {limit_s:g} s."))
            else:
                trace_builder.fail(_unexpected(error))
        answer = trace_builder.answer()
        await query_run.remember()
        return answer

    async def write(self, question: str, task: Task, choices: tuple[str, ...]) -> Program:
        """Write a program without running it.

        Raises:
            InputError: The question is empty or too long.
            GenerationError: No program could be written.
        """
        with _generation_errors():
            request = await self._request(question, task, choices, self._config.best_effort)
            budget, cache = self._services.budget, self._services.program_cache
            *first, last = self._generators
            for generator in first:
                try:
                    return await written(generator, request, budget)
                except GenerationError:
                    continue  # the next one may understand
            billed = Abilities.of(last.generator).billed
            if billed and cache and (recalled := await cache.find(last.generator, request)):
                return recalled.program
            return await written_within(last, request, budget)

    async def prompt(self, question: str, task: Task, choices: tuple[str, ...]) -> Prompt:
        """Return the conversation that the generator would send, without sending it.

        Raises:
            ConfigError: The generator uses no language model.
            InputError: The question is empty or too long.
            GenerationError: The prompt does not fit the model.
        """
        writer = self._generators[-1].generator
        if not isinstance(writer, Prompting):
            raise ConfigError(
                f"The generator {writer.name!r} uses no language model, so there is no prompt. "
                "Choose one with --generator openai:MODEL or local:MODEL_OR_FOLDER."
            )
        request = await self._request(question, task, choices, self._config.best_effort)
        with _generation_errors():
            return await writer.prompt(request)

    async def check(self, source: str) -> CheckReport:
        """Let a sandbox child check a program without running it."""
        try:
            return await self._services.jail.check(source, self._services.wire_api)
        except Exception as error:
            return CheckReport(str(source), (Finding("sandbox", 1, _unexpected(error).message),))

    async def level(self) -> LevelReport:
        """Probe which attacks the sandbox stops on this machine."""
        return await self._services.jail.level()

    async def capabilities(self) -> Capabilities:
        """Return the roles served and the detector's vocabulary; loads the detector."""
        own = frozenset(self._services.api.roles)
        if not self._config.backends.keys() - own:
            # No backend is configured: programs are drafts for the whole API.
            return Capabilities(Capabilities.everything().roles | own)
        served = await self._pool.capabilities()
        matcher = self._config.backends.get("matcher")
        judged = None if matcher is None or matcher.judges is None else frozenset(matcher.judges)
        return Capabilities(frozenset(self._config.backends), served.vocabulary, judged)

    async def close(self) -> None:
        """Close the generators' connections and the jail."""
        for opened in self._generators:
            await opened.generator.aclose()
        await self._services.jail.close()

    async def _request(
        self, question: str, task: Task, choices: tuple[str, ...], best_effort: bool
    ) -> GenerationRequest:
        checked = checked_question(question)
        check_choices(choices)
        capabilities = await self.capabilities()
        return GenerationRequest(
            checked, task, choices, capabilities, self._services.api.spec, best_effort
        )

    async def _check_domain(self, image: ImageRef) -> None:
        """Refuse an image outside the world of the built-in models where there are no other models.

        Before anything is written: whether the question can be put to them or not, what helps are other
        models. Where there are others too, a call of a built-in one says it.

        Raises:
            ModelError: It is such an image; the message says which models can see it.
        """
        seeing = [role for role in self._config.backends if role != "language"]
        if {self._config.backends[role].name for role in seeing} != {BUILTIN}:
            return
        role = "detector" if "detector" in seeing else seeing[0]
        backend = await self._pool.backend(role)
        try:
            # In another thread: the network looks at the image for it, once for all roles and calls.
            doubt = await asyncio.to_thread(backend.doubt, image)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            _log.exception("The %s failed.", role)
            raise ModelError(f"The {role} failed: {summarize_error(error)}") from error
        if doubt is not None:
            raise ModelError(refusal([Doubt(FAMILIAR_IMAGES, doubt)]))

    def _failed(self, query: Query, failure: Failure) -> Answer:
        """Return a failed answer, whose trace contains no program."""
        if query.best_effort is None:
            query = replace(query, best_effort=self._config.best_effort)
        try:
            name = Path(query.image).name  # type: ignore[arg-type]  # checked by trying
        except Exception:  # not a path
            name = "image"
        nothing = ImageRef("", (0, 0), name)
        trace_builder = TraceBuilder(query, nothing, self._config, AnswerMetrics())
        trace_builder.fail(failure)
        return trace_builder.answer()


@contextlib.contextmanager
def _generation_errors() -> Iterator[None]:
    """Turn an unexpected error into a `GenerationError`."""
    try:
        yield
    except ViperError:
        raise
    except Exception as error:
        raise GenerationError(_unexpected(error).message) from error


async def _opened(query: Query) -> ImageRef:
    """Open the image of a query.

    Raises:
        InputError: The image cannot be read, whatever that raised.
    """
    try:
        return await asyncio.to_thread(opened_image, query.image)
    except ViperError:
        raise
    except Exception as error:
        _log.exception("An image failed when it was read.")
        raise InputError(f"The image cannot be read: {summarize_error(error)}") from error


def _unexpected(error: Exception) -> Failure:
    """Log an unexpected error, and return it as a failure."""
    _log.error("Answering failed.", exc_info=error)
    message = f"Viper hit an unexpected error: {summarize_error(error)}. The log has the traceback."
    return Failure("config", message)
