r"""A matcher without weights that recognizes colors, and nothing else, from pixels.

    viper ask street.jpg "What color is the bus?" \
        --backend detector=onnx:yolox_nano.onnx --backend matcher=colors

Each pixel is assigned to the eleven basic color terms (Berlin and Kay 1969) by its distance to typical colors
of each in CIELAB. A view is encoded as the shares of these colors, in its middle and where a person wears a
top, trousers and a hat; a text as the color that it names and the region of the garment. Shadows, colored
light and visible backgrounds cause errors; where a color covers a part of the region alone, the answer is in
doubt. Texts without a color are refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from viper.errors import ConfigError
from viper.images.image import Pixels, View
from viper.models.options import BackendOptions
from viper.models.roles import Matcher
from viper.vocabulary.attributes import BASIC_COLORS, named_colors

__all__ = ["ColorMatcher", "color_shares", "load"]

# 2,304 pixels: shares are accurate to about one percent.
_SAMPLES_PER_SIDE = 48
# RGB is looked up in steps of eight; smaller differences do not matter.
_SHIFT = 3

_REGIONS = {
    "middle": (0.2, 0.8, 0.2, 0.8),
    "top": (0.18, 0.55, 0.25, 0.75),
    "trousers": (0.55, 0.92, 0.25, 0.75),
    "head": (0.0, 0.2, 0.25, 0.75),
}
"""Shares of a box, (top, bottom, left, right); all but the first are those of an upright person."""

_WORN = {
    word: region
    for region, words in (
        ("top", "shirt shirts top tops t-shirt tshirt tee jacket jackets coat coats sweater sweatshirt "
                "hoodie blouse vest jersey suit suits dress dresses uniform cardigan tie robe gown "
                "wearing clothes clothing outfit"),
        ("trousers", "pants trousers jeans shorts skirt leggings slacks"),
        ("head", "hat hats cap caps helmet helmets hair beanie hood turban"),
    )
    for word in words.split()
}  # fmt: skip

_TYPICAL: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((45, 62, 40), (30, 45, 28), (55, 55, 30), (22, 30, 19)),
    "orange": ((65, 42, 65), (58, 38, 48)),
    "yellow": (
        (88, -4, 75),
        (80, -10, 50),
        (86, -18, 50),
        (70, 2, 60),
        (92, -6, 30),
        (48, 2, 44),
        (35, 0, 34),
    ),
    "green": ((50, -45, 40), (35, -24, 20), (70, -36, 45), (60, -28, 10), (25, -14, 10)),
    "blue": (
        (34, 45, -75),
        (40, 10, -50),
        (35, 0, -30),
        (65, -10, -30),
        (25, 14, -35),
        (70, -26, -14),
        (20, 3, -18),
    ),
    "purple": ((40, 40, -40), (30, 25, -25), (55, 25, -30)),
    "pink": ((70, 40, 5), (80, 22, 2), (60, 58, 0)),
    "brown": ((40, 15, 28), (33, 14, 26), (30, 11, 18), (55, 12, 25), (70, 7, 22), (20, 8, 10)),
    "black": ((6, 0, 0), (16, 0, -2), (22, 0, 0)),
    "white": ((98, 0, 0), (89, 0, 0), (87, -2, -6)),
    "gray": ((62, 0, 0), (47, 0, 0), (74, 0, -3), (35, 0, -1)),
}
"""Typical colors of each term in CIELAB, set by hand from photographs."""
# Illumination is uneven: lightness matters less than hue and chroma.
_WEIGHTS = np.array((0.6, 1.0, 1.0), np.float32)
# Spread of a term around its typical colors, in units of CIELAB: about four just noticeable differences.
_SPREAD = 9.0

# Share of a color in a view at which the certainty is one half: a red bus has windows.
_HALF_SURE_SHARE = 0.2
# A color that covers a part of a box may be that of the grass around a cat, or of the soup in a bowl; one
# that covers a bit of it, that of the stripes. Of 48 photographed things of which the main color covered
# half, 15 had another color.
_LEAST_UNDECIDED, _MOST_UNDECIDED = 0.06, 0.8


class ColorMatcher(Matcher):
    """Compares the share of a color in a view with the color that a text names."""

    logit_scale = 20.0
    logit_bias = None
    fingerprint = "colors@1"

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (44,): roots of the shares of colors by region."""
        return [_embedded(view.pixels()) for view in views]

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (44,); zero for a text without a color."""
        return [_text_vector(text) for text in texts]

    def certainty(self, cosine: float) -> float:
        """Return the certainty that a view has a color, 0 … 1, from the cosine of their vectors."""
        # The cosine is the root of the share, halved: a view's four regions make up one unit vector.
        share = (2 * max(0.0, cosine)) ** 2
        return share / (share + _HALF_SURE_SHARE)

    def undecided(self, text: str, cosine: float) -> bool:
        """Return whether a color covers a part of a view alone: too little for yes, too much for no."""
        whole = min((_whole_shares()[color] for color in named_colors(text)), default=1.0)
        share = (2 * max(0.0, cosine)) ** 2 / whole
        return _LEAST_UNDECIDED < share < _MOST_UNDECIDED

    def refusal(self, text: str) -> str | None:
        """Return why a text without a color is refused; None if it names one."""
        if named_colors(text):
            return None
        return (
            f"The matcher 'colors' recognizes colors only, and {text!r} names none. For more, run viper "
            "models pull small and ask with --models small."
        )


def color_shares(pixels: Pixels) -> NDArray[np.float32]:
    """Return the share of each color of `BASIC_COLORS` in an image, shape (11,), summing to 1.

    A pixel belongs to several terms, in proportion to its similarity to their typical colors, because people
    disagree: dark red for one is brown for another.
    """
    steps = pixels.astype(np.intp) >> _SHIFT  # (H, W, 3)
    side = 256 >> _SHIFT
    places = (steps[..., 0] * side + steps[..., 1]) * side + steps[..., 2]
    shares: NDArray[np.float32] = _belonging()[places.ravel()].mean(axis=0)
    return shares


@functools.cache
def _whole_shares() -> Mapping[str, float]:
    """Return the share of each color in a view of nothing else; below 1, as people disagree on it."""
    return dict(zip(BASIC_COLORS, map(float, _belonging().max(axis=0)), strict=True))


@functools.cache
def _belonging() -> NDArray[np.float32]:
    """Return how much each of 32,768 RGB values belongs to each term, shape (32768, 11)."""
    steps = np.arange(256 >> _SHIFT) * (1 << _SHIFT) + (1 << _SHIFT) // 2
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).astype(np.uint8)
    lab = _lab(grid).reshape(-1, 1, 3)  # (32768, 1, 3)
    nearest = np.stack(
        [
            (((lab - np.array(_TYPICAL[color], np.float32)) * _WEIGHTS) ** 2)
            .sum(axis=-1)
            .min(axis=1)
            for color in BASIC_COLORS
        ],
        axis=1,
    )
    nearest -= nearest.min(axis=1, keepdims=True)
    belongs = np.exp(-nearest / (2 * _SPREAD**2))
    return np.asarray(belongs / belongs.sum(axis=1, keepdims=True), np.float32)


def _lab(pixels: Pixels) -> NDArray[np.float32]:
    """Return CIELAB of sRGB pixels, shape (…, 3), under D65 (IEC 61966-2-1; CIE 15)."""
    rgb = pixels.astype(np.float32) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ],
        dtype=np.float32,
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883], dtype=np.float32)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _embedded(pixels: Pixels) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    shares = []
    for top, bottom, left, right in _REGIONS.values():
        rows = np.linspace(top * height, bottom * height, _SAMPLES_PER_SIDE, endpoint=False)
        columns = np.linspace(left * width, right * width, _SAMPLES_PER_SIDE, endpoint=False)
        shares.append(color_shares(pixels[np.ix_(rows.astype(int), columns.astype(int))]))
    return np.sqrt(np.concatenate(shares) / len(_REGIONS)).astype(np.float32)


def _text_vector(text: str) -> NDArray[np.float32]:
    regions = list(_REGIONS)
    worn = [_WORN[word] for word in re.findall(r"[a-z-]+", text.lower()) if word in _WORN]
    start = regions.index(worn[-1] if worn else "middle") * len(BASIC_COLORS)
    vector = np.zeros(len(regions) * len(BASIC_COLORS), np.float32)
    for color in named_colors(text):
        vector[start + BASIC_COLORS.index(color)] = 1
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def load(reference: str, options: Mapping[str, str]) -> ColorMatcher:
    """Make the matcher; it has no weights.

    Raises:
        ConfigError: There is a reference or an option; it takes none.
    """
    BackendOptions.read(options, "the colors matcher")
    if reference:
        raise ConfigError(
            f"The matcher 'colors' has no weights and takes no reference, but got {reference!r}. "
            "Write --backend matcher=colors."
        )
    return ColorMatcher()
