"""95 % intervals of shares, means and paired differences, and McNemar's test."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["bootstrap_interval", "mcnemar_p", "wilson_interval"]

# Two-sided 95 % quantile of the normal distribution.
_Z_95 = 1.959963984540054
_RESAMPLES = 2_000
# Fixed, so that a report is reproducible.
_SEED = 0
# Draws in memory at once: 32 MB.
_AT_ONCE = 4_000_000


def wilson_interval(successes: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) without samples."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, _Z_95**2
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Rounding may put a bound just inside a share of 0 or 1.
    return max(0.0, min(share, center - half)), min(1.0, max(share, center + half))


def bootstrap_interval(
    values: Sequence[float], counts: Sequence[int] | None = None
) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean: percentiles of resampled means (Efron 1979).

    Args:
        values: One per sample.
        counts: Number of samples of each value, if each value is given once.

    Returns:
        None for fewer than two samples.
    """
    n = len(values) if counts is None else sum(counts)
    if n < 2:
        return None
    array = np.asarray(values, dtype=np.float64)
    generator = np.random.default_rng(_SEED)
    if counts is not None:
        # The numbers of draws of each value are multinomial.
        shares = np.asarray(counts, dtype=np.float64) / n
        means = generator.multinomial(n, shares, size=_RESAMPLES) @ array / n
    else:
        step = max(1, _AT_ONCE // n)
        parts = [
            array[generator.integers(0, n, size=(min(step, _RESAMPLES - start), n))].mean(axis=1)
            for start in range(0, _RESAMPLES, step)
        ]
        means = np.concatenate(parts)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test (McNemar 1947; binomial form).

    Args:
        only_first: Samples that only the first run has right.
        only_second: Samples that only the second run has right.
    """
    n, least = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    # In logarithms, because binomial coefficients of thousands of samples exceed a float.
    tail = math.fsum(
        math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
        for k in range(least + 1)
    )
    return min(1.0, 2 * tail)
