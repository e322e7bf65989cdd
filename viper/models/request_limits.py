"""What one request to a model may hold: the length of its texts, by the role that reads them.

Texts come from strangers: programs, users, rows of a benchmark. A model's time and memory grow with a text,
often faster than its length, and other requests wait meanwhile. So every text is measured before it is
queued. A text that is too long is refused, never cut: a cut question is another question.

The number of values in an argument is limited in the sandbox (`viper_sandbox.limits`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from viper.models.roles import Role

__all__ = [
    "MOST_CHOICES",
    "PHRASE_CHARACTERS",
    "PROMPT_CHARACTERS",
    "QUESTION_CHARACTERS",
    "check_texts",
    "prompt_characters",
    "text_characters",
]

PHRASE_CHARACTERS = 200
"""Names of objects, attributes, options, categories, choices: matchers read about 70 tokens, and
the longest expressions of the benchmarks have fewer than 200 characters."""

QUESTION_CHARACTERS = 4_000
"""Questions: twenty times the longest of the benchmarks, and short enough for any model."""

PROMPT_CHARACTERS = 32_000
"""Prompts of a language model whose context is not known: some 8,000 tokens, which most models read."""

LONGEST_PROMPT_CHARACTERS = 400_000
"""Prompts of any language model, some 100,000 tokens."""

MOST_CHOICES = 1_000
"""Answers to choose from."""

_CHARACTERS_PER_TOKEN = 3
"""Fewer than English has, so that a prompt that is accepted fits."""

_BY_ROLE: Mapping[Role, int] = {
    "detector": PHRASE_CHARACTERS,
    "matcher": PHRASE_CHARACTERS,
    "depth": PHRASE_CHARACTERS,
    "answerer": QUESTION_CHARACTERS,
    "language": LONGEST_PROMPT_CHARACTERS,
}


def text_characters(role: Role | None) -> int:
    """Return the length of the longest text that a method of a role accepts, in characters.

    A role that a module adds gets questions: what it reads is not known.
    """
    return _BY_ROLE.get(role or "", QUESTION_CHARACTERS)


def prompt_characters(context_tokens: int | None, reply_tokens: int) -> int:
    """Return the length of the longest prompt that fits into a language model, in characters.

    Args:
        context_tokens: Context length of the model, prompt and reply together; None if it is not known.
        reply_tokens: Length of the reply.
    """
    if context_tokens is None:
        return PROMPT_CHARACTERS
    return min(
        LONGEST_PROMPT_CHARACTERS, max(0, context_tokens - reply_tokens) * _CHARACTERS_PER_TOKEN
    )


def check_texts(what: str, value: Any, most: int) -> None:  # Any: an argument of any type
    """Check the length of each text in an argument, keys of dicts included.

    Args:
        what: The argument, for the message.
        value: The argument.
        most: Most characters of one text.

    Raises:
        ValueError: A text is longer.
    """
    parts: Iterable[Any] = ()
    match value:
        case str():
            if len(value) > most:
                raise ValueError(
                    f"{what} must have at most {most:,} characters, but got a text of {len(value):,}."
                )
        case list() | tuple() | set():
            parts = value
        case dict():
            parts = (*value, *value.values())
        case _:
            pass
    for part in parts:
        check_texts(what, part, most)
