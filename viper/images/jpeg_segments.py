"""Finds the scans of a JPEG, without decoding them, and refuses what costs or hides more than it should.

A scan is a run of entropy-coded data. `jpeg_decoder.py` compares these with what libjpeg really reads. The
markers are those of ITU-T T.81, annex B. This module imports no numpy and no Pillow.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from viper.images.decoding_error import DecodingError

__all__ = ["JpegScan", "jpeg_scans"]

# Also libtiff's limit. Encoders write about ten; decoding a scan of 20 bytes can take as long as all.
_MAX_SCANS = 100
# A segment holds up to 64 kB: profiles and metadata of the largest photographs take a few hundred.
_MAX_SEGMENTS = 4_000
# Neither a stuffed 0 or FF nor a restart marker: what ends the entropy-coded data.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
# Markers with a segment: frames and tables, end and start of scan, application data, comments.
_SEGMENT_MARKER = re.compile(rb"[\xc0-\xcf\xda-\xdf\xe0-\xef\xfe]")
_END_OF_IMAGE = b"\xd9"
_START_OF_SCAN = b"\xda"
_RESTART_INTERVAL = b"\xdd"
_FRAME = re.compile(rb"[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")
# libjpeg reads them only as a whole, and nobody can tell whether their data are complete.
_ARITHMETIC = re.compile(rb"[\xc9-\xcb\xcd-\xcf]")
_PROGRESSIVE = re.compile(rb"[\xc2\xc6]")
_LOSSLESS = b"\xc3"
_BLOCK_SIDE = 8
_ALL_COEFFICIENTS = (1 << 64) - 1


class JpegScan(NamedTuple):
    """A scan of the first image of a JPEG."""

    start: int
    """Where its entropy-coded data begin in the file."""
    end: int
    """Where they end: the position of the next marker that is no restart marker."""
    intervals: int
    """Number of parts between restart markers."""


class _Frame(NamedTuple):
    """What the header of a frame says."""

    is_progressive: bool
    unit: int
    size: tuple[int, int]
    sampling: dict[int, tuple[int, int]]
    """Component → horizontal and vertical sampling factor."""
    complete: dict[int, int]
    """Component → bit set of the coefficients that scans so far give in full."""

    def note(self, components: bytes, selection: bytes) -> None:
        """Note what a scan of these components gives: first and last coefficient, and bits still missing."""
        seen = _ALL_COEFFICIENTS
        if self.is_progressive:
            first, last, bits = selection[:3] if len(selection) > 2 else (64, 0, 0)
            seen = 0 if bits & 15 or last > 63 else (2 << last) - (1 << min(first, 64))
        for component in components:
            self.complete[component] |= max(seen, 0)

    def minimum_coded_units(self, components: bytes) -> int:
        """Return how many units a scan of these components has."""
        most = [max(factors[axis] for factors in self.sampling.values()) for axis in (0, 1)]
        count = 1
        for axis in (0, 1):
            length = self.size[axis]
            if len(components) == 1:  # a scan of its own has no blocks beyond the edge
                factor = self.sampling[components[0]][axis]
                count *= _up(_up(length * factor, most[axis]), self.unit)
            else:
                count *= _up(length, self.unit * most[axis])
        return count


def jpeg_scans(data: memoryview | bytes) -> tuple[list[JpegScan], bool]:
    """Find the scans of the first image of a JPEG.

    Returns:
        The scans, and whether the JPEG is progressive.

    Raises:
        DecodingError: It has more scans or segments than any encoder writes, or a marker that none writes:
            libjpeg and this function might not agree on where the next segment begins. Or scans are
            missing, or it is coded in a way of which nobody can tell whether it is complete.
    """
    scans: list[JpegScan] = []
    frame: _Frame | None = None
    interval, marker = 0, _MARKER.search(data, 2)
    for _ in range(_MAX_SEGMENTS):
        if marker is None or marker[1] == _END_OF_IMAGE:
            if frame is None or any(seen != _ALL_COEFFICIENTS for seen in frame.complete.values()):
                raise DecodingError("damaged", "scans of the JPEG are missing")
            return scans, frame.is_progressive
        if not _SEGMENT_MARKER.match(marker[1]):
            raise DecodingError("attack", f"a JPEG marker {marker[1].hex()}")
        length = int.from_bytes(data[marker.end() : marker.end() + 2])  # counts its own two bytes
        if length < 2 and marker.end() + 2 <= len(data):
            raise DecodingError("attack", "a JPEG segment without a length")
        position = marker.end() + length
        body = bytes(data[marker.end() + 2 : position])
        following = _MARKER.search(data, position)
        if _FRAME.match(marker[1]):
            if _ARITHMETIC.match(marker[1]):
                raise DecodingError("unsupported", "arithmetic coding")
            frame = _frame(marker[1], body)
        elif marker[1] == _RESTART_INTERVAL:
            interval = int.from_bytes(body[:2])
        elif marker[1] == _START_OF_SCAN:
            if len(scans) >= _MAX_SCANS:
                raise DecodingError("attack", f"more than {_MAX_SCANS} JPEG scans")
            end = following.start() if following else len(data)
            scans.append(JpegScan(position, end, _intervals(frame, body, interval)))
        marker = following
    raise DecodingError("attack", f"more than {_MAX_SEGMENTS:,} JPEG segments")


def _frame(marker: bytes, body: bytes) -> _Frame:
    sampling = {}
    for start in range(6, 6 + 3 * (body[5] if len(body) > 5 else 0), 3):
        component = body[start : start + 2]
        if len(component) < 2 or not component[1] >> 4 or not component[1] & 15:
            raise DecodingError("damaged", "its JPEG frame is cut")
        sampling[component[0]] = (component[1] >> 4, component[1] & 15)
    if not sampling:
        raise DecodingError("damaged", "its JPEG frame has no components")
    unit = 1 if marker == _LOSSLESS else _BLOCK_SIDE
    size = int.from_bytes(body[3:5]), int.from_bytes(body[1:3])
    return _Frame(
        bool(_PROGRESSIVE.match(marker)), unit, size, sampling, dict.fromkeys(sampling, 0)
    )


def _intervals(frame: _Frame | None, header: bytes, interval: int) -> int:
    """Return the number of parts between restart markers of a scan with this header."""
    components = header[1 : 1 + 2 * header[0] : 2] if header else b""
    if frame is None or not components or not frame.sampling.keys() >= {*components}:
        raise DecodingError("damaged", "a JPEG scan of no component")
    frame.note(components, header[1 + 2 * header[0] :])
    return _up(frame.minimum_coded_units(components), interval) if interval else 1


def _up(number: int, divisor: int) -> int:
    return -(-number // divisor)
