"""Sums over many answers: programs, tokens, costs, calls, forwards, cache hits, times."""

from __future__ import annotations

from collections import Counter
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
    failed: int = 0
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
        self.queue_ms += sum(call.queue_ms for call in trace.calls)
        self.model_ms += sum(call.model_ms for call in trace.calls)
        self.generate_ms += sum(attempt.generate_ms for attempt in trace.attempts)
        self.run_ms += sum(attempt.run_ms for attempt in trace.attempts)
        self.total_ms += trace.total_ms

    def rows(self, *, memo: bool) -> list[tuple[str, str]]:
        """Return names and values to show.

        Args:
            memo: Whether there is a program cache.
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
            *(
                (name, _time(getattr(self, f"{name}_ms"), self.answers))
                for name in ("queue", "model", "generate", "run", "total")
            ),
        ]

    def _prefetch(self) -> str:
        wasted = self.prefetched - self.prefetch_hits
        return f"{_share(self.prefetch_hits, self.prefetched)} used, {wasted} wasted"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.0%})" if whole else "")


def _time(ms: float, answers: int) -> str:
    mean = f" ({ms / answers:,.1f} per answer)" if answers > 1 else ""
    return f"{ms:,.1f} ms{mean}"
