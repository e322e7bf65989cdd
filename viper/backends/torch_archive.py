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
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO, Any

from viper.backends.torch_calls import Calls, check_keys
from viper.backends.torch_contents import check_pickle

__all__ = ["check_archive"]

_START = b"PK\x03\x04"
# Files of before 2020 are a row of pickles: a number, a version, facts about the machine, the content, and
# the keys of its storages.
_PICKLES_BEFORE = 3
# Torch's reader of archives takes any case.
_PICKLE_NAME = "data.pkl"
_STORAGES = "data/"
# The record at the end: numbers of disks and records, size and offset of the list, length of a comment.
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")


def check_archive(file: Any, inert: Callable[[], Collection[str]] = tuple) -> None:
    """Check a file of weights before torch reads it.

    Args:
        file: A path, or an open file that can be read again.
        inert: Returns names in the file in whose place something without behavior is called. It is asked
            when the records have been checked.

    Raises:
        ValueError: A record is compressed, the records together are larger than the file, its pickle could
            take for ever or makes tensors that are not stored, or it is no file of torch.
        OSError: It cannot be read.
    """
    with _opened(file) as stream:
        if stream.read(len(_START)) != _START:
            _check_pickles(stream)
            return
        size_bytes = stream.seek(0, os.SEEK_END)
        start = _start_of_list(stream, size_bytes)
        try:
            with zipfile.ZipFile(stream) as archive:
                _check_records(archive, start, size_bytes)
                _check_content(archive, inert())
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise ValueError(f"it is a damaged archive ({error})") from error


def _check_records(archive: zipfile.ZipFile, start: int | None, size_bytes: int) -> None:
    records = archive.infolist()
    if archive.start_dir != start:
        raise ValueError("it is a damaged archive (its list of records is not where it says)")
    if any(record.compress_size != record.file_size for record in records):
        raise ValueError("it holds compressed records, which torch does not write")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise ValueError("it holds compressed records, which torch does not write")
    if sum(record.file_size for record in records) > size_bytes:
        raise ValueError("its records are larger than the file")
    names = {record.filename.casefold() for record in records}
    if len(names) < len(records):
        raise ValueError("it is a damaged archive (two records have one name)")


def _check_content(archive: zipfile.ZipFile, inert: Collection[str]) -> None:
    """Check the pickle of an archive, and that its tensors are in the records."""
    sizes: dict[str, int] = {}
    for record in archive.infolist():
        place = record.filename.casefold().partition("/")[2]
        if place.startswith(_STORAGES):
            key = place.removeprefix(_STORAGES)
            sizes[key] = min(record.file_size, sizes.get(key, record.file_size))
    for record in archive.infolist():
        if record.filename.casefold().endswith(_PICKLE_NAME):
            with archive.open(record) as inner:
                check_pickle(inner, Calls(sizes, inert))


def _check_pickles(stream: IO[bytes]) -> None:
    stream.seek(0)
    for _ in range(_PICKLES_BEFORE):
        check_pickle(stream)
    calls = Calls(None)
    check_pickle(stream, calls)
    check_keys(stream, calls.storages)


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
