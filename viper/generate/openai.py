"""Programs written by a language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from viper.errors import GenerationError, ModelError
from viper.generate.generator import GenerationRequest
from viper.generate.prompt import Prompt, PromptStyle, build_messages
from viper.llm.client import ChatModel, ChatSettings, Sampling
from viper.llm.prices import Prices
from viper.models.options import Options
from viper.programs.program import Program

__all__ = ["OpenAIGenerator"]

_MAX_TOKENS = 4096
"""A program takes a few hundred; models that think before they write take thousands."""


class OpenAIGenerator:
    """Asks a language model, with the API and worked examples in the prompt.

    What the model writes becomes the program's source as it is, prose and fences included: nothing
    on this side parses it.

    Args:
        settings: Which model is asked, where, and how.
        style: How much the prompt shows.
    """

    def __init__(self, settings: ChatSettings, style: PromptStyle | None = None) -> None:
        self._model = ChatModel(settings)
        self._style = style or PromptStyle()

    @classmethod
    def parse(cls, reference: str) -> OpenAIGenerator:
        """Make the generator that `MODEL?option=value&…` names.

        See `ChatSettings.parse` and `PromptStyle.read` for the options.

        Raises:
            ConfigError: The model or an option is unusable, or a key is needed and there is none.
        """
        model, _, query = reference.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        model = model.strip()
        with Options(options, f"openai:{model}") as read:
            return cls(ChatSettings.read(model, read), PromptStyle.read(read))

    @property
    def name(self) -> str:
        """`openai:` and the name of the model."""
        return f"openai:{self._model.settings.model}"

    @property
    def fingerprint(self) -> str:
        """Equal where the same question should get the same program: model, address, settings."""
        return f"{self._model.settings.fingerprint} {self._style}"

    @property
    def prices(self) -> Prices | None:
        """What its tokens cost; None where the user did not say."""
        return self._model.settings.prices

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
        """Return one program per request, in order; the model is asked for all of them at once.

        Raises:
            GenerationError: A call failed, or brought no text.
        """
        conversations = [build_messages(request, self._style) for request in requests]
        limits = [_MAX_TOKENS] * len(conversations)
        samplings = [Sampling(request.temperature, request.seed) for request in requests]
        try:
            completions = await self._model.chat(conversations, limits, samplings)
        except ModelError as error:
            failure = GenerationError(str(error))
            failure.usage = error.usage
            raise failure from error
        return [
            Program(completion.text, self.name, usage=completion.usage)
            for completion in completions
        ]

    async def prompt(self, request: GenerationRequest) -> Prompt:
        """Return what the model would read; its tokens are an estimate."""
        return Prompt.estimated(build_messages(request, self._style))

    async def aclose(self) -> None:
        """Close the connections; to be awaited on the loop that `generate` ran on."""
        await self._model.aclose()
