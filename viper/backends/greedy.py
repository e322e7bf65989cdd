"""Greedy answers of language models of transformers, whatever their files say about generation."""

from __future__ import annotations

from typing import Any

from transformers import GenerationConfig

__all__ = ["generate_greedily"]

# What a model needs to begin and to end; everything else is a setting of sampling or of a stranger's taste.
_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


def generate_greedily(model: Any, *, pad_token_id: int | None = None) -> None:
    """Replace the settings for generation of a model and of the models in it; only its tokens are kept.

    A setting such as `remove_invalid_values` turns NaN into numbers before anyone can notice it, others
    forbid or force tokens.

    Args:
        model: A model of transformers, which is changed.
        pad_token_id: In place of its own.
    """
    for part in model.modules():
        if getattr(part, "generation_config", None) is None:
            continue
        kept = {name: getattr(part.generation_config, name, None) for name in _TOKENS}
        if pad_token_id is not None:
            kept["pad_token_id"] = pad_token_id
        part.generation_config = GenerationConfig(**kept)
