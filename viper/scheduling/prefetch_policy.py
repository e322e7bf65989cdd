"""Whether prefetching pays.

A forward of n requests takes about a + b·n. A prefetch costs b now; a request that was not prefetched costs b
later and its share of another a. So a prefetch pays if

    p · (a / m + b) > b

where p is the share of prefetches that were used so far, and m the number of demand requests per forward,
which several programs share. On a GPU, b is small compared with a, and nearly every prefetch pays; on a CPU
with large models it often does not, and less so the more programs run.
"""

from __future__ import annotations

__all__ = ["PrefetchPolicy"]

_ENGINE_S = 0.0003
# Overhead of a forward in the engine itself: two thread switches, and waking a program.
_MEMORY = 0.95
# Decay of older records with each new one: about twenty forwards or programs count.
_PRIOR_USED, _PRIOR_ISSUED = 6.0, 8.0
# Prior: three of four prefetches are used, as if eight had been observed.
_LEAST_SPREAD = 0.05
# Smallest variance of batch sizes that allows to estimate a slope.


class PrefetchPolicy:
    """Times of one operation's forwards, and use of its prefetches; the worker holds its lock."""

    def __init__(self) -> None:
        self._forwards = 0
        self._weight = 0.0
        self._n = self._t = self._nn = self._nt = 0.0  # weighted sums of sizes, seconds, products
        self._demanded = 0.0
        self._used, self._issued = _PRIOR_USED, _PRIOR_ISSUED

    def record_forward(self, requests: int, demanded: int, seconds: float) -> None:
        """Record a forward.

        Args:
            requests: Their number.
            demanded: Those of them that were not prefetches.
            seconds: Its wall time.
        """
        self._forwards += 1
        if self._forwards == 1:
            return  # the first one warms the model up
        self._weight = _MEMORY * self._weight + 1
        self._n = _MEMORY * self._n + requests
        self._t = _MEMORY * self._t + seconds
        self._nn = _MEMORY * self._nn + requests * requests
        self._nt = _MEMORY * self._nt + requests * seconds
        self._demanded = _MEMORY * self._demanded + demanded

    def record_prefetches(self, issued: int, used: int) -> None:
        """Record the use of a program's prefetches; without any, the estimate returns to its prior."""
        self._issued = _MEMORY * self._issued + (1 - _MEMORY) * _PRIOR_ISSUED + issued
        self._used = _MEMORY * self._used + (1 - _MEMORY) * _PRIOR_USED + used

    @property
    def pays(self) -> bool:
        """Whether to prefetch."""
        if not self._weight:
            return True
        mean_n, mean_t = self._n / self._weight, self._t / self._weight
        spread = self._nn / self._weight - mean_n**2
        if spread < _LEAST_SPREAD:
            return True  # the cost of one more request is unknown: prefetching measures it
        slope = max(0.0, (self._nt / self._weight - mean_n * mean_t) / spread)
        start = max(0.0, mean_t - slope * mean_n) + _ENGINE_S
        together = max(1.0, self._demanded / self._weight)
        return self._used / self._issued * (start / together + slope) > slope
