"""Stops a language model of transformers that computes NaN.

The largest of logits that are NaN is some token all the same, and a text of such tokens looks like an answer.
"""

from __future__ import annotations

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from viper.errors import ModelError

__all__ = ["finite_logits"]


def finite_logits(what: str) -> LogitsProcessorList:
    """Return the argument `logits_processor` of `generate` that checks each step.

    `generate` then raises a `ModelError` if a logit is NaN or +∞, or all of a row are -∞. Single ones of -∞
    are tokens that may not come next.

    Args:
        what: Role of the model, for the message.
    """
    return LogitsProcessorList([_Check(what)])


class _Check(LogitsProcessor):
    def __init__(self, what: str) -> None:
        self._what = what

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return the logits, shape (B, V), as they are."""
        # The maximum of a row with NaN is NaN.
        if not bool(scores.amax(dim=-1).isfinite().all()):
            raise ModelError(
                f"The {self._what} returned NaN or infinity. Use dtype=float32, or another model."
            )
        return scores
