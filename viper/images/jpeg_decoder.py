"""Decodes a JPEG with libjpeg, and refuses one whose data end too early or too late.

libjpeg makes pixels of any bytes: where data are missing, the rest becomes gray, and where bytes are damaged,
what follows is shifted. It counts warnings, but Pillow does not show them. What shows is where libjpeg stops
reading. Huffman codes of damaged data need more or fewer bytes than there are, so at the end of each scan, or
part between restart markers, two things must be true:

- without the last bytes, libjpeg still waits for data of the scan;
- with them, and a few more, it looks for the next marker.

It says which by what it does with one more byte: it skips it when it looks for a marker, and otherwise leaves
it until there are more. So nothing is decoded twice. A change that leaves the length of the data as it is
remains unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from PIL import Image, ImageFile
from PIL import _imaging as core

from viper.images.decoding_error import DecodingError
from viper.images.jpeg_segments import JpegScan

__all__ = ["register", "use"]

_CODEC = "viper_jpeg"

# libjpeg reads up to eight bytes ahead; a scan may be followed by as many, since they are no picture.
_AHEAD_BYTES = 8
_SPARE_BYTES = 2
# Around each, libjpeg decodes some kilobytes more slowly. Where markers divide a picture into more parts,
# damage of one that is not checked remains unnoticed, but it costs no more than this part.
_MAX_CHECKS = 128
_BLOCK_BYTES = 4_096
_MARKER_BYTE = b"\xff"
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_RESTART_NUMBERS = bytes(range(0xD0, 0xD8))


def register() -> None:
    """Make the decoder known to Pillow under a name of its own."""
    Image.register_decoder(_CODEC, _JpegDecoder)


def use(image: ImageFile.ImageFile, scans: list[JpegScan]) -> None:
    """Have an image, which Pillow has opened and not decoded, decoded here."""
    register()
    image.tile = [
        tile._replace(codec_name=_CODEC, args=(scans, *(tile.args or ()))) for tile in image.tile
    ]


class _JpegDecoder(ImageFile.PyDecoder):
    """Decodes the whole file in one call."""

    _pulls_fd = True

    def init(self, args: tuple[Any, ...]) -> None:  # Any: of Pillow
        self._scans: list[JpegScan]
        self._scans, self.args = args[0], args[1:]

    def decode(self, buffer: object) -> tuple[int, int]:
        file: IO[bytes] | None = self.fd
        assert file is not None, "Pillow has set it"
        data = file.read()
        feeder = _Feeder(core.jpeg_decoder(self.mode, *self.args), data)
        feeder.decoder.setimage(self.im, self.state.extents())
        try:
            step = 1 + sum(scan.intervals for scan in self._scans) // _MAX_CHECKS
            for scan in self._scans:
                for end in _ends(data, scan, step):
                    feeder.check_end(scan.start, end)
            return feeder.finish()
        finally:
            feeder.decoder.cleanup()


def _ends(data: bytes, scan: JpegScan, step: int) -> Iterator[int]:
    """Yield where parts of a scan between restart markers end: each step-th and the last."""
    if scan.intervals > 1:
        numbers = b"".join(_RESTART.findall(data, scan.start, scan.end))
        count = scan.intervals - 1
        if numbers != (_RESTART_NUMBERS * (1 + count // len(_RESTART_NUMBERS)))[:count]:
            raise _damaged("a restart marker is missing")
        restarts = _RESTART.finditer(data, scan.start, scan.end)
        for restart in islice(restarts, step - 1, None, step):
            yield restart.start()
    yield scan.end


def _damaged(reason: str) -> DecodingError:
    return DecodingError("damaged", f"JPEG: {reason}")


class _Feeder:
    """Hands data to libjpeg in portions, and knows what is left of them."""

    def __init__(self, decoder: Any, data: bytes) -> None:  # Any: of Pillow's C code
        self.decoder = decoder
        self._data = memoryview(data)
        self._position = 0
        self._rest = b""
        self._result: tuple[int, int] | None = None

    def check_end(self, start: int, end: int) -> None:
        """Feed data up to the end of a part of a scan: there, and not before, libjpeg must need no more.

        Args:
            start: Where the scan begins.
            end: Where the part ends.
        """
        end = self._without_marker_bytes(start, end)  # before a marker they fill up
        before = self._without_marker_bytes(
            start, end - _SPARE_BYTES
        )  # here they are halves of pairs
        if before > start and not _RESTART.search(self._data, before, end):
            self._feed(before)
            if self._is_past_scan():
                raise _damaged("data are left over")
        self._feed(end)
        self._give(bytes(_AHEAD_BYTES))
        if not self._is_past_scan():
            raise _damaged("data are missing")

    def _without_marker_bytes(self, start: int, end: int) -> int:
        while end > start:
            block = max(start, end - _BLOCK_BYTES)
            end = block + len(bytes(self._data[block:end]).rstrip(_MARKER_BYTE))
            if end > block:
                break
        return end

    def finish(self) -> tuple[int, int]:
        """Feed what follows the last scan, and return what a decoder of Pillow returns at its end."""
        self._feed(len(self._data))
        if self._result is None:
            raise _damaged("its end is missing")
        return self._result

    def _is_past_scan(self) -> bool:
        """Return whether libjpeg looks for the next marker, or has finished the image."""
        if self._result is not None or self._rest:
            return self._result is not None
        self._give(b"\0")
        waits, self._rest = bool(self._rest), b""
        return not waits

    def _feed(self, end: int) -> None:
        part = self._data[self._position : end]
        self._position = end
        self._give(part)

    def _give(self, part: bytes | memoryview) -> None:
        if self._result is not None:
            return
        data = self._rest + bytes(part) if self._rest else part
        consumed, error = self.decoder.decode(data)
        self._rest = b""
        if consumed < 0:
            self._result = consumed, error
        else:
            self._rest = bytes(data[consumed:])
