"""The model of the role `reader`: what it reads is how wide and how bright a crop is."""

from __future__ import annotations

import numpy as np


class Reader:
    """Reads crops; counts its batches."""

    def __init__(self, reference="", options=None):
        self.style = (options or {}).get("style", "plain")
        self.fingerprint = f"street-signs reader 1 {reference} {self.style}"
        self.batches = []

    def text(self, pixels, language):
        """Return what a crop says."""
        text = f"{language} {pixels.shape[1]}x{pixels.shape[0]} {round(float(pixels.mean()))}"
        return text.upper() if self.style == "shouting" else text

    def bright(self, pixels, threshold):
        """Return which pixels are bright, shape (h, w)."""
        return pixels.mean(axis=2) >= threshold * 255


def load(reference, options):
    """Load the module's own reader."""
    return Reader(reference, options)


def load_shouting(reference, options):
    """Load another reader for the same role."""
    return Reader(reference, {**options, "style": "shouting"})


def brightness(pixels):
    """Return the mean brightness of a crop, 0 … 1."""
    return float(np.mean(pixels)) / 255 if pixels.size else 0.0
