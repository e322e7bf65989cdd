"""Operations that models perform, the cache keys of requests, and results.

A request's key contains everything that its result depends on: the operation, the model's identity,
the content of the image, the box, the words. Equal keys have equal results, so only one is computed.
A key is a digest, not the request itself: a request would keep its pixels in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from viper.images.image import ImageRef, View
from viper.images.values import iterate_values
from viper.llm.budget import estimated_tokens
from viper.models.roles import AnswerRequest, CompletionRequest, DetectRequest, Role
from viper.scheduling.method_request import MethodRequest

__all__ = ["ANSWER", "COMPLETE", "DETECT", "EMBED_IMAGES", "EMBED_TEXTS", "ESTIMATE", "MEASURE"]
__all__ += ["OPERATIONS", "Key", "Operation", "Served", "prompt_tokens", "request_key"]


class Operation(NamedTuple):
    """A batch method of a role, or a module's function that uses the role's model."""

    role: Role
    method: str
    """Name of the method; for a function, a text that identifies it."""
    function: Callable[[Any, Any], Sequence[Any]] | None = None  # see `module_functions.Batch`
    """Called with the model and the requests; None for a method of the model."""


DETECT = Operation("detector", "detect")
EMBED_IMAGES = Operation("matcher", "embed_images")
EMBED_TEXTS = Operation("matcher", "embed_texts")
ESTIMATE = Operation("depth", "estimate")
MEASURE = Operation("depth", "measure")
ANSWER = Operation("answerer", "answer")
COMPLETE = Operation("language", "complete")
OPERATIONS = (DETECT, EMBED_IMAGES, EMBED_TEXTS, ESTIMATE, MEASURE, ANSWER, COMPLETE)
"""Every batch method of the roles that Viper itself knows."""

Key = bytes
"""Digest of a request, 16 bytes."""


@dataclass(frozen=True, slots=True)
class Served:
    """A result and the forward that made it."""

    value: Any  # as the batch method returns it; `VisionClient` narrows the type
    forward_id: int = 0
    """0 for a cached result."""
    batch_size: int = 0
    model_ms: float = 0.0
    """Wall time of the whole forward, shared by its batch."""
    queue_ms: float = 0.0
    """Time that the request waited for its forward."""


def prompt_tokens(request: object) -> int:
    """Return the approximate number of tokens of a request's text, for the budget; images are not counted."""
    match request:
        case AnswerRequest():
            return estimated_tokens(len(request.question))
        case CompletionRequest():
            return estimated_tokens(len(request.prompt))
        case MethodRequest():
            parts = iterate_values(list(request.given.values()), keys=True)
            return estimated_tokens(sum(len(part) for part in parts if isinstance(part, str)))
        case _:
            return 0


def request_key(
    operation: Operation, model: str, request: Hashable, *, by_name: bool = False
) -> Key:
    """Return the key of a request.

    Args:
        operation: The operation requested.
        model: Its identity (see `viper.models.registry.identity`).
        request: A view, an image, a text, or one of the requests of `roles`.
        by_name: Whether the model identifies images by their names as well: two images of equal pixels
            may then belong to different scenes.
    """
    parts = (operation.role, operation.method, model, *_parts(request, by_name))
    # `repr` of a tuple of texts and numbers is exact, and quotes what it separates.
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _parts(request: Hashable, by_name: bool) -> tuple[object, ...]:
    match request:
        case str():
            return ("text", request)
        case ImageRef():
            return (request.content_hash, request.size, request.source_name if by_name else "")
        case View():
            return (*_parts(request.image, by_name), request.box_xyxy)
        case DetectRequest():
            return (*_parts(request.view, by_name), request.phrases)
        case AnswerRequest():
            return (*_parts(request.view, by_name), request.question)
        case CompletionRequest():
            return ("prompt", request.prompt, request.max_tokens)
        case MethodRequest():
            return request.parts(by_name)
        case _:
            raise TypeError(f"A request of the type {type(request).__name__} has no key.")
