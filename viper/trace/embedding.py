"""Images inside trace files: the whole ones, or small crops of what calls looked at and found.

Everything is a data URI, so that a file with images needs no other file and no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from viper.images.boxes import Box
from viper.images.data_uri import crop_uri, image_uri
from viper.images.image import ImageRef
from viper.images.values import json_patches
from viper.trace.record import Crop, Embedded, Trace

__all__ = ["Embed", "boxes_of", "embedded"]

Embed = Literal["none", "crops", "picture"]
"""How much of the image goes into a trace file."""

# A program may look at 100,000 boxes; with this limit, a file has about 1.5 MB, small enough to share.
_MOST_CROPS = 300


def embedded(trace: Trace, image: ImageRef, embed: Embed) -> Embedded:
    """Return the images that a trace file holds.

    Args:
        trace: The run.
        image: Its image, with pixels.
        embed: `crops` for a small image of each box, `picture` for the whole image as well.
    """
    crops = (Crop(0, box, crop_uri(image, box)) for box in islice(boxes_of(trace), _MOST_CROPS))
    return Embedded((image_uri(image),) if embed == "picture" else (), tuple(crops))


def boxes_of(trace: Trace) -> Iterator[Box]:
    """Yield each box that calls looked at or found, once, in order; not the whole image."""
    listed: set[Box] = {(0.0, 0.0, float(trace.image.width), float(trace.image.height))}
    for call in trace.calls:
        patches = json_patches([call.arguments, call.result])
        for box in (call.box_xyxy, *(tuple(patch["box_xyxy"]) for patch in patches)):
            if box is not None and box not in listed:
                listed.add(box)
                yield box
