"""Answers questions in words with a model behind an OpenAI-compatible endpoint; it sees no image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viper.errors import ModelError
from viper.llm.client import ChatModel, ChatSettings, Message
from viper.models.roles import Completion, CompletionRequest, LanguageModel

__all__ = ["OpenAILanguageModel", "load"]


class OpenAILanguageModel(LanguageModel):
    """A language model of a service.

    Args:
        settings: Which model is asked, where, and how.
    """

    def __init__(self, settings: ChatSettings) -> None:
        self._model = ChatModel(settings)
        self.fingerprint = settings.fingerprint
        self.deterministic = settings.temperature == 0

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion | ModelError]:
        """Return one completion per request, each sent as it is; a call that failed gives its error."""
        return self._model.chat_blocking(
            [(Message("user", request.prompt),) for request in requests],
            [request.max_tokens for request in requests],
        )


def load(reference: str, options: Mapping[str, str]) -> LanguageModel:
    """Make a language model; no request is sent yet.

    Args:
        reference: Name of the model.
        options: Those of `ChatSettings.parse`.

    Raises:
        ConfigError: An option is unusable, or the service needs a key and there is none.
    """
    return OpenAILanguageModel(ChatSettings.parse(reference, options))
