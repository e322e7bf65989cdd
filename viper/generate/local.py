"""Generate programs with a language model from transformers in this process.

    local:FOLDER_OR_MODEL_ID[?device=…&dtype=…&max_tokens=…&temperature=…&examples=…]

One thread owns the model and loads it at the first request. Requests that arrive while it writes form the
next batch. A cancelled request stops at its next token. Neither torch nor transformers is imported before
the model is needed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from viper.backends.model_source import locate
from viper.errors import ConfigError, require_packages
from viper.generate.generator import GenerationRequest, LanguageModelAbilities
from viper.generate.local_settings import LocalSettings
from viper.generate.local_thread import ModelThread, Sample, Writer
from viper.generate.prompt import Prompt
from viper.programs.program import Program

if TYPE_CHECKING:
    from viper.generate.local_prompt import LocalPrompts

__all__ = ["LocalGenerator", "LocalSettings"]


class LocalGenerator(LanguageModelAbilities):
    """A generator that prompts a causal language model with the API and worked examples.

    The output up to the end of the function becomes the source of the program, including prose and
    fences: the host does not parse it.

    Args:
        settings: The model, its device and its options.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self._thread = ModelThread(self.name, self._load)
        self._prompts: LocalPrompts | None = None  # loaded when a prompt is shown or measured
        self._version: str | None = None

    @classmethod
    def parse(cls, reference: str) -> LocalGenerator:
        """Return the generator for `FOLDER_OR_MODEL_ID?option=value&…`; loads nothing.

        Raises:
            ConfigError: The model is missing, an option is invalid, or torch is not installed.
        """
        require_packages("torch", "transformers", extra="torch", purpose="A local language model")
        return cls(LocalSettings.parse(reference))

    @property
    def name(self) -> str:
        """`local:` and the model as the user wrote it."""
        return f"local:{self.settings.reference}"

    @property
    def fingerprint(self) -> str:
        """Content of the model and settings; equal when the same question should get the same program.

        The files are hashed at the first call, which takes seconds once. A model that is not on disk shares
        no programs with one that is.
        """
        if self._version is None:
            settings = self.settings
            try:
                source = locate(settings.reference, what="generator", revision=settings.revision)
                self._version = source.version
            except ConfigError:
                return f"{settings!r} not on disk"
        return f"{self.settings!r} {self._version}"

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        """Return one program per request, in order.

        The first call waits for the model to load. Equal requests without a seed of their own are
        sampled with seeds 0, 1, 2, …; at temperature 0 their programs are equal.

        Raises:
            ConfigError: The model cannot be loaded.
            GenerationError: The prompt does not fit the context, memory is insufficient, or the model
                wrote nothing.
        """
        futures = self._thread.submit(self._samples(requests))
        try:
            outputs = await asyncio.gather(*map(asyncio.wrap_future, futures))
        finally:
            for future in futures:
                future.cancel()  # no effect on finished ones
        return [
            Program(output.text, self.name, usage=output.usage, prompt=output.prompt)
            for output in outputs
        ]

    async def prompt(self, request: GenerationRequest) -> Prompt:
        """Return the conversation for a request, counted by the model's tokenizer; loads no weights.

        Raises:
            ConfigError: The tokenizer cannot be loaded.
            GenerationError: The prompt does not fit the context.
        """
        return await asyncio.to_thread(self._prompt, request)

    @property
    def is_running(self) -> bool:
        """True while the thread of the model is alive."""
        return self._thread.is_alive

    @property
    def stuck_s(self) -> float:
        """How long the model has shown no progress if that is too long, in seconds; else 0."""
        return self._thread.stuck_s

    async def aclose(self) -> None:
        """Stop the thread after its current token and free the model.

        While the thread loads the model or reads a long prompt it cannot be stopped; it then ends later.
        """
        await asyncio.to_thread(self._thread.close)

    def _samples(self, requests: Sequence[GenerationRequest]) -> list[Sample]:
        repeats: Counter[GenerationRequest] = Counter()
        samples = []
        for request in requests:
            temperature, seed = request.temperature, request.seed
            samples.append(
                Sample(
                    request,
                    self.settings.temperature if temperature is None else temperature,
                    repeats[request] if seed is None else seed,
                )
            )
            repeats[request] += 1
        return samples

    def _load(self) -> Writer:
        from viper.models.registry import IMPORTING

        with IMPORTING:
            from viper.generate.local_model import LocalModel

        return LocalModel.load(self.settings)

    def _prompt(self, request: GenerationRequest) -> Prompt:
        from viper.generate.local_prompt import LocalPrompts

        if self._prompts is None:
            self._prompts = LocalPrompts.load(self.settings)
        return self._prompts.fit(request).to_prompt()
