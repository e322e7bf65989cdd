"""Finds the picture among the pages of a TIFF, and has Pillow open it.

Pillow opens the first page. Cameras, scanners and raw converters put a thumbnail there and say so in a tag
(NewSubfileType, or SubfileType in old files); the picture follows as another page, or hangs below the first
one (SubIFDs). Pillow also lacks the layouts of WhiteIsZero for samples of more than 8 bits: such a page is
opened as BlackIsZero, and its samples are inverted afterwards. And it turns a picture by an orientation of
any type: one that is no whole number becomes upright, as elsewhere.

These are changes of a few bytes in a copy of the file. The layout is that of TIFF 6.0, section 2, and of its
supplement 1; in a BigTIFF numbers are wider. This module imports neither numpy nor Pillow.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

from viper.images.decoding_error import DecodingError

__all__ = ["INVERTED", "use_main_page"]

INVERTED = "viper_inverted"
"""Key of `Image.info`: small samples are light, though the tags that Pillow has read say otherwise."""

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS = 254, 255, 256, 257, 258
_PHOTOMETRIC, _ORIENTATION, _SUB_IFDS = 262, 274, 330
_UPRIGHT = 1
# Bits of NewSubfileType: a reduced version of another page, and a mask for another page. A page of a document
# is none of them.
_REDUCED, _MASK = 1, 4
_OLD_REDUCED = 2
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_DEEP_BITS = (12, 16, 32)
_SHORT, _LONG = 3, 4
# Types of whole numbers: BYTE, SHORT, LONG, IFD, LONG8, IFD8.
_NUMBERS = {1: "B", _SHORT: "H", _LONG: "I", 13: "I", 16: "Q", 18: "Q"}
# A thumbnail is among the first; a file may have millions of pages, or a circle of them.
_MOST_PAGES = 64
_MOST_BELOW = 16
_MOST_TAGS = 1_000
# What reading a place outside of the file raises.
_OUTSIDE = (struct.error, ValueError, IndexError, OverflowError)


class _Layout(NamedTuple):
    """How wide the numbers of a file are."""

    order: str
    """As in `struct`."""
    offset: str
    """Type of an offset: "I", in a BigTIFF "Q"."""
    entries: str
    """Type of the number of entries of a page."""
    first: int
    """Where the offset of the first page stands."""


class _Entry(NamedTuple):
    kind: int
    values: int
    """How many there are."""
    place: int
    """Where the value stands, or its offset, if it is longer than an offset."""


class _Page(NamedTuple):
    offset: int
    entries: dict[int, _Entry]
    following: int
    """Offset of the next page; 0 after the last one."""


def use_main_page(file: io.BytesIO) -> bool:
    """Change a TIFF so that its picture is the first page, in a layout that Pillow knows.

    Args:
        file: The whole file; nothing else is changed, nor is the place at which it is read.

    Returns:
        Whether the samples of the picture must be inverted after decoding.

    Raises:
        DecodingError: The first page is not the picture, and the others cannot be read.
    """
    with file.getbuffer() as data:
        reader = _Reader.of(data)
        if reader is None:
            return False
        try:
            page = first = reader.page(reader.first_offset)
        except _OUTSIDE:  # Pillow says what is wrong with it
            return False
        try:
            if reader.serves_another(first):
                page = reader.main_page(first)
            inverted = reader.photometric_of_deep(page)
            turned = reader.strange_orientation(page)
        except _OUTSIDE as error:
            raise DecodingError("damaged", "its pages cannot be read") from error
        layout = reader.layout
    if page.offset != first.offset:
        _write(file, layout.first, struct.pack(layout.order + layout.offset, page.offset))
    if inverted is not None:
        form = layout.order + _NUMBERS[inverted.kind]
        _write(file, inverted.place, struct.pack(form, _BLACK_IS_ZERO))
    if turned is not None:
        head = struct.pack(f"{layout.order}HH{layout.offset}", _ORIENTATION, _SHORT, 1)
        upright = struct.pack(layout.order + "HH", _UPRIGHT, 0)
        _write(file, turned.place - len(head), head + upright)
    return inverted is not None


def _write(file: io.BytesIO, place: int, content: bytes) -> None:
    before = file.tell()
    file.seek(place)
    file.write(content)
    file.seek(before)


class _Reader:
    """Reads the few tags that tell what a page is.

    Args:
        data: The file.
        layout: How wide its numbers are.
    """

    def __init__(self, data: memoryview, layout: _Layout) -> None:
        self._data = data
        self.layout = layout
        self.first_offset = self._number(layout.offset, layout.first)

    @classmethod
    def of(cls, data: memoryview) -> _Reader | None:
        """Return a reader; None for a file that is no TIFF, or is cut."""
        # Some writers have the two bytes of the number the wrong way round, as Pillow knows.
        order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
        if order is None or len(data) < 16:
            return None
        match bytes(data[2:4]):
            case b"*\0" | b"\0*":
                return cls(data, _Layout(order, "I", "H", 4))
            case b"+\0" | b"\0+":
                return cls(data, _Layout(order, "Q", "Q", 8))
            case _:
                return None

    def main_page(self, first: _Page) -> _Page:
        """Return the first page that does not only serve another one."""
        pages = list(self._pages(first))
        for page in pages:
            if not self.serves_another(page):
                return page
        # All say that they are reduced: the largest is the picture.
        return max(pages, key=self._pixels)

    def photometric_of_deep(self, page: _Page) -> _Entry | None:
        """Return the entry to change if a page has deep gray samples of which small ones are light."""
        entry = page.entries.get(_PHOTOMETRIC)
        if (
            entry is None
            or entry.kind not in (_SHORT, _LONG)
            or self._values(page, _PHOTOMETRIC) != [_WHITE_IS_ZERO]
        ):
            return None
        bits = self._values(page, _BITS)
        return entry if len(bits) == 1 and bits[0] in _DEEP_BITS else None

    def strange_orientation(self, page: _Page) -> _Entry | None:
        """Return the entry to change if the orientation of a page is not one whole number."""
        entry = page.entries.get(_ORIENTATION)
        if entry is None or (entry.kind in (_SHORT, _LONG) and entry.values == 1):
            return None
        return entry

    def _pages(self, first: _Page) -> Iterator[_Page]:
        """Yield the pages in their order, each before those below it."""
        seen = {first.offset}
        page = first
        while True:
            yield page
            for offset in self._values(page, _SUB_IFDS, most=_MOST_BELOW):
                if offset not in seen and len(seen) < _MOST_PAGES:
                    seen.add(offset)
                    yield self.page(offset)
            if page.following in seen or not page.following or len(seen) >= _MOST_PAGES:
                return
            seen.add(page.following)
            page = self.page(page.following)

    def serves_another(self, page: _Page) -> bool:
        """Return whether a page is a reduced version of another one, or a mask for it."""
        kinds = self._values(page, _SUBFILE)
        if kinds:
            return bool(kinds[0] & (_REDUCED | _MASK))
        return self._values(page, _OLD_SUBFILE) == [_OLD_REDUCED]

    def _pixels(self, page: _Page) -> int:
        sides = [*self._values(page, _WIDTH), *self._values(page, _HEIGHT)]
        is_mask = any(kind & _MASK for kind in self._values(page, _SUBFILE))
        return 0 if is_mask or len(sides) != 2 else sides[0] * sides[1]

    def page(self, offset: int) -> _Page:
        """Return the tags of the page at an offset; raises one of `_OUTSIDE` if it is not in the file."""
        layout = self.layout
        count = self._number(layout.entries, offset)
        if count > _MOST_TAGS:
            raise ValueError("too many tags")
        place = offset + struct.calcsize("=" + layout.entries)
        head = struct.Struct(f"{layout.order}HH{layout.offset}")
        size = head.size + struct.calcsize("=" + layout.offset)
        entries: dict[int, _Entry] = {}
        for _ in range(count):
            tag, kind, number = head.unpack_from(self._data, place)
            entries.setdefault(tag, _Entry(kind, number, place + head.size))
            place += size
        return _Page(offset, entries, self._number(layout.offset, place))

    def _values(self, page: _Page, tag: int, *, most: int = 1) -> list[int]:
        """Return the first values of a tag; none if there is no such tag, or it holds no whole numbers."""
        entry = page.entries.get(tag)
        if entry is None or entry.kind not in _NUMBERS:
            return []
        form = _NUMBERS[entry.kind]
        width = struct.calcsize("=" + form)
        place = entry.place
        if entry.values * width > struct.calcsize("=" + self.layout.offset):
            place = self._number(self.layout.offset, place)
        # Two values where one is expected are not that one.
        number = min(entry.values, most + 1 if most == 1 else most)
        return [self._number(form, place + width * index) for index in range(number)]

    def _number(self, form: str, place: int) -> int:
        number: int = struct.unpack_from(self.layout.order + form, self._data, place)[0]
        return number
