"""The text between soft prompts and an answer, in training and in use."""

from __future__ import annotations

__all__ = ["prefix_of"]

_PREFIX = "question: {} answer:"


def prefix_of(question: str | None) -> str:
    """Return the text between the soft prompts and the target; empty for a caption."""
    return "" if question is None else _PREFIX.replace("{}", question)
