"""Images inside trace files: the whole one, or small crops of what calls looked at and found.

Everything is a data URI, so that a file with images needs no other file and no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from viper.images.boxes import Box
from viper.images.data_uri import crop_uri, picture_uri
from viper.images.image import ImageRef
from viper.trace.record import Trace

__all__ = ["Embed", "boxes_of", "embedded"]

Embed = Literal["none", "crops", "picture"]
"""How much of the image goes into a trace file."""

_MOST_CROPS = 300
# A program may look at a hundred thousand boxes; a file of a megabyte and a half is what one shares.


def embedded(trace: Trace, image: ImageRef, embed: Embed) -> dict[str, Any]:
    """Return the `embedded` object of a trace file.

    Args:
        trace: The run.
        image: Its picture, with pixels.
        embed: `crops` for a small picture of each box, `picture` for the whole as well.
    """
    parts: dict[str, Any] = {}
    if embed == "picture":
        parts["picture"] = picture_uri(image)
    if embed != "none":
        parts["crops"] = [
            {"box_xyxy": list(box), "data": crop_uri(image, box)}
            for box, _ in zip(boxes_of(trace), range(_MOST_CROPS), strict=False)
        ]
    return parts


def boxes_of(trace: Trace) -> Iterator[Box]:
    """Yield each box that calls looked at or found, once, in order; not the whole picture."""
    seen: set[Box] = {(0.0, 0.0, float(trace.image.width), float(trace.image.height))}
    for call in trace.calls:
        for box in (call.box_xyxy, *_boxes_in(call.arguments), *_boxes_in(call.result)):
            if box is not None and box not in seen:
                seen.add(box)
                yield box


def _boxes_in(value: Any) -> Iterator[Box]:
    match value:
        case {"box_xyxy": [x1, y1, x2, y2]}:
            yield (x1, y1, x2, y2)
        case list() | tuple():
            for item in value:
                yield from _boxes_in(item)
        case dict():
            for item in value.values():
                yield from _boxes_in(item)
