"""Shows the progress of a run: a bar with accuracy, outcomes, rate and cost; without a terminal, lines."""

from __future__ import annotations

import time
from collections import Counter

from viper.progress_bars import StepBars
from viper.usage import Usage
from viper_benchmarks.judgement import AnswerOutcome
from viper_benchmarks.row import SampleResult

__all__ = ["RunProgress"]


_WORDS: dict[AnswerOutcome, str] = {
    "answered": "answered",
    "answered_with_doubts": "doubtful",
    "no_answer": "not answered",
}


class RunProgress(StepBars):
    """Shows the progress of a run on stderr.

    Args:
        n: Number of samples.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self._n = n
        self._started = time.monotonic()
        self._done = self._new = 0
        self._score = 0.0
        self._outcomes: Counter[AnswerOutcome] = Counter()
        self._usage = Usage()

    def advance(self, result: SampleResult, new: bool) -> None:
        """Count one sample; `new` is False for a sample of the resumed run."""
        self._done += 1
        self._new += new
        self._score += result.score
        self._outcomes[result.outcome] += 1
        self._usage += result.usage
        self.update(f"samples: {self._so_far()}", self._done, self._n)

    def _so_far(self) -> str:
        passed_s = time.monotonic() - self._started
        parts = [f"accuracy {self._score / self._done:.1%}"]
        for outcome, words in _WORDS.items():
            if (count := self._outcomes[outcome]) or outcome == "answered":
                parts.append(f"{words} {count / self._done:.0%}")
        if self._new and passed_s > 0:
            parts.append(f"{self._new / passed_s:.1f}/s")
        if self._usage.cost_usd is None:
            parts.append(f"{self._usage.tokens:,} tokens")
        elif self._usage.cost_usd > 0:
            parts.append(f"{self._usage.cost_usd:.4f} USD")
        return ", ".join(parts)
