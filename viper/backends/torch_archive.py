"""Checks that a file of weights does not become larger than it is when torch reads it.

Files of torch are zip archives, whose records torch writes as they are, but reads compressed ones as well,
and several that share their bytes: 400 kB become 400 MB, and a few MB more than any memory.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

__all__ = ["check_archive"]

_START = b"PK\x03\x04"


def check_archive(file: Any) -> None:
    """Check the records of an archive; a file of another format is left to the loader.

    Args:
        file: A path, or an open file that can be read again.

    Raises:
        ValueError: A record is compressed, or the records together are larger than the file.
        OSError: It cannot be read.
    """
    with _opened(file) as stream:
        if stream.read(len(_START)) != _START:
            return
        size_bytes = stream.seek(0, os.SEEK_END)
        try:
            with zipfile.ZipFile(stream) as archive:
                records = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise ValueError(f"it is a damaged archive ({error})") from error
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise ValueError("it holds compressed records, which torch does not write")
    if sum(record.file_size for record in records) > size_bytes:
        raise ValueError("its records are larger than the file")


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
