"""Decides whether prefetching pays off, from measured forwards.

A forward of n requests takes about a + b·n. A prefetch costs b now; a request that was not prefetched costs b
later and its share of another a. So a prefetch pays if

    p · (a / m + b) > b

where p is the share of prefetches used so far, and m the number of demand requests per forward, from all
programs together. On a GPU, b is small compared with a, so nearly every prefetch pays. On a CPU with large
models many do not, especially when several programs run.
"""

from __future__ import annotations

__all__ = ["PrefetchPolicy"]

# Overhead of a forward in the engine itself: two thread switches, and waking a program.
_ENGINE_S = 0.0003
# Decay of older records with each new one: about twenty forwards or programs count.
_MEMORY = 0.95
# Prior: three of four prefetches are used, as if eight had been observed.
_PRIOR_USED, _PRIOR_ISSUED = 6.0, 8.0
# Smallest variance of batch sizes from which a slope can be estimated.
_LEAST_SPREAD = 0.05


class PrefetchPolicy:
    """Times of one operation's forwards, and use of its prefetches; the worker holds its lock."""

    def __init__(self) -> None:
        self._forwards = 0
        # Sums with decaying weights: of 1, size, seconds, size², size × seconds, demand requests.
        self._sums = [0.0] * 6
        self._used, self._issued = _PRIOR_USED, _PRIOR_ISSUED

    def record_forward(self, requests: int, demanded: int, seconds: float) -> None:
        """Record a forward.

        Args:
            requests: Number of requests in it.
            demanded: How many of them were not prefetches.
            seconds: Its wall time.
        """
        self._forwards += 1
        if self._forwards == 1:
            return  # the first one warms the model up
        new = (1, requests, seconds, requests * requests, requests * seconds, demanded)
        self._sums = [_MEMORY * total + value for total, value in zip(self._sums, new, strict=True)]

    def record_prefetches(self, issued: int, used: int) -> None:
        """Record the use of a program's prefetches; without any, the estimate returns to its prior."""
        self._issued = _MEMORY * self._issued + (1 - _MEMORY) * _PRIOR_ISSUED + issued
        self._used = _MEMORY * self._used + (1 - _MEMORY) * _PRIOR_USED + used

    @property
    def pays(self) -> bool:
        """Whether to prefetch."""
        weight, *sums = self._sums
        if not weight:
            return True
        mean_n, mean_t, mean_nn, mean_nt, mean_demanded = (total / weight for total in sums)
        spread = mean_nn - mean_n**2
        if spread < _LEAST_SPREAD:
            return True  # the cost of one more request is unknown: prefetching measures it
        slope = max(0.0, (mean_nt - mean_n * mean_t) / spread)
        start = max(0.0, mean_t - slope * mean_n) + _ENGINE_S
        together = max(1.0, mean_demanded)
        return self._used / self._issued * (start / together + slope) > slope
