"""What answers took, added up: attempts, tokens, costs, calls, forwards, hits, times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from viper.trace import Trace
from viper.usage import Usage

__all__ = ["RunStats"]

_WITHOUT_MODEL = ("grammar", "file")
"""Names of what writes programs without a language model, so that no memo could help."""


@dataclass(slots=True)
class RunStats:
    """Sums over the traces of one run; what `--stats` shows."""

    answers: int = 0
    failed: int = 0
    programs: int = 0
    """Programs that were run or asked for, repairs and votes included."""
    usage: Usage = field(default_factory=Usage)
    model_questions: int = 0
    """Questions that went to a language model, or would have without the memo."""
    program_cache_hits: int = 0
    """Those of them that the memo answered."""
    calls: int = 0
    cache_hits: int = 0
    forwards: Counter[str] = field(default_factory=Counter)
    """Of each answer; one that several answers shared is counted for each."""
    requests: Counter[str] = field(default_factory=Counter)
    """In those forwards: their batch sizes, added up."""
    guesses: int = 0
    """What lookahead had computed."""
    guess_hits: int = 0
    """Those of them that were asked for later."""
    queue_ms: float = 0.0
    model_ms: float = 0.0
    generate_ms: float = 0.0
    run_ms: float = 0.0
    total_ms: float = 0.0

    def add(self, trace: Trace) -> None:
        """Add one answer."""
        self.answers += 1
        self.failed += trace.failure is not None
        self.programs += len(trace.attempts)
        self.usage += trace.usage
        by_model = [a for a in trace.attempts if a.generator not in _WITHOUT_MODEL]
        self.model_questions += bool(by_model)
        # The program that answered: one that failed on being used again did not save the question.
        self.program_cache_hits += trace.answering is not None and trace.answering.from_cache
        self.calls += len(trace.calls)
        self.cache_hits += sum(call.cached for call in trace.calls)
        self.forwards.update(trace.forwards)
        self.requests.update(trace.requests)
        self.guesses += trace.prefetch.get("items", 0)
        self.guess_hits += trace.prefetch.get("hits", 0)
        self.queue_ms += sum(call.queue_ms for call in trace.calls)
        self.model_ms += sum(call.model_ms for call in trace.calls)
        self.generate_ms += sum(attempt.generate_ms for attempt in trace.attempts)
        self.run_ms += sum(attempt.run_ms for attempt in trace.attempts)
        self.total_ms += trace.total_ms

    def rows(self, *, memo: bool) -> list[tuple[str, str]]:
        """Return names and values to show.

        Args:
            memo: Whether programs were remembered at all.
        """
        usage = self.usage
        forwards = ", ".join(
            f"{role} {count}"
            + (f" (batch {self.requests[role] / count:.3g})" if role in self.requests else "")
            for role, count in sorted(self.forwards.items())
            if count
        )
        return [
            ("answers", f"{self.answers}" + (f" ({self.failed} failed)" if self.failed else "")),
            ("programs", f"{self.programs}"),
            (
                "tokens",
                f"{usage.tokens:,} ({usage.prompt_tokens:,} prompt, "
                f"{usage.completion_tokens:,} completion)",
            ),
            ("cost", "not known" if usage.cost_usd is None else f"{usage.cost_usd:.6f} USD"),
            ("memo hits", _share(self.program_cache_hits, self.model_questions) if memo else "off"),
            ("calls", f"{self.calls}"),
            ("cache hits", _share(self.cache_hits, self.calls)),
            ("lookahead", self._prefetch()),
            ("forwards", forwards or "0"),
            ("queue", _time(self.queue_ms, self.answers)),
            ("model", _time(self.model_ms, self.answers)),
            ("generate", _time(self.generate_ms, self.answers)),
            ("run", _time(self.run_ms, self.answers)),
            ("total", _time(self.total_ms, self.answers)),
        ]

    def _prefetch(self) -> str:
        wasted = self.guesses - self.guess_hits
        return f"{_share(self.guess_hits, self.guesses)} used, {wasted} wasted"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.0%})" if whole else "")


def _time(ms: float, answers: int) -> str:
    mean = f" ({ms / answers:,.1f} per answer)" if answers > 1 else ""
    return f"{ms:,.1f} ms{mean}"
