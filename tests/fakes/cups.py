"""Eight cups in a row and three dogs below, and pictures for them to be in."""

from __future__ import annotations

import numpy as np

CUPS = {"cup": [((10.0 * n, 0.0, 10.0 * n + 8, 20.0), 0.9 - n / 100) for n in range(8)]}
DOGS = {"dog": [((10.0 * n, 40.0, 10.0 * n + 8, 60.0), 0.9 - n / 100) for n in range(3)]}


def picture(seed: int = 0) -> np.ndarray:
    """A picture of 100×80 pixels of noise; another seed gives another one."""
    return np.random.default_rng(seed).integers(0, 255, (80, 100, 3), dtype=np.uint8)
