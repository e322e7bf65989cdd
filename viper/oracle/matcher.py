"""The true matcher: a space in which the texts that are true of a view fit it best.

One dimension per term. An image has +1 there if the term holds of what the view shows, else −8; a text
counts its words. Two more dimensions pad images and texts to fixed lengths, each orthogonal to the other
kind, so that the logit of a text comes out as

    SHARPNESS · (words that hold − 8 · words that do not)

Hence a text with a false word loses to any without, up to eight words longer; among true ones the more
specific wins; and a softmax over them is all but certain. "red cube" beats "cube" exactly if the thing is
red, which is what `verify_property` asks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from viper.images.image import View
from viper.models.options import Options
from viper.oracle.language import UNKNOWN
from viper.oracle.scene import SceneFile
from viper.oracle.scene_file import open_scenes

__all__ = ["FALSEHOOD", "SHARPNESS", "TrueMatcher", "load"]

FALSEHOOD = 8.0
"""Weight of a word that does not hold, beside 1 for one that does."""
_TEXT_LENGTH = 32.0
# Before scaling; a text may repeat one word as often. These two are powers of two, so that all products and
# sums are exact: texts with equal counts tie to the last bit.

SHARPNESS = 40.0
"""Logits per true word. e**-40 is below a double's resolution: of two attributes of one kind that both
hold ("black", "white"), each takes half of the probability, not a hair less."""


class TrueMatcher:
    """Matches views and texts by what a file says.

    Args:
        file: What the pictures show.
    """

    logit_bias = None

    def __init__(self, file: SceneFile) -> None:
        self._file = file
        terms = (*file.language.terms, UNKNOWN)
        self._index = {term: index for index, term in enumerate(terms)}
        self._image_length = FALSEHOOD * math.sqrt(len(terms))
        self.logit_scale = SHARPNESS * _TEXT_LENGTH * self._image_length
        self.fingerprint = f"truth:{file.fingerprint}"
        self.knows_images_by_name = True

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (D,).

        Raises:
            ModelError: The file has no scene for an image.
        """
        return [self._embed_image(view) for view in views]

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (D,)."""
        return [self._embed_text(text) for text in texts]

    def _embed_image(self, view: View) -> NDArray[np.float32]:
        holding = [
            self._index[term]
            for term in self._file.scene(view.image).terms(view)
            if term in self._index
        ]
        unit = np.float32(1.0 / self._image_length)
        vector = np.full(len(self._index) + 2, -FALSEHOOD * unit, dtype=np.float32)
        vector[holding] = unit
        squares = len(holding) * (FALSEHOOD**2 - 1.0)  # what the true terms lack in length
        vector[-2] = math.sqrt(squares) * unit
        vector[-1] = 0.0
        return vector

    def _embed_text(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(len(self._index) + 2, dtype=np.float32)
        counts = Counter(self._index[term] for term in self._file.language.read(text))
        for index, count in counts.items():
            vector[index] = count / _TEXT_LENGTH
        length = float(np.dot(vector, vector))
        if length > 1.0:  # one word more than 32 times: its logit is too small, not its order
            return vector / np.float32(math.sqrt(length))
        vector[-1] = math.sqrt(1.0 - length)
        return vector


def load(reference: str, options: Mapping[str, str]) -> TrueMatcher:
    """Load the file of scenes named by `truth:FILE`.

    Raises:
        ConfigError: The file is unusable, or an option is unknown.
    """
    with Options(options, "the truth matcher"):
        return TrueMatcher(open_scenes(reference))
