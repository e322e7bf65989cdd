"""Measures how often a map makes a language model answer correctly, beside two controls.

The controls: the same language model with one constant prompt (it sees no image, so its correct answers come
from the questions alone), and a matcher that chooses among the options, as `best_text_match` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Score",
    "Trial",
    "Writer",
    "choose",
    "normalised",
    "options_of",
    "score",
    "write_answers",
]

Features = TypeVar("Features", contravariant=True, bound=Any)
# An array of numpy or a tensor of torch, shape (N, D).


@dataclass(frozen=True, slots=True)
class Trial:
    """A question about a view, and the right answer."""

    question: str
    answer: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of right answers."""

    by_question: dict[str, tuple[int, int]]
    """Question → (right, all)."""

    @property
    def right(self) -> int:
        """Right answers."""
        return sum(right for right, _ in self.by_question.values())

    @property
    def n(self) -> int:
        """All answers."""
        return sum(n for _, n in self.by_question.values())

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.n if self.n else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        return {
            "accuracy": self.accuracy,
            "right": self.right,
            "n": self.n,
            "by_question": {
                question: {"right": right, "n": n}
                for question, (right, n) in sorted(self.by_question.items())
            },
        }


def score(trials: Sequence[Trial], answers: Sequence[str]) -> Score:
    """Count the right answers, ignoring case, articles and punctuation at the ends."""
    total = Counter(trial.question for trial in trials)
    right = Counter(
        trial.question
        for trial, answer in zip(trials, answers, strict=True)
        if normalised(answer) == normalised(trial.answer)
    )
    return Score({question: (right[question], n) for question, n in total.items()})


def normalised(text: str) -> str:
    """Return a text in lower case, without a leading article, and without blanks or points at the ends."""
    words = text.lower().strip(" .,!?\n").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ("a", "an", "the") else words)


def options_of(trials: Sequence[Trial], answers: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the options of each trial: its own, else all answers to the same question."""
    return [
        list(trial.options) or sorted({*answers.get(trial.question, ()), trial.answer})
        for trial in trials
    ]


class Writer(Protocol[Features]):
    """A language model that answers from features: a `LimberModel`, or an exported one."""

    def write(self, features: Features, prefixes: Sequence[str], max_new_tokens: int) -> list[str]:
        """Return an answer for each row of features."""
        ...


def write_answers(
    model: Writer[Features],
    features: Features,
    prefixes: Sequence[str],
    *,
    chunk: int,
    max_new_tokens: int,
    on_written: Callable[[int], None] | None = None,
) -> list[str]:
    """Return the answers of a language model about views, written in chunks.

    Args:
        model: The map with its language model.
        features: Of the views, shape (N, D).
        prefixes: N texts before the answers.
        chunk: Views per batch.
        max_new_tokens: Longest answer, in tokens.
        on_written: Called with the number of finished answers.
    """
    answers: list[str] = []
    for start in range(0, len(prefixes), chunk):
        part = slice(start, start + chunk)
        answers += model.write(features[part], prefixes[part], max_new_tokens)
        if on_written is not None:
            on_written(len(answers))
    return answers


def choose(
    images: Sequence[NDArray[np.float32]],
    options: Sequence[Sequence[str]],
    texts: Mapping[str, NDArray[np.float32]],
) -> list[str]:
    """Return for each view the option that matches its vector best, as `best_text_match` does.

    Args:
        images: One vector per trial, shape (D,).
        options: One list per trial.
        texts: The vector of each option.
    """
    return [
        listed[int(np.argmax([image @ texts[option] for option in listed]))]
        for image, listed in zip(images, options, strict=True)
    ]
