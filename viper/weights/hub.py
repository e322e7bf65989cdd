"""List the files of a repository of the hub, and translate errors of the hub's client.

One request returns the commit of a revision and its files with sizes and checksums. Endpoint, token and
offline mode are those of huggingface_hub (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`). Messages never
contain a token.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from viper.environment.connections import check_connections
from viper.errors import DownloadError, ViperError, did_you_mean
from viper.storage.bounded_json import parse_json
from viper.weights.cache import COMMIT, REVISION, hub_constants
from viper.weights.hub_request import (
    HubReplyError,
    hub_headers,
    open_reply,
    raise_for_status,
    read_reply,
)

__all__ = ["HubFile", "Listing", "list_repository", "translated"]

_TIMEOUT_S = 20.0
_TOTAL_S = 60.0
# The listing of a repository of ten thousand files has 4 MB.
_MOST_BYTES = 20_000_000
_MOST_FILES = 20_000
# No file system has longer names.
_MOST_PATH_CHARS = 1000
# No single file of a hub is larger; a terabyte is fifty times the largest weights.
_MOST_FILE_BYTES = 1_000_000_000_000
_DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "git-sha1": re.compile(r"[0-9a-f]{40}")}


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a commit."""

    path: str
    size_bytes: int
    digest: str
    """Checksum in hex; also the name of the content in the cache."""
    algorithm: Literal["sha256", "git-sha1"]
    """SHA-256 of the content for large files, the blob id of git for small ones."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit."""

    repository: str
    revision: str
    commit: str
    endpoint: str
    files: tuple[HubFile, ...]

    def url(self, file: HubFile) -> str:
        """Return the download URL of a file."""
        return f"{self.endpoint}/{self.repository}/resolve/{self.commit}/{quote(file.path)}"


def list_repository(
    repository: str, revision: str = "main", suggestions: Iterable[str] = ()
) -> Listing:
    """Return the commit of a revision and its files, as the hub lists them.

    Args:
        repository: Such as `OWNER/NAME`.
        revision: Branch, tag or commit.
        suggestions: Repositories to suggest if there is none with this name.

    Raises:
        DownloadError: The repository or revision does not exist or is not accessible, or the hub is
            unreachable.
        ConfigError: A variable of the environment has a value that no connection can be made with.
    """
    if not REVISION.fullmatch(revision):
        raise DownloadError(
            f"{revision[:100]!r} is no name of a branch, tag or commit. Give another, or none for main."
        )
    check_connections()
    constants = hub_constants()
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined] # lazy there

    endpoint = constants.ENDPOINT
    with translated(repository, revision, suggestions):
        validate_repo_id(repository)
        url = f"{endpoint}/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
        with open_reply(url, hub_headers(), silence_s=_TIMEOUT_S) as reply:
            raise_for_status(reply)
            body = read_reply(reply, max_bytes=_MOST_BYTES, total_s=_TOTAL_S)
        try:
            info = parse_json(body, max_bytes=_MOST_BYTES)
        except ValueError as error:
            raise HubReplyError(str(error)) from error
        commit, entries = info["sha"], info["siblings"]
        if len(entries) > _MOST_FILES:
            raise HubReplyError(f"it lists more than {_MOST_FILES:,} files")
        files = tuple(map(_file, entries))
        if not COMMIT.fullmatch(commit) or (COMMIT.fullmatch(revision) and commit != revision):
            raise HubReplyError("it is about another commit")
    return Listing(repository, revision, commit, endpoint, files)


def _file(entry: Any) -> HubFile:
    """Return a file of a listing; names of folders and files are made of these values.

    Raises:
        ValueError, KeyError, TypeError: It is malformed.
    """
    lfs = entry.get("lfs")
    facts, name, algorithm = (
        (entry, "blobId", "git-sha1") if lfs is None else (lfs, "sha256", "sha256")
    )
    path, size, digest = entry["rfilename"], facts.get("size", 0), facts[name]
    if not isinstance(path, str) or not 0 < len(path) <= _MOST_PATH_CHARS:
        raise HubReplyError(f"it lists a file with the name {str(path)[:60]!r}")
    if type(size) is not int or not 0 <= size <= _MOST_FILE_BYTES:
        raise HubReplyError(f"it lists a file of {str(size)[:30]} bytes")
    if not _DIGESTS[algorithm].fullmatch(digest):
        raise HubReplyError("it lists a file without a checksum")
    return HubFile(path, size, digest, "sha256" if lfs is not None else "git-sha1")


@contextlib.contextmanager
def translated(repository: str, revision: str, suggestions: Iterable[str] = ()) -> Iterator[None]:
    """Raise every error of the hub's client in this block as a one-line error that says what to do.

    Raises:
        DownloadError: In place of the client's error.
    """
    try:
        yield
    except ViperError:
        raise
    # Besides its own errors, the client lets through those of its HTTP library, whatever their class, those
    # of replies that it does not expect, and those of files, such as a token that cannot be read.
    except Exception as error:
        raise DownloadError(_translation(error, repository, revision, suggestions)) from error


def _translation(
    error: Exception, repository: str, revision: str, suggestions: Iterable[str]
) -> str:
    from huggingface_hub import constants, errors

    endpoint = constants.ENDPOINT
    match error:
        case errors.HFValidationError():
            return f"'{repository}' is not a valid model id. Give OWNER/NAME or a preset."
        case errors.OfflineModeIsEnabled():
            return "HF_HUB_OFFLINE is set, so that nothing is fetched. Unset it, or give a folder."
        case errors.RevisionNotFoundError():
            return f"'{repository}' has no revision '{revision}'. Leave --revision out for main."
        case errors.GatedRepoError():
            return (
                f"'{repository}' is gated: accept its terms in the browser at "
                f"{endpoint}/{repository}, then set HF_TOKEN to a token of that account."
            )
        case errors.EntryNotFoundError():
            return f"The hub lists a file of '{repository}' that it does not have. Try again later."
        case errors.RepositoryNotFoundError():
            return (
                f"There is no repository '{repository}' at {endpoint}, or it is private. "
                f"{did_you_mean(repository, dict.fromkeys(suggestions))}"
                "Check the name; for a private one set HF_TOKEN."
            )
        case errors.HfHubHTTPError() if (status := error.response.status_code) in (401, 403):
            return (
                f"The hub refuses '{repository}' ({status}): the token in HF_TOKEN is not valid or "
                "has not the right to read it. Set HF_TOKEN to a token with read access."
            )
        case errors.HfHubHTTPError():
            status = error.response.status_code
            return f"The hub answered for '{repository}' with status {status}. Try again later."
        case TimeoutError():
            return f"The hub at {endpoint} is too slow. Try again later, or check HF_ENDPOINT."
        case HubReplyError():
            return (
                f"The reply of {endpoint} about '{repository}' is not that of a hub: {error}. Check "
                "HF_ENDPOINT."
            )
        case errors.HTTPError():  # type: ignore[attr-defined]
            return (
                f"The hub cannot be reached at {endpoint} ({type(error).__name__}). Check the network, "
                "and HTTPS_PROXY or HF_ENDPOINT if you need them."
            )
        case OSError():
            name = "A file" if error.filename is None else repr(os.fsdecode(error.filename))
            return (
                f"{name} of the hub's client cannot be used: {error.strerror or error}. Check HF_HOME and "
                "HF_TOKEN_PATH, and the network."
            )
    return _invalid_reply(repository, endpoint)


def _invalid_reply(repository: str, endpoint: str) -> str:
    return f"The reply of {endpoint} about '{repository}' is not that of a hub. Check HF_ENDPOINT."
