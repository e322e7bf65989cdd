"""Sentence templates for the texts of a matcher (prompt ensembling).

Matchers are trained on captions, so "a photo of a mug." fits a mug better than "mug". As in CLIP's
zero-shot classification (Radford et al. 2021, section 3.1.4), a text is put into several sentences, and its
vector is the normalized mean of their unit vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viper.errors import ConfigError, ModelError

__all__ = ["CAPTIONS", "PLAIN", "average", "expand", "read_templates", "templates_id"]

SLOT = "{}"

PLAIN = (SLOT,)
"""The text alone."""

CAPTIONS = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a picture of a {}.",
    "a close-up photo of a {}.",
    "a cropped photo of the {}.",
)
"""Typical captions; the last two because patches are crops of a photograph."""

_NAMED = {"captions": CAPTIONS, "plain": PLAIN}


def read_templates(option: str) -> tuple[str, ...]:
    """Return the templates that an option names.

    Args:
        option: `captions`, `plain`, or a text file with one template per line, `{}` in each.

    Raises:
        ConfigError: There is no such list or file, or a line has not exactly one `{}`.
    """
    if option in _NAMED:
        return _NAMED[option]
    path = Path(option).expanduser()
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"templates={option!r} is neither one of {', '.join(_NAMED)} nor a text file that can "
            "be read. Give a file with one template per line, such as: a photo of a {}."
        ) from error
    templates = tuple(line for line in lines if line)
    for template in templates or ("",):
        if template.count(SLOT) != 1:
            raise ConfigError(
                f"The template {template!r} in {option} must have exactly one {SLOT}, in the place "
                "of the text."
            )
    return templates


def templates_id(templates: Sequence[str]) -> str:
    """Return a short name of a list of templates, for fingerprints."""
    return hashlib.sha256("\n".join(templates).encode()).hexdigest()[:8]


def expand(texts: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Return every text in every template: all sentences of the first text, then of the second."""
    return [template.replace(SLOT, text) for text in texts for template in templates]


def average(sentences: NDArray[np.float32], count: int) -> list[NDArray[np.float32]]:
    """Return one unit vector per text from the vectors of its sentences.

    Args:
        sentences: Vectors in the order of `expand`, shape (N · count, D), of any length.
        count: Number of templates.

    Raises:
        ModelError: A vector holds NaN or infinity.
    """
    if not np.isfinite(sentences).all():
        raise ModelError(
            "The matcher gave values that are no numbers. Use dtype=float32, or another model."
        )
    unit = _unit(sentences)
    means = unit.reshape(-1, count, unit.shape[-1]).mean(axis=1)  # (N, D)
    return list(_unit(means))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
