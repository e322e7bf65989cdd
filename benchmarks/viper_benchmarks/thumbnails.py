"""Images in a report: small copies of images in the folder of the data, and of no other file.

A report is sent to others, and both a data file and the folder of a run may come from others, who may name
any file of this machine. So what is shown is the image that the data give for the id of a sample, whatever
the row of a run says, and it lies in the folder that the user named with `--data`, links resolved.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from viper.errors import ViperError
from viper_benchmarks.sample import Sample

__all__ = ["Thumbnail", "images_of", "may_show", "thumbnail"]

_LONGEST_SIDE = 460
_JPEG_QUALITY = 80


class Thumbnail(NamedTuple):
    """A small copy of an image for the page, or why there is none."""

    source: str
    """A data URI; empty if there is none."""
    size: tuple[int, int]
    """(width, height) of the image in pixels: the frame of its boxes."""
    missing: str = ""
    """Why it is not shown; empty if it is."""


def images_of(samples: Iterable[Sample], ids: Collection[str]) -> dict[str, Path]:
    """Return the images of the samples with some ids."""
    return {sample.id: sample.image for sample in samples if sample.id in ids}


def may_show(image: Path, folder: Path | None) -> bool:
    """Return whether an image lies in the folder of the data, links resolved."""
    try:
        return _is_inside(image.resolve(strict=True), folder)
    except (OSError, RuntimeError, ValueError):
        return False


def _is_inside(file: Path, folder: Path | None) -> bool:
    return folder is not None and file.is_relative_to(folder.resolve())


def thumbnail(image: Path | None, folder: Path | None) -> Thumbnail:
    """Return a small copy of an image if it may be shown.

    Args:
        image: The file; None if the data have no such sample.
        folder: The folder of the data; without it, nothing is shown.
    """
    from PIL import Image

    from viper.images.decoding import open_image

    if image is None:
        return _missing("its sample is not in the data")
    try:
        # What is checked is what is opened: no link is followed again.
        file = image.resolve(strict=True)
        inside = _is_inside(file, folder)
    except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a null character
        return _missing("cannot be read")
    if not inside:
        return _missing("not shown: it is outside of the folder of the data")
    try:
        opened = open_image(file)
    except ViperError:  # of one image, or of the machine: a report is not lost for a picture
        return _missing("cannot be read")
    small = Image.fromarray(opened.pixels())
    small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    coded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{coded}", opened.size)


def _missing(why: str) -> Thumbnail:
    return Thumbnail("", (0, 0), why)
