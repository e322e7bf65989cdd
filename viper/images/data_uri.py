"""Images as data URIs: the whole image without loss, small crops, or scaled to fit a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any, Literal

from viper.images.boxes import Box, pixel_bounds
from viper.images.image import ImageRef

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["CROP_PX", "crop_uri", "image_uri", "page_image"]

CROP_PX = 160
"""Longest edge of an embedded crop: enough to see what it shows, about 4 kB."""

PAGE_PX = 1600
"""Longest edge of the image on a page: sharp on a large screen, well below a megabyte."""

# Rows and columns of a crop that are averaged for each of its small image; more cannot be seen.
_SAMPLES_PER_PIXEL = 4


def image_uri(image: ImageRef) -> str:
    """Return the whole image as PNG, without loss."""
    return _uri(_pillow(image), "PNG", optimize=False)


def crop_uri(image: ImageRef, box_xyxy: Box, longest_px: int = CROP_PX) -> str:
    """Return the crop of a box as a JPEG whose longest edge has at most `longest_px` pixels."""
    from PIL import Image

    x1, y1, x2, y2 = pixel_bounds(box_xyxy, *image.size)
    # Cut out of the array, and of a large crop every n-th pixel: a bitmap of all pixels may take 270 MB, and
    # a file has hundreds of crops.
    step = max(1, max(x2 - x1, y2 - y1) // (_SAMPLES_PER_PIXEL * longest_px))
    crop = Image.fromarray(image.pixels()[y1:y2:step, x1:x2:step])
    crop.thumbnail((longest_px, longest_px))
    return _uri(crop, "JPEG", quality=80)


def page_image(image: ImageRef) -> str:
    """Return the image for a page: JPEG, scaled down where it is large; small ones stay exact."""
    from viper.images.reduction import bitmap_near

    bitmap = bitmap_near(image.pixels(), PAGE_PX)
    if max(bitmap.size) <= PAGE_PX // 4:
        return _uri(bitmap, "PNG")
    bitmap.thumbnail((PAGE_PX, PAGE_PX))
    return _uri(bitmap, "JPEG", quality=85)


def _pillow(image: ImageRef) -> Image:
    from PIL import Image

    return Image.fromarray(image.pixels())


def _uri(bitmap: Image, form: Literal["PNG", "JPEG"], **options: Any) -> str:
    held = io.BytesIO()
    bitmap.save(held, form, **options)
    text = base64.b64encode(held.getvalue()).decode("ascii")
    return f"data:image/{form.lower()};base64,{text}"
