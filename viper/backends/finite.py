"""Refuses what a model returns if a number in it is NaN or infinite.

Every comparison with NaN is false: a detector whose scores are all NaN would find nothing, and a question be
answered with "no". Backends check what a model returns before they compare it with a threshold. This module
imports no torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from viper.errors import ModelError

__all__ = ["check_finite"]


def check_finite(
    what: str, *values: Any, advice: str = "Use dtype=float32, or another model."
) -> None:  # Any: arrays of numpy, or tensors of torch
    """Check arrays or tensors of any shape.

    Args:
        what: Role of the model, for the message.
        values: What it returned.
        advice: What to do, for the message.

    Raises:
        ModelError: A number is NaN or infinite.
    """
    for value in values:
        finite = value.isfinite() if hasattr(value, "isfinite") else np.isfinite(value)
        if not bool(finite.all()):
            raise ModelError(f"The {what} returned NaN or infinity. {advice}")
