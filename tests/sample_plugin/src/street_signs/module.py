"""The module `signs`: one batched function per method."""

from __future__ import annotations

from importlib.resources import files

from street_signs.reader import brightness, load
from viper.modules import Detection, Module

LANGUAGES = ("en", "de", "fr")


class Mask:
    """What programs hold a handle of."""

    def __init__(self, bits):
        self.bits = bits  # shape (h, w)

    @property
    def pixels(self):
        """How many pixels are set."""
        return int(self.bits.sum())

    @property
    def area(self):
        """Share of the crop that is set."""
        return float(self.bits.mean())


def read_text(model, requests):
    """Read one text per request."""
    model.batches.append(len(requests))
    texts = []
    for request in requests:
        language = request["language"]
        if language in LANGUAGES:
            texts.append(model.text(request.view.pixels(), language))
        else:
            texts.append(ValueError(f"language must be one of {', '.join(LANGUAGES)}."))
    return texts


def bright_mask(model, requests):
    """Return one mask per request."""
    return [Mask(model.bright(r.view.pixels(), r["threshold"])) for r in requests]


def bright_parts(model, requests):
    """Return the halves of each patch, in pixels of its crop."""
    return [_halves(request.view.pixels())[: max(0, request["most"])] for request in requests]


def _halves(pixels):
    height, width = pixels.shape[:2]
    middle = max(1, width // 2)
    halves = [((0, 0, middle, height), pixels[:, :middle])]
    if middle < width:
        halves.append(((middle, 0, width, height), pixels[:, middle:]))
    found = [Detection(box, "bright part", brightness(part)) for box, part in halves]
    return sorted(found, key=lambda detection: -detection.score)


def mask_overlap(model, requests):
    """Return one ratio per request."""
    ratios = []
    for request in requests:
        first, second = request["first"], request["second"] or request["first"]
        small, large = sorted((first.pixels, second.pixels))
        ratios.append(small / large if large else 1.0)
    return ratios


MODULE = Module(
    "signs",
    stub=files("street_signs") / "api.pyi",
    methods={
        "ImagePatch.read_text": read_text,
        "ImagePatch.bright_mask": bright_mask,
        "ImagePatch.bright_parts": bright_parts,
        "mask_overlap": mask_overlap,
    },
    roles={"reader": load},
)
