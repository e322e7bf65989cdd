"""How often a map makes a language model say the right thing, and what that is worth.

Beside it stand the same language model with the best constant prompts (it sees no picture: what it gets
right is in the questions), and a matcher that chooses among the options, as `best_text_match` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Score", "Trial", "choose", "normalised", "options_of", "score"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A question that was asked of a view, and the right answer."""

    question: str
    answer: str
    options: tuple[str, ...] = ()


@dataclass(slots=True)
class Score:
    """How many answers were right."""

    right: int = 0
    n: int = 0
    by_question: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Question → (right, asked)."""

    @property
    def accuracy(self) -> float:
        """Share of the answers that were right."""
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
    """Count the answers that equal the right ones but for case, articles and final points."""
    counted: dict[str, list[bool]] = defaultdict(list)
    for trial, answer in zip(trials, answers, strict=True):
        counted[trial.question].append(normalised(answer) == normalised(trial.answer))
    by_question = {q: (sum(hits), len(hits)) for q, hits in counted.items()}
    return Score(
        sum(right for right, _ in by_question.values()),
        sum(n for _, n in by_question.values()),
        by_question,
    )


def normalised(text: str) -> str:
    """Return a text in lower case, without article, outer blanks or final points."""
    words = text.lower().strip(" .,!?\n").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ("a", "an", "the") else words)


def options_of(trials: Sequence[Trial], known: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the options of each trial: its own, else all answers that are known to its question."""
    return [
        list(trial.options) or sorted({*known.get(trial.question, ()), trial.answer})
        for trial in trials
    ]


def choose(
    images: Sequence[NDArray[np.float32]],
    options: Sequence[Sequence[str]],
    texts: Mapping[str, NDArray[np.float32]],
) -> list[str]:
    """Return for each view the option that its vector fits best, as `best_text_match` does.

    Args:
        images: One vector per trial, shape (D,).
        options: One list per trial.
        texts: The vector of each option.
    """
    return [
        listed[int(np.argmax([image @ texts[option] for option in listed]))]
        for image, listed in zip(images, options, strict=True)
    ]
