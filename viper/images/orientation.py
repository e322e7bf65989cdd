"""Says how a picture must be turned: by the EXIF block of its file alone, as browsers and OpenCV take it.

Pillow also takes an orientation from XMP, from texts of PNG, and from a tag of any type: a file would be
shown turned here, and upright elsewhere. The layout is that of TIFF 6.0, section 2; the numbers are those of
tag 0x0112 in CIPA DC-008 (Exif 2.32), section 4.6.4. This module imports neither numpy nor Pillow.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["orientation", "orientation_of_exif"]

_ORIENTATION = 274
_UPRIGHT = 1
_PREFIX = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# SHORT, as the standard says, and LONG, as some programs write.
_FORMS = {3: "H", 4: "I"}
_ENTRY_BYTES = 12
_MOST_TAGS = 1_000


def orientation(image: Image) -> int:
    """Return the orientation in which a decoded image is stored; 1, upright, where its file names none."""
    if image.format == "TIFF":  # Pillow has turned it, by its own tag (`tiff_pages`)
        return _UPRIGHT
    decoder: Any = getattr(image, "_decoder", None)
    if image.format == "AVIF" and decoder is not None:
        # From the properties irot and imir; an EXIF block says nothing there.
        return _valid(decoder.get_info()[5])
    block = image.info.get("exif")
    return orientation_of_exif(block) if isinstance(block, bytes) else _UPRIGHT


def orientation_of_exif(block: bytes) -> int:
    """Return the orientation that an EXIF block names; 1 where it names none, or is broken before."""
    block = block.removeprefix(_PREFIX)
    order = _ORDERS.get(block[:4])
    if order is None:
        return _UPRIGHT
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for place in range(
            start + 2, start + 2 + _ENTRY_BYTES * min(count, _MOST_TAGS), _ENTRY_BYTES
        ):
            tag, kind, values = struct.unpack_from(order + "HHI", block, place)
            if tag == _ORIENTATION:
                if kind not in _FORMS or values != 1:
                    return _UPRIGHT
                return _valid(struct.unpack_from(order + _FORMS[kind], block, place + 8)[0])
    except struct.error:  # broken EXIF data must not make an image unusable
        return _UPRIGHT
    return _UPRIGHT


def _valid(value: object) -> int:
    return value if isinstance(value, int) and value in range(1, 9) else _UPRIGHT
