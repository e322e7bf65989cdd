"""Sentence templates for the texts of a matcher (prompt ensembling).

Matchers are trained on captions, so "a photo of a mug." fits a mug better than "mug". As in CLIP's
zero-shot classification (Radford et al. 2021, section 3.1.4), a text is put into several sentences, and its
vector is the normalized mean of their unit vectors.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.backends.finite import check_finite
from viper.errors import ConfigError, InputError, ModelError
from viper.models.roles import Matcher
from viper.storage.files import read_regular_file
from viper.storage.user_cache import expand_user

__all__ = ["CAPTIONS", "PLAIN", "TemplateMatcher", "average", "read_templates", "templates_id"]

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

# Each template is one more text for each phrase; CLIP's own list has 80, and takes 3 kB.
_MAX_BYTES = 100_000
_DIFFERENT = ("a photo of a red dog.", "two blue cats")
# Between unit vectors; rounding alone makes less.
_SAME = 1e-6
_NAMED = {"captions": CAPTIONS, "plain": PLAIN}


def read_templates(option: str) -> tuple[str, ...]:
    """Return the templates that an option names.

    Args:
        option: `captions`, `plain`, or a text file with one template per line, `{}` in each.

    Raises:
        ConfigError: There is no such list or file, or a line does not contain exactly one `{}`.
    """
    if option in _NAMED:
        return _NAMED[option]
    path = expand_user(option)
    try:
        content = read_regular_file(str(path), max_bytes=_MAX_BYTES, what="template")
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except (InputError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"templates={option!r} is neither one of {', '.join(_NAMED)} nor a text file that can "
            "be read. Give a file with one template per line, such as: a photo of a {}."
        ) from error
    templates = tuple(line for line in lines if line)
    for template in templates or ("",):
        if template.count(SLOT) != 1:
            raise ConfigError(
                f"The template {template!r} in {option} must have exactly one {SLOT}, where the "
                "text goes."
            )
    return templates


def templates_id(templates: Sequence[str]) -> str:
    """Return a short name of a list of templates, for fingerprints."""
    digest = hashlib.sha256("\n".join(templates).encode()).hexdigest()
    # A name of 32 bits has a second list within a second; those of a file may be anybody's.
    return digest[: 8 if tuple(templates) in _NAMED.values() else 64]


@dataclass(eq=False)
class TemplateMatcher(Matcher):
    """A matcher that puts each text into templates, and takes its logits from a model of CLIP or SigLIP.

    Args:
        model: A model of a library, on its device, in evaluation mode; the libraries promise no class.
        templates: See `read_templates`.
        fingerprint: Names the weights and settings.
    """

    model: Any
    templates: tuple[str, ...]
    fingerprint: str

    def __post_init__(self) -> None:
        self.logit_scale = float(self.model.logit_scale.detach().exp())
        bias = getattr(self.model, "logit_bias", None)
        self.logit_bias = None if bias is None else float(bias.detach())
        if not math.isfinite(self.logit_scale) or not math.isfinite(self.logit_bias or 0.0):
            raise ConfigError(
                f"The matcher has the scale {self.logit_scale} and the bias {self.logit_bias} of its logits, "
                "with which nothing can be compared: its weights are damaged. Give another model."
            )

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (D,), averaged over the templates.

        A sentence that is too long for the model is cut at its end.

        Raises:
            ModelError: The model returned NaN or infinity, or ran out of memory.
        """
        if not texts:
            return []
        sentences = [template.replace(SLOT, text) for text in texts for template in self.templates]
        return average(self.encode_sentences(sentences), len(self.templates))

    def check_texts(self, displayed: str) -> None:
        """Check that two texts are not the same to the model.

        Args:
            displayed: The model, for the message.

        Raises:
            ConfigError: They are, as with a tokenizer of another model, whose end of text it does not find.
        """
        try:
            first, second = average(self.encode_sentences(list(_DIFFERENT)))
        except ModelError:  # raised again by the first request
            return
        if float(np.abs(first - second).max()) < _SAME:
            raise ConfigError(
                f"To the matcher '{displayed}' {' and '.join(map(repr, _DIFFERENT))} are the same text. Its "
                "tokenizer does not fit its weights, or these are damaged: copy all files of one model."
            )

    def encode_sentences(self, sentences: list[str]) -> Any:
        """Return a tensor of the vectors of sentences, shape (N, D)."""
        raise NotImplementedError


def average(features: Any, count: int = 1) -> list[NDArray[np.float32]]:
    """Return one unit vector per text from the vectors of its sentences, or per image.

    Args:
        features: A tensor, shape (N · count, D), of vectors of any length: all of the first text, then of
            the second.
        count: Number of templates.

    Raises:
        ModelError: A vector holds NaN or infinity, or nothing but zeros.
    """
    sentences: NDArray[np.float32] = features.float().cpu().numpy()
    check_finite("matcher", sentences)
    if not sentences.any(axis=-1).all():
        raise ModelError(
            "The matcher returned a vector of zeros, which is equally like every other. Give another model."
        )
    unit = _unit(sentences)
    means = unit.reshape(-1, count, unit.shape[-1]).mean(axis=1)  # (N, D)
    return list(_unit(means))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
