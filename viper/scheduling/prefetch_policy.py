"""Whether it pays to compute what may be asked for.

A forward of n requests takes about a + b·n. A guess costs b now; if it is asked for later, and was not
computed, it costs b then and its part of another a. So a guess pays if

    p · (a / m + b) > b

where p is how often guesses were used so far, and m how many requests share a forward anyway, because
other programs ask at the same time. On a GPU, b is small beside a, and nearly every guess pays; on a CPU
with large models it often does not, and less so the more programs run.
"""

from __future__ import annotations

__all__ = ["PrefetchPolicy"]

_ENGINE_S = 0.0003
# What a forward costs the engine itself: two changes of thread, and the waking of a program.
_MEMORY = 0.95
# Weight of everything before, each time something new is entered: about twenty forwards or programs count.
_USED, _GUESSED = 6.0, 8.0
# What is believed before anything is known: three of four guesses are used, as if eight had been seen.
_LEAST_SPREAD = 0.05
# Least variance of batch sizes from which a slope can be told.


class PrefetchPolicy:
    """What forwards of one operation took, and what became of guesses; the worker holds its lock."""

    def __init__(self) -> None:
        self._forwards = 0
        self._weight = 0.0
        self._n = self._t = self._nn = self._nt = 0.0  # weighted sums of sizes, seconds, products
        self._asked = 0.0
        self._used, self._guessed = _USED, _GUESSED

    def forward(self, requests: int, asked: int, seconds: float) -> None:
        """Enter a forward.

        Args:
            requests: In it.
            asked: Those of them that were no guesses.
            seconds: That it took.
        """
        self._forwards += 1
        if self._forwards == 1:
            return  # the first one warms the model up
        self._weight = _MEMORY * self._weight + 1
        self._n = _MEMORY * self._n + requests
        self._t = _MEMORY * self._t + seconds
        self._nn = _MEMORY * self._nn + requests * requests
        self._nt = _MEMORY * self._nt + requests * seconds
        self._asked = _MEMORY * self._asked + asked

    def ended(self, guessed: int, used: int) -> None:
        """Enter what became of a program's guesses; without any, belief returns to its beginning."""
        self._guessed = _MEMORY * self._guessed + (1 - _MEMORY) * _GUESSED + guessed
        self._used = _MEMORY * self._used + (1 - _MEMORY) * _USED + used

    @property
    def pays(self) -> bool:
        """Tell whether to compute guesses."""
        if not self._weight:
            return True
        mean_n, mean_t = self._n / self._weight, self._t / self._weight
        spread = self._nn / self._weight - mean_n**2
        if spread < _LEAST_SPREAD:
            return True  # nobody knows what another request costs: this will tell
        slope = max(0.0, (self._nt / self._weight - mean_n * mean_t) / spread)
        start = max(0.0, mean_t - slope * mean_n) + _ENGINE_S
        together = max(1.0, self._asked / self._weight)
        return self._used / self._guessed * (start / together + slope) > slope
