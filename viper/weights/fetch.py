"""Fetches one content: in parts if need be, checked by its size and checksum before it has its name.

A content arrives in `DIGEST.incomplete` beside its place. A cut connection is taken up where it broke
off, at once and also by a later run; only a content whose checksum is right is renamed to `DIGEST`. So
a name in the cache never stands for half a file.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from viper.errors import DownloadError
from viper.weights.cache import PART
from viper.weights.hub import HubFile, Listing, translated

__all__ = ["fetch", "partial_bytes"]

PAUSES_S = (1.0, 2.0, 4.0, 8.0)
"""Pauses before further attempts, counted anew whenever something has arrived."""

_CHUNK_BYTES = 1024 * 1024
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def partial_bytes(blob: Path) -> int:
    """Return how much of a content an earlier run has left."""
    try:
        return _part(blob).stat().st_size
    except OSError:
        return 0


def fetch(listing: Listing, file: HubFile, blob: Path, on_bytes: Callable[[int], None]) -> None:
    """Fetch a content into its place; returns at once when it is there in full size.

    Args:
        listing: The commit that the file belongs to.
        file: What to fetch.
        blob: Where it goes; its folder exists.
        on_bytes: Called with how many bytes are there now, from this run and earlier ones.

    Raises:
        DownloadError: The hub or the disk gave up (what has arrived is kept), or the checksum is
            wrong (it is thrown away).
    """
    if blob.is_file() and blob.stat().st_size == file.size_bytes:
        on_bytes(file.size_bytes)
        return
    part = _part(blob)
    if partial_bytes(blob) > file.size_bytes:
        part.unlink()
    failures = 0
    while not part.exists() or partial_bytes(blob) < file.size_bytes:
        before = partial_bytes(blob)
        trouble = _attempt(listing, file, part, on_bytes)
        if trouble is None:
            break
        failures = 1 if partial_bytes(blob) > before else failures + 1
        if failures > len(PAUSES_S):
            kept = partial_bytes(blob) / 1e6
            raise DownloadError(
                f"{file.path} of '{listing.repository}' could not be fetched: {trouble} "
                f"{kept:.1f} of {file.size_bytes / 1e6:.1f} MB are kept: run the same command again "
                "to go on."
            )
        time.sleep(PAUSES_S[failures - 1])
    _check(listing, file, part)
    part.replace(blob)


def _attempt(
    listing: Listing, file: HubFile, part: Path, on_bytes: Callable[[int], None]
) -> str | None:
    """Fetch until the connection ends; return what went wrong if trying again may help."""
    from huggingface_hub import constants, errors, get_session, hf_raise_for_status
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # lazy there

    done = part.stat().st_size if part.exists() else 0
    # Compressed on the way, neither the size nor a position in the file would be known.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    # The client's default waits for ever.
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with translated(listing.repository, listing.revision):
        try:
            with get_session().stream(
                "GET", listing.url(file), headers=headers, timeout=timeout_s
            ) as response:
                if response.status_code in _TRY_AGAIN:
                    return f"the hub answered with status {response.status_code}."
                if response.status_code == 416:  # it has less than we: begin anew
                    part.unlink(missing_ok=True)
                    return "the hub has no such part."
                hf_raise_for_status(response)
                if not _goes_on(response, done):
                    done = 0
                _write(response, file, part, done, on_bytes)
        except errors.HfHubHTTPError:
            raise
        except errors.HTTPError as error:  # type: ignore[attr-defined] # re-exported
            return f"the connection broke off ({type(error).__name__})."
    if part.stat().st_size < file.size_bytes:
        return "the connection ended too early."
    return None


def _goes_on(response: Any, done: int) -> bool:
    """Tell whether an answer begins where we stopped; a server may ignore the question."""
    told = str(response.headers.get("Content-Range", ""))
    return response.status_code == 206 and told.replace("=", " ").startswith(f"bytes {done}-")


def _write(
    response: Any, file: HubFile, part: Path, done: int, on_bytes: Callable[[int], None]
) -> None:
    try:
        with part.open("ab" if done else "wb") as target:
            for chunk in response.iter_bytes():
                target.write(chunk)
                done += len(chunk)
                on_bytes(min(done, file.size_bytes))
                if done > file.size_bytes:  # more than it is: the checksum will refuse it
                    break
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


def _check(listing: Listing, file: HubFile, part: Path) -> None:
    """Throw a content away whose checksum is not what the hub told."""
    got = _digest(part, file)
    if got != file.digest:
        part.unlink()
        raise DownloadError(
            f"{file.path} of '{listing.repository}' arrived with a wrong checksum "
            f"({file.algorithm} {got[:12]}… instead of {file.digest[:12]}…) and was thrown away. Run "
            "the same command again; if it happens twice, something between you and the hub changes "
            "files."
        )


def _digest(path: Path, file: HubFile) -> str:
    with path.open("rb") as source:
        if file.algorithm == "sha256":
            return hashlib.file_digest(source, "sha256").hexdigest()
        # Git's name of a blob; SHA-1 here finds damage, it does not keep out an attacker.
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        while block := source.read(_CHUNK_BYTES):
            digest.update(block)
        return digest.hexdigest()


def _part(blob: Path) -> Path:
    return blob.with_name(blob.name + PART)
