"""Download one file of the hub, resuming after interruptions and verifying size and checksum.

The content is written to `DIGEST.incomplete` next to its destination. An interrupted download is resumed at
once, and also by a later run. It is renamed to `DIGEST` only if its checksum is correct, so the cache
never contains a truncated file under its final name.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from viper.errors import DownloadError
from viper.storage.below import open_below, rename
from viper.weights.cache import PART
from viper.weights.hub import HubFile, Listing, translated
from viper.weights.hub_request import hub_headers, open_reply, raise_for_status

__all__ = ["fetch", "is_complete", "partial_bytes"]

PAUSES_S = (1.0, 2.0, 4.0, 8.0)
"""Pauses between attempts; the count restarts whenever enough has arrived (`_enough`)."""

# Slower connections count as broken off: a server may send a byte just before each limit of silence.
_LEAST_BYTES_PER_S = 1_000
_WINDOW_S = 60.0

_RETRIED = frozenset({408, 429, 500, 502, 503, 504})


def partial_bytes(blob: Path) -> int:
    """Return the size of the partial download of an earlier run."""
    return _size_bytes(_part(blob)) or 0


def is_complete(blob: Path, file: HubFile) -> bool:
    """Return whether the content of a file is on disk in full."""
    # The hub's own tools keep contents that several models share in one store inside of the cache.
    real = blob.resolve()
    is_inside = real.is_relative_to(blob.parents[2].resolve())
    return is_inside and _size_bytes(real) == file.size_bytes


def _size_bytes(path: Path) -> int | None:
    """Return the size of a regular file; None where there is none, or a link, which may lead anywhere."""
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def fetch(listing: Listing, file: HubFile, blob: Path, on_bytes: Callable[[int], None]) -> None:
    """Download the content of a file; return at once if it is complete on disk.

    Args:
        listing: The commit that the file belongs to.
        file: The file.
        blob: Destination; its folder exists.
        on_bytes: Called with the number of bytes on disk, from this run and earlier ones.

    Raises:
        DownloadError: The hub or the disk failed (partial downloads are kept), or the checksum is wrong
            (the content is deleted).
    """
    if is_complete(blob, file):
        on_bytes(file.size_bytes)
        return
    part = _part(blob)
    if partial_bytes(blob) > file.size_bytes:
        part.unlink()
    failures = 0
    while _size_bytes(part) is None or partial_bytes(blob) < file.size_bytes:
        before = partial_bytes(blob)
        reason = _attempt(listing, file, part, on_bytes)
        if reason is None:
            break
        failures = 1 if partial_bytes(blob) - before >= _enough(file) else failures + 1
        if failures > len(PAUSES_S):
            raise DownloadError(
                f"{file.path} of '{listing.repository}' could not be fetched: {reason} "
                f"{partial_bytes(blob) / 1e6:.1f} of {file.size_bytes / 1e6:.1f} MB are kept: run the "
                "same command again to go on."
            )
        time.sleep(PAUSES_S[failures - 1])
    _check(listing, file, part)
    rename(part, blob, below=blob.parent)


def _attempt(
    listing: Listing, file: HubFile, part: Path, on_bytes: Callable[[int], None]
) -> str | None:
    """Download until the connection ends; return the reason of a failure that a retry may fix."""
    from huggingface_hub import constants, errors

    done = _size_bytes(part) or 0
    headers = hub_headers()
    if done:
        headers["Range"] = f"bytes={done}-"
    # The default of the client is no timeout.
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with translated(listing.repository, listing.revision):
        try:
            with open_reply(listing.url(file), headers, silence_s=timeout_s) as response:
                if response.status_code in _RETRIED:
                    return f"the hub answered with status {response.status_code}."
                if (
                    response.status_code == 416
                ):  # the file is shorter than the partial download: start over
                    part.unlink(missing_ok=True)
                    return "the hub has no such part."
                raise_for_status(response)
                _write(response, file, part, done if _resumes(response, done) else 0, on_bytes)
        except TimeoutError:
            return "the hub is too slow."
        except errors.HfHubHTTPError:
            raise
        except errors.HTTPError as error:  # type: ignore[attr-defined] # re-exported
            return f"the connection broke off ({type(error).__name__})."
    if (_size_bytes(part) or 0) < file.size_bytes:
        return "the connection ended too early."
    return None


def _resumes(response: Any, done: int) -> bool:
    """Return whether a response starts at the requested byte; a server may ignore the range."""
    content_range = str(response.headers.get("Content-Range", "")).replace("=", " ")
    return response.status_code == 206 and content_range.startswith(f"bytes {done}-")


def _write(
    response: Any, file: HubFile, part: Path, done: int, on_bytes: Callable[[int], None]
) -> None:
    since, done_since = time.monotonic(), done
    try:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if done else os.O_TRUNC)
        with os.fdopen(open_below(part, flags, below=part.parent), "wb") as target:
            for chunk in response.iter_raw():
                target.write(chunk)
                done += len(chunk)
                on_bytes(min(done, file.size_bytes))
                if done > file.size_bytes:  # too long: the checksum will fail
                    break
                if (passed_s := time.monotonic() - since) > _WINDOW_S:
                    if done - done_since < _LEAST_BYTES_PER_S * passed_s:
                        break  # too short, so that another attempt follows
                    since, done_since = time.monotonic(), done
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        if error.errno is None:  # an error of the client, not of the disk
            raise
        raise DownloadError(
            f"{file.path} cannot be written to {str(part.parent)!r}: "
            f"{error.strerror}. Make room, or set HF_HOME to a folder on another disk; what has "
            "arrived is kept."
        ) from error


def _enough(file: HubFile) -> int:
    """Return the bytes that make an attempt a success: a server may break off after every byte."""
    return min(1_000_000, max(1, file.size_bytes // 50))


def _check(listing: Listing, file: HubFile, part: Path) -> None:
    """Delete a download whose checksum differs from the hub's."""
    digest = hashlib.sha256()
    if file.algorithm == "git-sha1":
        # The blob id of git. SHA-1 detects damage here; it does not stop an attacker.
        header = f"blob {_size_bytes(part)}\0".encode()
        digest = hashlib.sha1(header, usedforsecurity=False)
    with os.fdopen(open_below(part, os.O_RDONLY, below=part.parent), "rb") as source:
        hashlib.file_digest(source, lambda: digest)
    actual = digest.hexdigest()
    if actual != file.digest:
        part.unlink()
        raise DownloadError(
            f"{file.path} of '{listing.repository}' arrived with a wrong checksum "
            f"({file.algorithm} {actual[:12]}… instead of {file.digest[:12]}…) and was deleted. Run "
            "the same command again; if it happens twice, something between you and the hub changes "
            "files."
        )


def _part(blob: Path) -> Path:
    return blob.with_name(blob.name + PART)
