"""Sums over many answers: programs, tokens, costs, calls, forwards, cache hits, times."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from viper.trace import Trace
from viper.usage import Usage

__all__ = ["RunStats"]

_WITHOUT_MODEL = ("grammar", "file")
"""Generators that do not use a language model, so that the program cache does not apply."""


@dataclass(slots=True)
class RunStats:
    """Sums over the traces of one run; what `--stats` shows."""

    answers: int = 0
    doubtful: int = 0
    """Answers with doubts."""
    direct: int = 0
    """Answers that are one model's word about the whole image."""
    failed: int = 0
    """Questions without an answer."""
    programs: int = 0
    """Programs that were run or requested, repairs and votes included."""
    usage: Usage = field(default_factory=Usage)
    model_questions: int = 0
    """Questions that went to a language model, or would have without the program cache."""
    program_cache_hits: int = 0
    """Those of them that the program cache answered."""
    calls: int = 0
    cache_hits: int = 0
    forwards: Counter[str] = field(default_factory=Counter)
    """By role; a forward that several answers shared is counted for each."""
    requests: Counter[str] = field(default_factory=Counter)
    """Sum of the batch sizes of those forwards, by role."""
    prefetched: int = 0
    """Prefetched requests that were computed."""
    prefetch_hits: int = 0
    """Those of them that a program made later."""
    times_ms: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By name, as in `Trace.times_ms`."""

    def add(self, trace: Trace) -> None:
        """Add one answer."""
        self.answers += 1
        self.doubtful += trace.outcome == "answered_with_doubts"
        self.direct += trace.how == "direct"
        self.failed += trace.failure is not None
        self.programs += len(trace.attempts)
        self.usage += trace.usage
        by_model = [a for a in trace.attempts if a.generator not in _WITHOUT_MODEL]
        self.model_questions += bool(by_model)
        # Only the program that answered counts: a cached program that failed did not save a request.
        self.program_cache_hits += (
            trace.answering is not None and trace.answering.from_program_cache
        )
        self.calls += len(trace.calls)
        self.cache_hits += sum(call.cached for call in trace.calls)
        self.forwards.update(trace.forwards)
        self.requests.update(trace.requests)
        self.prefetched += trace.prefetch.get("items", 0)
        self.prefetch_hits += trace.prefetch.get("hits", 0)
        for name, ms in trace.times_ms.items():
            self.times_ms[name] += ms

    def rows(self, *, program_cache: bool) -> list[tuple[str, str]]:
        """Return names and values to show.

        Args:
            program_cache: Whether there is a program cache.
        """
        usage = self.usage
        cached = _share(self.program_cache_hits, self.model_questions)
        wasted = self.prefetched - self.prefetch_hits
        used = _share(self.prefetch_hits, self.prefetched)
        forwards = ", ".join(
            f"{role} {count}"
            + (f" (batch {self.requests[role] / count:.3g})" if role in self.requests else "")
            for role, count in sorted(self.forwards.items())
            if count
        )
        return [
            ("answers", f"{self.answers}" + (f" ({self.failed} failed)" if self.failed else "")),
            ("outcomes", self._outcomes()),
            ("programs", f"{self.programs}"),
            (
                "tokens",
                f"{'about ' if usage.is_estimated else ''}{usage.tokens:,} "
                f"({usage.prompt_tokens:,} prompt, {usage.completion_tokens:,} completion)",
            ),
            ("cost", "not known" if usage.cost_usd is None else f"{usage.cost_usd:.6f} USD"),
            ("memo hits", cached if program_cache else "off"),
            ("calls", f"{self.calls}"),
            ("cache hits", _share(self.cache_hits, self.calls)),
            ("lookahead", f"{used} used, {wasted} wasted"),
            ("forwards", forwards or "0"),
            *(
                (name, _time(self.times_ms[name], self.answers))
                for name in ("queue", "model", "generate", "run", "total")
            ),
        ]

    def _outcomes(self) -> str:
        clear = self.answers - self.doubtful - self.failed
        text = f"{clear} answered, {self.doubtful} with doubts, {self.failed} not answered"
        return text + (f"; {self.direct} by one model, not checked" if self.direct else "")


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.0%})" if whole else "")


def _time(ms: float, answers: int) -> str:
    mean = f" ({ms / answers:,.1f} per answer)" if answers > 1 else ""
    return f"{ms:,.1f} ms{mean}"
