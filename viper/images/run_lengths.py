"""Checks run-length encoded pixels of BMP and TIFF, which Pillow and libtiff make fit where they do not.

Pillow drops blank lines of a BMP, cuts runs that reach beyond a line, and fills what is left out with color
0; libtiff ignores what a strip holds beyond its rows. There is no checksum, but damage of a header changes a
length. The layouts are those of [MS-WMF] 3.1.6 and of TIFF 6.0, section 9. This module imports no numpy.
"""

from __future__ import annotations

from viper.images.decoding_error import DecodingError

__all__ = ["check_bmp_runs", "check_packbits"]

_END_OF_LINE, _END_OF_IMAGE, _DELTA = 0, 1, 2
# In TIFF: a header that means nothing; a strip may be filled up with them.
_NO_RUN = 128
# A strip takes at most two bytes for each of its samples, and is filled up by a few.
_SPARE_BYTES = 256


def check_bmp_runs(data: memoryview, size_wh: tuple[int, int], bits: int) -> None:
    """Check that each line has as many pixels as the image is wide, and that there are all lines.

    Args:
        data: The pixels, up to the end of the file.
        size_wh: Width and height of the image.
        bits: Of a pixel: 4 or 8.

    Raises:
        DecodingError: A line is shorter, longer, or missing; or pixels are left out.
    """
    width, height = size_wh
    position = x = y = 0
    try:
        while y < height:
            count, value = data[position], data[position + 1]
            position += 2
            if count:
                x += count
            elif value > _DELTA:  # so many pixels, one by one, padded to an even number of bytes
                x += value
                stored = value if bits == 8 else (value + 1) // 2
                position += stored + stored % 2
            elif value == _DELTA:
                raise DecodingError("unsupported", "run lengths that leave pixels out")
            else:
                y += 1
                if x != width or (value == _END_OF_IMAGE and y < height):
                    raise _damaged()
                x = 0
            if x > width or position > len(data):
                raise _damaged()
            if x == width and y == height - 1:
                return  # Pillow reads no further
    except IndexError as error:
        raise _damaged() from error


def check_packbits(data: memoryview, wanted_bytes: int) -> None:
    """Check that a strip or tile holds as many bytes of samples as its rows take.

    Args:
        data: The strip or tile.
        wanted_bytes: Bytes of its samples.

    Raises:
        DecodingError: It holds fewer or more.
    """
    position = produced = 0
    end = len(data)
    if end > 2 * wanted_bytes + _SPARE_BYTES:  # strips that share a long body would take hours
        raise DecodingError(
            "attack", f"{end:,} bytes of run lengths for {wanted_bytes:,} of samples"
        )
    while position < end and produced < wanted_bytes:
        header = data[position]
        if header < _NO_RUN:
            position += header + 2
            produced += header + 1
        elif header > _NO_RUN:
            position += 2
            produced += 257 - header
        else:
            position += 1
    # A byte may be added to make their number even.
    is_over = position > end or len(bytes(data[position:]).strip(bytes([_NO_RUN]))) > 1
    if produced != wanted_bytes or is_over:
        raise DecodingError("damaged", "a strip or tile holds fewer or more bytes than its rows")


def _damaged() -> DecodingError:
    return DecodingError("damaged", "run lengths that do not fit its lines")
