"""A question about an image, and the checks of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, get_args

from viper.errors import InputError
from viper.images import decoding as media
from viper.images.image import ImageRef
from viper.methods.recorded_calls import RecordedCalls
from viper.programs.program import Task

__all__ = ["ImageSource", "Query", "checked_question", "opened_image"]

ImageSource: TypeAlias = "media.ImageSource | ImageRef"
"""A path, bytes, a PIL image, an array of shape (H, W, 3) uint8 RGB, or an image already opened."""

# Twenty times the longest question of the benchmarks, and short enough for any model.
_MAX_QUESTION_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Query:
    """A question about an image.

    Raises:
        InputError: The task is unknown.
    """

    image: ImageSource
    question: str
    """A question, a statement to judge as true or false, or (grounding) a referring expression."""
    task: Task = "vqa"
    choices: tuple[str, ...] = ()
    """Answers to choose from; empty if any answer is allowed."""
    program: str | None = None
    """Source to run instead of generating one."""
    recorded: RecordedCalls | None = field(default=None, repr=False, compare=False)
    """Recorded calls, which are answered without the models (see `viper.replay`)."""

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise InputError(f"task must be 'vqa' or 'grounding', but got {self.task!r}.")


def checked_question(question: str) -> str:
    """Return a question without surplus whitespace.

    Raises:
        InputError: It is empty or too long.
    """
    cleaned = " ".join(question.split())
    if not cleaned:
        raise InputError('The question is empty. Ask something, such as "How many dogs are there?"')
    if len(cleaned) > _MAX_QUESTION_CHARACTERS:
        raise InputError(
            f"The question has {len(cleaned):,} characters; at most {_MAX_QUESTION_CHARACTERS:,} are "
            "accepted. Ask one question at a time."
        )
    return cleaned


def opened_image(source: ImageSource) -> ImageRef:
    """Decode an image unless it is decoded already.

    Raises:
        InputError: It cannot be read.
    """
    return source if isinstance(source, ImageRef) else media.open_image(source)
