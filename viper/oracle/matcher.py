"""The oracle's matcher: embeddings that rank the texts that are true of a view above all others.

One dimension per term. An image has +1 there if the term holds for the view, else −8; a text
counts its words. Two more dimensions pad images and texts to fixed lengths, each orthogonal to the other
kind, so that the logit of a text is

    SHARPNESS · (words that hold − 8 · words that do not)

Hence a text with a false word loses to every text without one, unless it is over eight words longer; among
true texts the more specific wins; and a softmax over them is nearly 0 or 1. "red cube" beats "cube" exactly
if the object is red, which is what `verify_property` asks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viper.images.image import View
from viper.models.roles import Matcher
from viper.oracle.phrase_parser import UNKNOWN
from viper.oracle.scene import SceneFile
from viper.oracle.scene_file import Oracle

__all__ = ["FALSEHOOD", "SHARPNESS", "OracleMatcher", "load"]

FALSEHOOD = 8.0
"""Penalty of a false word; a true word counts 1."""
# Before scaling: a text may repeat a word this many times. FALSEHOOD and this are powers of two, so that all
# products and sums are exact: texts with equal counts tie to the last bit.
_TEXT_LENGTH = 32.0

SHARPNESS = 40.0
"""Logits per true word. e**-40 is below a double's resolution: of two attributes of one kind that both
hold ("black", "white"), each takes exactly half of the probability."""


class OracleMatcher(Oracle, Matcher):
    """Matches views and texts by the terms of a file.

    Args:
        file: The annotated scenes.
    """

    role = "matcher"

    def __init__(self, file: SceneFile) -> None:
        super().__init__(file)
        terms = (*file.parser.terms, UNKNOWN)
        self._index = {term: index for index, term in enumerate(terms)}
        self._image_length = FALSEHOOD * math.sqrt(len(terms))
        self.logit_scale = SHARPNESS * _TEXT_LENGTH * self._image_length

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
        terms = self._file.scene(view.image).terms(view)
        holding = [self._index[term] for term in terms & self._index.keys()]
        unit = np.float32(1.0 / self._image_length)
        vector = np.full(len(self._index) + 2, -FALSEHOOD * unit, dtype=np.float32)
        vector[holding] = unit
        squares = len(holding) * (FALSEHOOD**2 - 1.0)  # what the fixed length still lacks
        vector[-2] = math.sqrt(squares) * unit
        vector[-1] = 0.0
        return vector

    def _embed_text(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(len(self._index) + 2, dtype=np.float32)
        counts = Counter(self._index[term] for term in self._file.parser.parse(text))
        for index, count in counts.items():
            vector[index] = count / _TEXT_LENGTH
        length = float(np.dot(vector, vector))
        if (
            length > 1.0
        ):  # over 32 repetitions of a word: the logit is too small, but ranked correctly
            return vector / np.float32(math.sqrt(length))
        vector[-1] = math.sqrt(1.0 - length)
        return vector


load = OracleMatcher.load
