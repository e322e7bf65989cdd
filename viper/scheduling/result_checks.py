"""Refuses results with NaN or infinity, whichever backend they come from.

Comparisons with NaN are false, so that such a result would be a confident "no" or "none". Backends of Viper
check more, and before they apply a threshold; this is for all, also those of plugins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from viper.errors import ModelError
from viper.scheduling.operation import (
    DETECT,
    EMBED_IMAGES,
    EMBED_TEXTS,
    ESTIMATE,
    MEASURE,
    Operation,
)

__all__ = ["checked"]

_ARRAYS = (EMBED_IMAGES, EMBED_TEXTS, ESTIMATE, MEASURE)


def checked(operation: Operation, value: Any) -> Any:
    """Return the result of one request, or in its place a `ModelError` if a number in it is not finite.

    Args:
        operation: What was requested. Results of a module's own methods are checked by their types,
            elsewhere.
        value: As the backend returned it; what is no result of the operation is returned as it is.
    """
    try:
        if operation == DETECT and not isinstance(value, ModelError):
            finite = all(
                math.isfinite(number) for one in value for number in (*one.box_xyxy, one.score)
            )
        elif operation in _ARRAYS and not isinstance(value, ModelError):
            finite = bool(np.isfinite(value).all())
        else:
            return value
    except (TypeError, ValueError, AttributeError):  # of a plugin: who uses it says what is wrong
        return value
    if finite:
        return value
    return ModelError(
        f"The {operation.role} returned NaN or infinity from {operation.method}. Use a number format of more "
        "bits (dtype=float32), or another model."
    )
