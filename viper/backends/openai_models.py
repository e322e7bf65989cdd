"""Models behind an OpenAI-compatible endpoint: an answerer, and a language model that sees no image.

Each crop is sent inside its request as a `data:` URL, reduced to a bounded size. No file is uploaded, and
neither file names nor other pixels of the image leave the machine.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

from viper.backends.pil_images import bounded_image
from viper.errors import ModelError
from viper.images.image import Pixels
from viper.llm.client import ChatModel, ChatSettings, Message
from viper.models.options import Options
from viper.models.roles import (
    Answerer,
    AnswerRequest,
    Completion,
    CompletionRequest,
    LanguageModel,
)

__all__ = ["load_answerer", "load_language_model"]

_INSTRUCTION = (
    "You answer questions about an image. Answer with one to three words, in lower case, without "
    "explanation. Answer yes or no where the question asks for that, and numbers in digits."
)
_MAX_TOKENS = 64
"""An answer of three words takes fewer than ten; some models wrap it in a phrase."""

_SHORTEST_PX, _MOST_ELONGATED = 56, 16
_LOSSLESS_PIXELS = 256 * 256
_JPEG_QUALITY = 90


class OpenAILanguageModel(LanguageModel):
    """A language model of a service.

    Args:
        settings: Which model is asked, where, and how.
        context_tokens: Most tokens of prompt and reply together; None if that is not known.
    """

    def __init__(self, settings: ChatSettings, context_tokens: int | None = None) -> None:
        self._model = ChatModel(settings)
        self.context_tokens = context_tokens
        self.fingerprint = settings.fingerprint
        self.deterministic = settings.temperature == 0

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion | ModelError]:
        """Return one completion per request, which is sent unchanged, or the error of a failed call."""
        return self._model.chat_blocking(
            [(Message("user", request.prompt),) for request in requests],
            [request.max_tokens for request in requests],
        )


class OpenAIAnswerer(Answerer):
    """A vision model of a service.

    Args:
        settings: Which model is asked, where, and how.
        max_side_px: Larger crops are reduced to this.
    """

    def __init__(self, settings: ChatSettings, max_side_px: int) -> None:
        self._model = ChatModel(settings)
        self._max_side_px = max_side_px
        # A service may change the weights behind a name.
        self.fingerprint = f"{settings.fingerprint}&max_side={max_side_px}"
        self.deterministic = settings.temperature == 0

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion | ModelError]:
        """Return the model's own answer per request, or the error of a failed call."""
        conversations = [
            (
                Message("system", _INSTRUCTION),
                Message(
                    "user",
                    request.question,
                    images=(_data_url(request.view.pixels(), self._max_side_px),),
                ),
            )
            for request in requests
        ]
        return self._model.chat_blocking(conversations, [_MAX_TOKENS] * len(conversations))


def load_language_model(reference: str, options: Mapping[str, str]) -> LanguageModel:
    """Make a language model; no request is sent yet.

    Args:
        reference: Name of the model.
        options: Those of `ChatSettings.parse`, and `context_tokens`, the model's context length.

    Raises:
        ConfigError: An option is unusable, or the service needs a key and there is none.
    """
    with Options(options, f"the language model openai:{reference}") as read:
        settings = ChatSettings.read(reference, read)
        context_tokens = read.integer("context_tokens", 0, low=1) or None
    return OpenAILanguageModel(settings, context_tokens)


def load_answerer(reference: str, options: Mapping[str, str]) -> Answerer:
    """Make an answerer; no request is sent yet.

    Args:
        reference: Name of the model.
        options: Those of `ChatSettings.parse`, and `max_side` (pixels; larger crops are reduced).

    Raises:
        ConfigError: An option is unusable, or the service needs a key and there is none.
    """
    with Options(options, f"the answerer openai:{reference}") as read:
        settings = ChatSettings.read(reference, read)
        max_side_px = read.integer("max_side", 1024, low=_SHORTEST_PX)
    return OpenAIAnswerer(settings, max_side_px)


def _data_url(pixels: Pixels, max_side_px: int) -> str:
    made = bounded_image(
        pixels, shortest=_SHORTEST_PX, longest=max_side_px, elongation=_MOST_ELONGATED
    )
    buffer = io.BytesIO()
    if made.width * made.height <= _LOSSLESS_PIXELS:
        kind = "png"
        made.save(buffer, "PNG")
    else:
        kind = "jpeg"
        made.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
