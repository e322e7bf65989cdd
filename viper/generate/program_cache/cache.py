"""What is remembered of language models' programs, what is recalled, and when not.

A program is remembered after it has answered a question without failure, and recalled for a question
with the same skeleton under the same conditions: contract, generator, prompt, task, what is served, and
what the caller allows as answers. One that fails when it is used again is forgotten.

Trouble with the file is told once, in the log; then the memo keeps quiet and nothing fails for it.
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
from viper.generate.program_cache.template import Filled, Template, choice_places, frame
from viper.generate.prompt import prompt_version
from viper.models.capabilities import Capabilities
from viper.programs.api_spec import ApiSpec
from viper.programs.program import CheckReport, Program

__all__ = ["ProgramCache", "Recalled"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Recalled(NamedTuple):
    """A program that was remembered, with the words of the question in it."""

    program: Program
    entry_id: int


class ProgramCache:
    """Remembers programs in a file.

    Args:
        path: The file; made when something is remembered first.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._broken = False

    async def recall(self, generator: Generator, request: GenerationRequest) -> Recalled | None:
        """Return the program for a question that is remembered, None where the model must be asked."""
        return await self._try(lambda: self._recall(generator, request), None)

    async def learn(
        self, generator: Generator, request: GenerationRequest, report: CheckReport
    ) -> None:
        """Remember a program that has answered a question.

        Args:
            generator: What wrote it.
            request: What it was asked for.
            report: What the sandbox says about it.
        """
        await self._try(lambda: self._learn(generator, request, report), None)

    async def used(self, recalled: Recalled) -> None:
        """Count that a recalled program has answered its question."""
        await self._try(lambda: self._store.used(recalled.entry_id), None)

    async def forget(self, recalled: Recalled) -> None:
        """Forget a program that has failed when it was used again."""
        await self._try(lambda: self._store.delete(recalled.entry_id), None)

    async def _try(self, work: Callable[[], T], otherwise: T) -> T:
        """Do something with the file in a thread; trouble with it is told once."""
        if self._broken:
            return otherwise
        try:
            return await asyncio.to_thread(work)
        except StoreError as error:
            if error.busy:
                _log.debug("%s It is left out this once.", error)
            elif not self._broken:
                self._broken = True
                _log.warning("%s Programs are not remembered.", error)
            return otherwise
        except Exception:  # what it is for is worth less than the answer
            _log.exception("The memo failed; this question is answered without it.")
            return otherwise

    def _recall(self, generator: Generator, request: GenerationRequest) -> Recalled | None:
        for entry in self._store.find(_context(generator, request), frame(request.question)):
            try:
                filled = Template.from_json(json.loads(entry.template)).fit(request.question)
            except (ValueError, KeyError, TypeError):
                self._store.delete(entry.id)  # somebody else wrote it
                continue
            if filled is not None and _served(filled, request.capabilities):
                program = Program(filled.source, generator.name, from_cache=True)
                return Recalled(program, entry.id)
        return None

    def _learn(self, generator: Generator, request: GenerationRequest, report: CheckReport) -> None:
        template = Template.of(request.question, report.source, report.literals, request.choices)
        if template is None:
            return
        self._store.put(
            _context(generator, request),
            frame(request.question),
            template.skeleton,
            generator.name,
            json.dumps(template.to_json()),
        )


def _context(generator: Generator, request: GenerationRequest) -> str:
    """Return a hash of all but the words that decides what program would be written."""
    capabilities = request.capabilities
    conditions = [
        _spec_hash(request.spec),
        prompt_version(),
        getattr(generator, "fingerprint", generator.name),
        request.task,
        sorted(capabilities.roles),
        capabilities.vocabulary,
        choice_places(request.question, request.choices),
    ]
    return hashlib.sha256(json.dumps(conditions).encode()).hexdigest()


@functools.lru_cache(maxsize=8)
def _spec_hash(spec: ApiSpec) -> str:
    return hashlib.sha256(repr(spec).encode()).hexdigest()


def _served(filled: Filled, capabilities: Capabilities) -> bool:
    """Tell whether a detector of a closed vocabulary knows the new words where it knew the old."""
    if capabilities.vocabulary is None:
        return True
    return all(
        capabilities.match(old) is None or capabilities.match(new) is not None
        for old, new in filled.literals
    )
