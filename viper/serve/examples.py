"""Questions that the models of this server can answer, for whoever sees its page for the first time.

A question is offered only where the grammar can write a program for it that the models can run in full, with
no condition left untested. The picture belongs to the wheel and shows drawn solids: detectors of photographs
do not know these, so then there is no picture.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from viper.errors import ConfigError, GenerationError, ViperError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar import GrammarGenerator
from viper.models.capabilities import Capabilities
from viper.serve.api_error import ApiError
from viper.serve.redaction import WITHHELD

if TYPE_CHECKING:
    from viper.engine.engine import Engine

__all__ = ["IMAGE_FILE", "Examples", "example_questions"]

_LOG = logging.getLogger(__name__)

IMAGE_FILE = "example.png"
"""Name of the picture among the files of the page."""

# Each with what the detector must know: the grammar leaves that to the detector, which refuses at the call.
_CUBES = ("How many cubes are there?", "cube")
_ABOUT_IMAGE = (("How many metal things are left of the purple cube?", "cube"), _CUBES)
_ABOUT_ANY = (("How many people are there?", "person"), _CUBES)
_CLASSES = 20
"""So many classes of a detector are tried: one of them has a name that the grammar can read."""


class Examples:
    """The questions for one engine; asking loads its detector, once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._task: asyncio.Task[dict[str, Any]] | None = None

    async def to_json(self) -> dict[str, Any]:
        """Return the body of `/v1/examples`.

        Raises:
            ApiError: The detector cannot be loaded.
        """
        if self._task is None or self._task.cancelled():
            self._task = asyncio.ensure_future(self._find())
        try:
            return await asyncio.shield(self._task)
        except ViperError as error:
            self._task = None  # the next one tries again
            _LOG.error("The detector cannot be loaded for examples: %s", error)
            raise ApiError(503, "config", WITHHELD["config"]) from None

    async def _find(self) -> dict[str, Any]:
        if not self._engine.config.backends:
            return {"question": None, "picture": None}
        capabilities = await self._engine.acapabilities()
        detector = self._engine.config.backends.get("detector")
        # It takes any phrase, of few words.
        knows = _is_word_of_builtin if detector and detector.name == "builtin" else _is_word
        return await asyncio.to_thread(example_questions, capabilities, knows)


def _is_word(category: str) -> bool:
    return bool(category)


def _is_word_of_builtin(category: str) -> bool:
    from viper.builtin.words import refusal

    return refusal(category) is None


def example_questions(
    capabilities: Capabilities, knows: Callable[[str], bool] = _is_word
) -> dict[str, Any]:
    """Return a question about any picture and one about the picture of the page.

    Args:
        capabilities: What the models can do.
        knows: Whether a detector that takes any phrase knows what a word means.

    Returns:
        The JSON object of `/v1/examples`; null where they can answer none.
    """
    about_image = _first_answerable(_ABOUT_IMAGE, capabilities, knows)
    classes = (capabilities.vocabulary or ())[:_CLASSES]
    any_class = ((f"Is there {_article(name)} {name}?", name) for name in classes)
    return {
        "question": _first_answerable((*_ABOUT_ANY, *any_class), capabilities, knows),
        "picture": None if about_image is None else {"file": IMAGE_FILE, "question": about_image},
    }


def _first_answerable(
    questions: Iterable[tuple[str, str]],
    capabilities: Capabilities,
    knows: Callable[[str], bool],
) -> str | None:
    """Return the first question that can be answered; each comes with what must be detected for it."""
    for question, category in questions:
        can_detect = capabilities.match(category) is not None and knows(category)
        if can_detect and _is_answerable(question, capabilities):
            return question
    return None


def _is_answerable(question: str, capabilities: Capabilities) -> bool:
    try:
        program = GrammarGenerator().write(GenerationRequest(question, capabilities=capabilities))
    except (GenerationError, ConfigError):
        return False
    return not program.doubts and not program.unparsed


def _article(name: str) -> str:
    return "an" if name[:1].lower() in "aeiou" else "a"
