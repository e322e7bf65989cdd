"""Generate programs with a language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence

from viper.errors import GenerationError, ModelError
from viper.generate.generator import GenerationRequest, LanguageModelAbilities
from viper.generate.prompt import Prompt, PromptStyle, build_messages
from viper.generate.reference import parse_reference
from viper.llm.client import ChatModel, ChatSettings, Sampling
from viper.llm.prices import Prices
from viper.models.options import Options
from viper.programs.program import Program

__all__ = ["OpenAIGenerator"]

_MAX_TOKENS = 4096
"""A program takes a few hundred; models that think before they write take thousands."""


class OpenAIGenerator(LanguageModelAbilities):
    """A generator that prompts a language model with the API and worked examples.

    The reply becomes the source of the program as it is, including prose and fences: the host does not
    parse it.

    Args:
        settings: The model, its address and its options.
        style: Length of the prompt.
    """

    def __init__(self, settings: ChatSettings, style: PromptStyle | None = None) -> None:
        self._model = ChatModel(settings)
        self._style = style or PromptStyle()

    @classmethod
    def parse(cls, reference: str, *, needs_key: bool = True) -> OpenAIGenerator:
        """Return the generator for `MODEL?option=value&…`.

        See `ChatSettings.parse` and `PromptStyle.read` for the options.

        Args:
            reference: The model and its options.
            needs_key: Whether programs will be asked for, for which some services need a key.

        Raises:
            ConfigError: The model or an option is invalid, or a key is needed and not set.
        """
        model, options = parse_reference(reference)
        with Options(options, f"openai:{model}") as read:
            return cls(ChatSettings.read(model, read, needs_key=needs_key), PromptStyle.read(read))

    @property
    def name(self) -> str:
        """`openai:` and the name of the model."""
        return f"openai:{self._model.settings.model}"

    @property
    def fingerprint(self) -> str:
        """Model, address and settings; equal when the same question should get the same program."""
        return f"{self._model.settings.fingerprint} {self._style}"

    @property
    def prices(self) -> Prices | None:
        """Prices of the tokens; None if the user gave none."""
        return self._model.settings.prices

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        """Return one program per request, in order; the requests are sent concurrently.

        Raises:
            GenerationError: A call failed or returned no text.
        """
        conversations = [build_messages(request, self._style) for request in requests]
        try:
            completions = await self._model.chat(
                conversations,
                [_MAX_TOKENS] * len(requests),
                [Sampling(request.temperature, request.seed) for request in requests],
            )
        except ModelError as error:
            failure = GenerationError(str(error))
            failure.usage = error.usage
            raise failure from error
        return [
            Program(one.text, self.name, usage=one.usage, prompt=str(Prompt.estimated(messages)))
            for messages, one in zip(conversations, completions, strict=True)
        ]

    async def prompt(self, request: GenerationRequest) -> Prompt:
        """Return the conversation for a request; its number of tokens is an estimate."""
        return Prompt.estimated(build_messages(request, self._style))

    async def aclose(self) -> None:
        """Close the connections; must be awaited on the event loop that `generate` ran on."""
        await self._model.aclose()
