"""Checks that a file of weights does not become larger than it is when torch reads it.

Files of torch are zip archives, whose records torch writes as they are, but reads compressed ones as well,
and several that share their bytes: 400 kB become 400 MB, and a few MB more than any memory. Python's reader
of archives must see what torch's sees, so only archives without gaps are accepted: Python looks for the list
of records before the record at the end, torch at the place that this one names.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from viper.backends.torch_contents import check_pickle

__all__ = ["check_archive"]

_START = b"PK\x03\x04"
# Files of before 2020 are a row of pickles: a number, a version, facts about the machine, the content, and
# the names of its storages.
_PICKLE = b"\x80\x02"
_PICKLES = 5
_PICKLE_NAME = "data.pkl"
# The record at the end: numbers of disks and records, size and offset of the list, length of a comment.
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")


def check_archive(file: Any) -> None:
    """Check the records of an archive; a file of another format is left to the loader.

    Args:
        file: A path, or an open file that can be read again.

    Raises:
        ValueError: A record is compressed, the records together are larger than the file, or its pickle could
            take for ever.
        OSError: It cannot be read.
    """
    with _opened(file) as stream:
        start_bytes = stream.read(len(_START))
        if start_bytes != _START:
            if start_bytes.startswith(_PICKLE):
                _check_pickles(stream)
            return
        size_bytes = stream.seek(0, os.SEEK_END)
        start = _start_of_list(stream, size_bytes)
        try:
            with zipfile.ZipFile(stream) as archive:
                records = archive.infolist()
                is_same = archive.start_dir == start
                is_plain = all(record.compress_type == zipfile.ZIP_STORED for record in records)
                for record in records if is_plain and is_same else ():
                    if record.filename.endswith(_PICKLE_NAME):
                        with archive.open(record) as inner:
                            check_pickle(inner)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise ValueError(f"it is a damaged archive ({error})") from error
    if not is_same:
        raise ValueError("it is a damaged archive (its list of records is not where it says)")
    if any(record.compress_size != record.file_size for record in records):
        raise ValueError("it holds compressed records, which torch does not write")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise ValueError("it holds compressed records, which torch does not write")
    if sum(record.file_size for record in records) > size_bytes:
        raise ValueError("its records are larger than the file")


def _check_pickles(stream: IO[bytes]) -> None:
    stream.seek(0)
    for _ in range(_PICKLES):
        check_pickle(stream)


def _start_of_list(stream: IO[bytes], size_bytes: int) -> int | None:
    """Return where the list of records begins; None if it does not end where the records at the end begin."""
    at = size_bytes - _END.size
    stream.seek(max(0, at - _LOCATOR_64.size - _END_64.size))
    tail = stream.read()
    if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\5\6"):
        return None  # also if there is a comment
    *_, count, length, offset, comment = _END.unpack(tail[-_END.size :])
    large = tail[: -_END.size]
    locator = large[-_LOCATOR_64.size :]
    if locator.startswith(b"PK\6\7"):
        if len(large) != _END_64.size + _LOCATOR_64.size:
            return None
        _, _, place, _ = _LOCATOR_64.unpack(locator)
        at -= len(large)
        signature, _, _, _, _, _, _, count_64, length_64, offset_64 = _END_64.unpack(
            large[: _END_64.size]
        )
        # One reader takes these numbers, another those of the short record, unless they are full.
        pairs = ((count, count_64, 16), (length, length_64, 32), (offset, offset_64, 32))
        if place != at or signature != b"PK\6\6":
            return None
        if any(short not in (wide, (1 << bits) - 1) for short, wide, bits in pairs):
            return None
        length, offset = length_64, offset_64
    return offset if offset + length == at and not comment else None


@contextlib.contextmanager
def _opened(file: Any) -> Iterator[IO[bytes]]:
    if not hasattr(file, "read"):
        with Path(file).open("rb") as stream:
            yield stream
        return
    at = file.tell()
    file.seek(0)
    try:
        yield file
    finally:
        file.seek(at)
