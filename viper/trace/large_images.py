"""Takes the large images out of a trace file before it is parsed, and puts them into the trace that was read.

A parser, a check and a validator each copy the texts of a file. Images are by far the largest of them, and
need nothing of that: what stands between the quotation marks is base64 and nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from viper.errors import InputError
from viper.trace.record import Trace

__all__ = ["bytes_without_images", "with_images", "without_images"]

# Longer than any text of a program, of which the sandbox accepts a megabyte.
_IMAGE = re.compile(rb'"(data:image/(?:png|jpeg);base64,)[A-Za-z0-9+/=]{2000000,}"')


def without_images(data: bytes) -> tuple[bytes, dict[str, str]]:
    """Return a JSON text with a short mark in place of each large image, and the images by their marks."""
    parts: list[bytes] = []
    images: dict[str, str] = {}
    end = 0
    for found in _IMAGE.finditer(data):
        # The prefix is kept, so that the schema holds; "#" is not base64, so that no image is such a mark.
        # And the file cannot hold it as a text: nobody knows it before.
        mark = found[1] + f"#{len(images)}-{os.urandom(8).hex()}".encode()
        images[mark.decode("ascii")] = str(
            memoryview(data)[found.start() + 1 : found.end() - 1], "ascii"
        )
        parts += data[end : found.start()], b'"' + mark + b'"'
        end = found.end()
    return (b"".join((*parts, data[end:])) if images else data), images


def with_images(trace: Trace, images: Mapping[str, str]) -> Trace:
    """Return a trace with the images in place of their marks.

    Raises:
        InputError: An image is elsewhere than in `embedded`.
    """
    if not images:
        return trace
    there = trace.embedded
    crops = there.crops if there else ()
    marks = [*(there.images if there else ()), *(crop.data for crop in crops)]
    if there is None or sum(mark in images for mark in marks) != len(images):
        raise InputError("it holds an image outside of embedded. Viper never writes such a trace.")
    made = replace(
        there,
        images=tuple(images.get(image, image) for image in there.images),
        crops=tuple(replace(crop, data=images.get(crop.data, crop.data)) for crop in crops),
    )
    return replace(trace, embedded=made)


def bytes_without_images(data: bytes) -> int:
    """Return the size of a JSON text without its large images."""
    return len(data) - sum(found.end() - found.start() for found in _IMAGE.finditer(data))
