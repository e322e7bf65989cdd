"""Models behind an OpenAI-compatible endpoint: an answerer, and a language model that sees no image.

Each crop is sent inside its request as a `data:` URL, reduced to a bounded size. No file is uploaded, and
neither file names nor other pixels of the image leave the machine.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

from PIL.Image import Image

from viper.backends.pil_images import bounded_image
from viper.errors import ModelError
from viper.images.image import Pixels
from viper.llm.budget import estimated_image_tokens, estimated_tokens
from viper.llm.client import ChatModel, ChatSettings, Message
from viper.models.options import Options
from viper.models.roles import (
    Answerer,
    AnswerRequest,
    Completion,
    CompletionRequest,
    LanguageModel,
)
from viper.texts.secrets import hide_values

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
        return _masked(
            self._model.chat_blocking(
                [(Message("user", request.prompt),) for request in requests],
                [request.max_tokens for request in requests],
            )
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
        conversations = []
        for request in requests:
            image = _sent_image(request.view.pixels(), self._max_side_px)
            tokens = estimated_image_tokens(image.width, image.height)
            question = Message("user", request.question, (_data_url(image),), tokens)
            conversations.append((Message("system", _INSTRUCTION), question))
        return _masked(self._model.chat_blocking(conversations, [_MAX_TOKENS] * len(conversations)))

    def prompt_tokens(self, request: AnswerRequest) -> int:
        """Return about how many tokens the service reads for a request."""
        left, top, right, bottom = request.view.bounds
        width, height = right - left, bottom - top
        scale = min(1.0, self._max_side_px / max(width, height))
        image = estimated_image_tokens(round(width * scale), round(height * scale))
        return estimated_tokens(len(_INSTRUCTION) + len(request.question)) + image


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


def _sent_image(pixels: Pixels, max_side_px: int) -> Image:
    return bounded_image(
        pixels, shortest=_SHORTEST_PX, longest=max_side_px, elongation=_MOST_ELONGATED
    )


def _data_url(image: Image) -> str:
    buffer = io.BytesIO()
    if image.width * image.height <= _LOSSLESS_PIXELS:
        kind = "png"
        image.save(buffer, "PNG")
    else:
        kind = "jpeg"
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _masked(replies: list[Completion | ModelError]) -> list[Completion | ModelError]:
    """Return answers without the user's keys: a service may send them back, and answers are shown."""
    return [
        replace(reply, text=hide_values(reply.text)) if isinstance(reply, Completion) else reply
        for reply in replies
    ]
