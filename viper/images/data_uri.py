"""Pictures inside traces: the whole one without loss, small crops, and one that fits a page.

Everything is a data URI, so that a file with pictures needs no other file and no network.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from viper.images.boxes import Box, pixel_bounds
from viper.images.image import ImageRef
from viper.trace.record import Trace

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Embed", "boxes_of", "crop_uri", "embedded", "page_picture", "picture_uri"]

Embed = Literal["none", "crops", "picture"]
"""What of the picture goes into a trace file."""

CROP_PX = 160
"""Longest edge of an embedded crop: enough to see what it shows, about 4 kB."""

PAGE_PX = 1600
"""Longest edge of the picture of a page: sharp on a large screen, well below a megabyte."""

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


def picture_uri(image: ImageRef) -> str:
    """Return the whole picture as PNG, which loses nothing."""
    return _uri(_pillow(image), "PNG", optimize=False)


def crop_uri(image: ImageRef, box_xyxy: Box, longest_px: int = CROP_PX) -> str:
    """Return what a box shows as a JPEG whose longest edge has at most `longest_px` pixels."""
    bounds = pixel_bounds(box_xyxy, *image.size)
    return _uri(_shrunk(_pillow(image).crop(bounds), longest_px), "JPEG", quality=80)


def page_picture(image: ImageRef) -> str:
    """Return the picture for a page: JPEG, scaled down where it is large; small ones stay exact."""
    picture = _pillow(image)
    if max(picture.size) <= PAGE_PX // 4:
        return _uri(picture, "PNG")
    return _uri(_shrunk(picture, PAGE_PX), "JPEG", quality=85)


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


def _pillow(image: ImageRef) -> Image:
    from PIL import Image

    return Image.fromarray(image.pixels())


def _shrunk(picture: Image, longest_px: int) -> Image:
    if max(picture.size) > longest_px:
        picture.thumbnail((longest_px, longest_px))
    return picture


def _uri(picture: Image, form: Literal["PNG", "JPEG"], **options: Any) -> str:
    held = io.BytesIO()
    picture.save(held, form, **options)
    text = base64.b64encode(held.getvalue()).decode("ascii")
    return f"data:image/{form.lower()};base64,{text}"
