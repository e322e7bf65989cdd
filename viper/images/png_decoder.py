"""Decodes the pixels of a PNG with Pillow, and refuses one whose data end too early, too late, or damaged.

Pillow's decoder stops when all rows are there, or when the compressed stream ends, and says the same in both
cases: rows that are missing become black, and the checksum at the end of the stream is not compared. So the
data are inflated here, and counted. Pillow gets them as a stream that is not compressed, so that nothing is
inflated twice, and does the rest: filters and passes.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import IO, Any

from PIL import Image, ImageFile
from PIL import _imaging as core

from viper.images.decoding_error import DecodingError
from viper.images.png_chunks import PngLayout, data_chunks

__all__ = ["register", "use"]

_CODEC = "viper_png"

# What zlib has not yet taken of a portion is copied each time.
_PORTION_BYTES = 1 << 15
# A window of 32 kB (RFC 1950), and the head of a block that is not compressed, nor the last (RFC 1951).
_STREAM_HEAD = b"\x78\x01"
_BLOCK_HEAD = b"\0"
_MAX_BLOCK_BYTES = 0xFFFF


def register() -> None:
    """Make the decoder known to Pillow under a name of its own."""
    Image.register_decoder(_CODEC, _PngDecoder)


def use(image: ImageFile.ImageFile, layout: PngLayout) -> None:
    """Have an image, which Pillow has opened and not decoded, decoded here."""
    register()
    image.tile = [tile._replace(codec_name=_CODEC, args=(layout, tile.args)) for tile in image.tile]


class _PngDecoder(ImageFile.PyDecoder):
    """Decodes the whole file in one call."""

    _pulls_fd = True

    def init(self, args: tuple[Any, ...]) -> None:  # Any: of Pillow
        self._layout: PngLayout
        self._layout, self.args = args[0], args[1:]

    def decode(self, buffer: object) -> tuple[int, int]:
        file: IO[bytes] | None = self.fd
        assert isinstance(file, io.BytesIO), "`opened` takes no other file"
        decoder = core.zip_decoder(self.mode, *self.args)
        decoder.setimage(self.im, self.state.extents())
        try:
            with file.getbuffer() as data:
                result: tuple[int, int] = decoder.decode(_STREAM_HEAD)
                for part in _inflated(data, self._layout.data_bytes):
                    size = len(part).to_bytes(2, "little")
                    rest = bytes(255 - byte for byte in size)
                    result = decoder.decode(b"".join((_BLOCK_HEAD, size, rest, part)))
        finally:
            decoder.cleanup()
        if result[0] >= 0:
            raise DecodingError("damaged", "PNG: rows are missing")
        return result


def _inflated(data: memoryview, wanted_bytes: int) -> Iterator[bytes]:
    """Yield the inflated data of a PNG, in parts of at most `_MAX_BLOCK_BYTES`.

    Raises:
        DecodingError: There are fewer or more than wanted, or they are damaged. What is wrong with the end is
            found after all parts were yielded.
    """
    stream, left = zlib.decompressobj(), wanted_bytes
    try:
        for chunk in data_chunks(data):
            for start in range(0, len(chunk), _PORTION_BYTES):
                portion: memoryview | bytes = chunk[start : start + _PORTION_BYTES]
                while not stream.eof:
                    part = stream.decompress(portion, _MAX_BLOCK_BYTES)
                    portion = stream.unconsumed_tail
                    left -= len(part)
                    if left < 0:
                        raise DecodingError("damaged", "PNG: more pixels than its size")
                    if part:
                        yield part
                    if not portion and len(part) < _MAX_BLOCK_BYTES:
                        break
    except zlib.error as error:
        raise DecodingError("damaged", "PNG: its compressed pixels are damaged") from error
    if left or not stream.eof:
        raise DecodingError("damaged", "PNG: pixels are missing")
