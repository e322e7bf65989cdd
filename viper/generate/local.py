"""Programs written by a language model of transformers, on this machine.

    local:FOLDER_OR_MODEL_ID[?device=…&dtype=…&max_tokens=…&temperature=…&examples=…]

One thread owns the model and loads it when the first program is asked for. What is asked while it
writes waits, and is written together as the next batch. A request that is cancelled stops costing at
its next token. Neither torch nor transformers is imported before the model is needed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from viper.generate.generator import GenerationRequest
from viper.generate.local_settings import LocalSettings
from viper.generate.local_thread import ModelThread, Sample, Writer
from viper.generate.prompt import Prompt
from viper.programs.program import Program

__all__ = ["LocalGenerator", "LocalSettings"]


class LocalGenerator:
    """Lets a causal language model write, with the API and worked examples in the prompt.

    What the model writes becomes the program's source up to the end of the function, prose and
    fences included: nothing on this side parses it.

    Args:
        settings: Which model writes, and how it is asked.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self._thread = ModelThread(self.name, self._load)

    @classmethod
    def parse(cls, reference: str) -> LocalGenerator:
        """Make the generator that `FOLDER_OR_MODEL_ID?option=value&…` names; loads nothing.

        Raises:
            ConfigError: The model has no name, or an option is unusable.
        """
        return cls(LocalSettings.parse(reference))

    @property
    def name(self) -> str:
        """`local:` and the model as the user wrote it."""
        return f"local:{self.settings.reference}"

    @property
    def fingerprint(self) -> str:
        """Equal where the same question should get the same program: model and settings."""
        return repr(self.settings)

    @property
    def billed(self) -> bool:
        """True: its tokens are counted."""
        return True

    @property
    def deterministic(self) -> bool:
        """False: at another temperature, or with another seed, it writes other programs."""
        return False

    @property
    def repairs(self) -> bool:
        """True: a rejected program and its failure go into the next prompt."""
        return True

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        """Return one program per request, in order.

        The first call waits for the model to load. Equal requests without a seed of their own are
        drawn with seeds 0, 1, 2, …; without a temperature their programs are equal.

        Raises:
            ConfigError: The model cannot be loaded.
            GenerationError: The prompt does not fit the model, the memory is too small, or the
                model wrote nothing.
        """
        futures = self._thread.submit(self._samples(requests))
        try:
            written = await asyncio.gather(*map(asyncio.wrap_future, futures))
        finally:
            for future in futures:
                future.cancel()  # no effect on those that are done
        return [Program(one.text, self.name, usage=one.usage) for one in written]

    async def prompt(self, request: GenerationRequest) -> Prompt:
        """Return what the model would read, counted by its own tokenizer; loads no weights.

        Raises:
            ConfigError: The tokenizer cannot be loaded.
            GenerationError: The prompt does not fit the model.
        """
        return await asyncio.to_thread(self._prompt, request)

    @property
    def is_running(self) -> bool:
        """True while the thread of the model lives."""
        return self._thread.is_alive

    async def aclose(self) -> None:
        """Stop the thread after its current token and free the model.

        One that is loading, or reading a long prompt, cannot be stopped: its thread ends by itself.
        """
        await asyncio.to_thread(self._thread.close)

    def _samples(self, requests: Sequence[GenerationRequest]) -> list[Sample]:
        seen: Counter[GenerationRequest] = Counter()
        samples = []
        for request in requests:
            own = self.settings.temperature
            temperature = own if request.temperature is None else request.temperature
            seed = seen[request] if request.seed is None else request.seed
            seen[request] += 1
            samples.append(Sample(request, temperature, seed))
        return samples

    def _load(self) -> Writer:
        from viper.models.registry import IMPORTING

        with IMPORTING:
            from viper.generate.local_model import LocalModel

        return LocalModel.load(self.settings)

    def _prompt(self, request: GenerationRequest) -> Prompt:
        from viper.generate.local_prompt import LocalPrompts

        return LocalPrompts.load(self.settings).fit(request).shown()
