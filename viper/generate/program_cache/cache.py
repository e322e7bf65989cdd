"""Which programs of language models are cached, found again and removed.

A program is cached after it has answered a question without a failure. It is found for a question with
the same skeleton under the same conditions: program API, generator, prompt, task, best effort, capabilities,
and the answers that the caller allows. It is removed when it fails for a later question.

A problem with the file is logged once; after that the cache is off, and questions are answered without it.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from viper.generate.generator import GenerationRequest, Generator
from viper.generate.program_cache.store import Store, StoreError
from viper.generate.program_cache.template import Filled, Template, choice_positions, frame
from viper.models.capabilities import Capabilities
from viper.programs.api_spec import ApiSpec
from viper.programs.program import CheckReport, Program

__all__ = ["ProgramCache"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


class CachedProgram(NamedTuple):
    """A cached program, with the words of the new question in it."""

    program: Program
    entry_id: int


class ProgramCache:
    """Programs in a file.

    Args:
        path: The file; created when the first program is added.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._broken = False

    async def find(self, generator: Generator, request: GenerationRequest) -> CachedProgram | None:
        """Return the cached program for a question, or None."""
        return await self._in_thread(self._find, generator, request)

    async def add(
        self, generator: Generator, request: GenerationRequest, report: CheckReport
    ) -> None:
        """Cache a program that has answered a question.

        Args:
            generator: The generator that wrote the program.
            request: The request that the program was written for.
            report: The report of the sandbox on the program.
        """
        await self._in_thread(self._add, generator, request, report)

    async def record_use(self, cached: CachedProgram) -> None:
        """Count one more answer given by a cached program."""
        await self._in_thread(self._store.record_use, cached.entry_id)

    async def remove(self, cached: CachedProgram) -> None:
        """Remove a cached program that has failed."""
        await self._in_thread(self._store.delete, cached.entry_id)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T | None:
        """Run a function that uses the file in a thread; return None when it fails."""
        if self._broken:
            return None
        try:
            return await asyncio.to_thread(work, *arguments)
        except StoreError as error:
            if error.busy:
                _log.debug("%s It is skipped this time.", error)
            elif not self._broken:
                self._broken = True
                _log.warning("%s Programs are not cached.", error)
        except Exception:  # the answer matters more than the cache
            _log.exception("The program cache failed; this question is answered without it.")
        return None

    def _find(self, generator: Generator, request: GenerationRequest) -> CachedProgram | None:
        for entry in self._store.find(_context(generator, request), frame(request.question)):
            try:
                filled = Template.from_json(entry.template).fill(request.question)
            except (ValueError, IndexError):
                self._store.delete(entry.id)  # not written by this version of Viper
                continue
            if filled is not None and _served(filled, request.capabilities):
                program = Program(filled.source, generator.name, from_cache=True)
                return CachedProgram(program, entry.id)
        return None

    def _add(self, generator: Generator, request: GenerationRequest, report: CheckReport) -> None:
        template = Template.of(request.question, report.source, report.literals, request.choices)
        if template is not None:
            self._store.put(
                _context(generator, request),
                frame(request.question),
                template.skeleton,
                generator.name,
                template.to_json(),
            )


def _context(generator: Generator, request: GenerationRequest) -> str:
    """Return a hash of everything except the words of the question that affects the program."""
    from viper.generate.prompt import prompt_version  # parses all examples

    capabilities = request.capabilities
    conditions = [
        _spec_hash(request.spec),
        prompt_version(),
        getattr(generator, "fingerprint", generator.name),
        request.task,
        request.best_effort,
        sorted(capabilities.roles),
        capabilities.vocabulary,
        choice_positions(request.question, request.choices),
    ]
    return hashlib.sha256(json.dumps(conditions).encode()).hexdigest()


@functools.lru_cache(maxsize=8)
def _spec_hash(spec: ApiSpec) -> str:
    return hashlib.sha256(repr(spec).encode()).hexdigest()


def _served(filled: Filled, capabilities: Capabilities) -> bool:
    """Return whether a closed vocabulary has the new words wherever it has the old ones."""
    return all(
        not capabilities.detects(old) or capabilities.detects(new) for old, new in filled.literals
    )
