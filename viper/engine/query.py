"""A question about an image, and the checks of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, get_args

from viper.errors import InputError
from viper.images import decoding as media
from viper.images.image import ImageRef
from viper.methods.recorded_calls import RecordedCalls
from viper.models.request_limits import MOST_CHOICES, PHRASE_CHARACTERS, QUESTION_CHARACTERS
from viper.programs.program import Task

__all__ = ["ImageSource", "Query", "check_choices", "checked_question", "opened_image"]

ImageSource: TypeAlias = "media.ImageSource | ImageRef"
"""A path, bytes, a PIL image, an array of shape (H, W, 3) uint8 RGB, or an image already opened."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question about an image.

    Raises:
        InputError: The task is unknown, or `best_effort` is something else.
    """

    image: ImageSource
    question: str
    """A question, a statement to judge as true or false, or (grounding) a referring expression."""
    task: Task = "vqa"
    choices: tuple[str, ...] = ()
    """Answers to choose from; empty if any answer is allowed."""
    program: str | None = None
    """Source to run instead of generating one."""
    best_effort: bool | None = None
    """Whether to answer even where a condition cannot be tested, or what the question takes for granted was
    not found; such an answer carries doubts. None: as the option of the engine says."""
    recorded: RecordedCalls | None = field(default=None, repr=False, compare=False)
    """Recorded calls, which are answered without the models (see `viper.replay`)."""

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise InputError(f"task must be 'vqa' or 'grounding', but got {self.task!r:.80}.")
        if not isinstance(self.best_effort, bool | None):
            raise InputError(
                f"best_effort must be True, False or None, but got {self.best_effort!r:.80}."
            )

    def check_lengths(self) -> None:
        """Check the lengths of its texts: before an image is decoded, a model loaded or a trace begun.

        Raises:
            InputError: One is too long, or there are too many answers to choose from.
        """
        _check_length(" ".join(self.question.split()))
        check_choices(self.choices)

    def shortened(self) -> Query:
        """Return it with texts that a trace may hold, although they are too long for an answer."""
        return replace(self, question=str(self.question)[:QUESTION_CHARACTERS], choices=())


def checked_question(question: str) -> str:
    """Return a question without surplus whitespace.

    Raises:
        InputError: It is empty or too long.
    """
    cleaned = " ".join(question.split())
    _check_length(cleaned)
    if not cleaned:
        raise InputError('The question is empty. Ask something, such as "How many dogs are there?"')
    return cleaned


def check_choices(choices: Sequence[str]) -> None:
    """Check the answers to choose from.

    Raises:
        InputError: There are too many, or one is too long.
    """
    if len(choices) > MOST_CHOICES:
        raise InputError(
            f"There are {len(choices):,} answers to choose from; at most {MOST_CHOICES:,} are accepted."
        )
    longest = max(map(len, choices), default=0)
    if longest > PHRASE_CHARACTERS:
        raise InputError(
            f"An answer to choose from has {longest:,} characters; at most {PHRASE_CHARACTERS} are "
            "accepted."
        )


def _check_length(question: str) -> None:
    if len(question) > QUESTION_CHARACTERS:
        raise InputError(
            f"The question has {len(question):,} characters; at most {QUESTION_CHARACTERS:,} are "
            "accepted. Ask one question at a time."
        )


def opened_image(source: ImageSource) -> ImageRef:
    """Decode an image unless it is decoded already.

    Raises:
        InputError: It cannot be read.
    """
    return source if isinstance(source, ImageRef) else media.open_image(source)
