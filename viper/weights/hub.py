"""Asks the hub what a repository holds, and says in one line why it does not answer.

One request tells the commit that a revision stands for, and its files with their sizes and
checksums. The endpoint, the token and the offline mode are those of huggingface_hub (`HF_ENDPOINT`,
`HF_TOKEN`, `HF_HUB_OFFLINE`); a token is in no text that leaves this module.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from viper.errors import DownloadError, did_you_mean
from viper.weights.cache import COMMIT

__all__ = ["HubFile", "Listing", "list_repository", "translated"]

_TIMEOUT_S = 20.0
_DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "git-sha1": re.compile(r"[0-9a-f]{40}")}


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a commit."""

    path: str
    size_bytes: int
    digest: str
    """Checksum in hex; also the name of its content in the cache."""
    algorithm: Literal["sha256", "git-sha1"]
    """`sha256` of the content of a large file; small files have git's SHA-1 of a blob."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit."""

    repository: str
    revision: str
    commit: str
    endpoint: str
    files: tuple[HubFile, ...]

    def url(self, file: HubFile) -> str:
        """Return where a file is fetched from."""
        return f"{self.endpoint}/{self.repository}/resolve/{self.commit}/{quote(file.path)}"


def list_repository(
    repository: str, revision: str = "main", suggestions: Iterable[str] = ()
) -> Listing:
    """Ask the hub for the commit of a revision and for its files.

    Args:
        repository: Such as `OWNER/NAME`.
        revision: Branch, tag or commit.
        suggestions: Repositories that may have been meant where there is none of this name.

    Raises:
        DownloadError: There is no such repository or revision, it may not be read, or the hub does
            not answer.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    files = []
    with translated(repository, revision, suggestions):
        info = api.model_info(
            repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_S
        )
        commit = info.sha or ""
        for entry in info.siblings or ():
            if entry.lfs is not None:
                large = HubFile(entry.rfilename, entry.lfs.size, entry.lfs.sha256, "sha256")
                files.append(large)
            else:
                size, digest = entry.size, entry.blob_id
                files.append(HubFile(entry.rfilename, size or 0, digest or "", "git-sha1"))
    asked_for = not COMMIT.fullmatch(revision) or commit == revision
    well_formed = (
        asked_for
        and COMMIT.fullmatch(commit)
        and all(
            _DIGESTS[file.algorithm].fullmatch(file.digest) and file.size_bytes >= 0
            for file in files
        )
    )
    if not well_formed:  # names of folders and files are made of them
        raise DownloadError(_no_hub(repository, api.endpoint))
    return Listing(repository, revision, commit, api.endpoint, tuple(files))


@contextlib.contextmanager
def translated(repository: str, revision: str, suggestions: Iterable[str] = ()) -> Iterator[None]:
    """Turn every error of the hub's client in this block into one line that says what to do.

    Raises:
        DownloadError: In the place of the client's error.
    """
    from huggingface_hub import constants, errors

    try:
        yield
    except errors.HFValidationError as error:
        raise DownloadError(
            f"'{repository}' has not the form of a model id. Give OWNER/NAME or a preset."
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise DownloadError(
            "HF_HUB_OFFLINE is set, so that nothing is fetched. Unset it, or give a folder."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise DownloadError(
            f"'{repository}' has no revision '{revision}'. Leave --revision out for main."
        ) from error
    except errors.GatedRepoError as error:
        raise DownloadError(_gated(repository, constants.ENDPOINT)) from error
    except errors.EntryNotFoundError as error:
        raise DownloadError(
            f"The hub lists a file of '{repository}' that it does not have. Try again later."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DownloadError(_unknown(repository, constants.ENDPOINT, suggestions)) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise DownloadError(
                f"The hub refuses '{repository}' ({status}): the token in HF_TOKEN is not valid or "
                "has not the right to read it. Set HF_TOKEN to a token with read access."
            ) from error
        raise DownloadError(
            f"The hub answered for '{repository}' with status {status}. Try again later."
        ) from error
    # Whatever HTTP library the client is built on; re-exported by it.
    except errors.HTTPError as error:  # type: ignore[attr-defined]
        reason = type(error).__name__
        raise DownloadError(
            f"The hub cannot be reached at {constants.ENDPOINT} ({reason}). Check the network, and "
            "HTTPS_PROXY or HF_ENDPOINT if you need them."
        ) from error
    except (ValueError, KeyError, TypeError, AssertionError) as error:  # answers of another form
        raise DownloadError(_no_hub(repository, constants.ENDPOINT)) from error


def _no_hub(repository: str, endpoint: str) -> str:
    return (
        f"What {endpoint} says of '{repository}' has not the form of a hub's answer. "
        "Check HF_ENDPOINT."
    )


def _gated(repository: str, endpoint: str) -> str:
    return (
        f"'{repository}' is gated: accept its terms in the browser at {endpoint}/{repository}, then "
        "set HF_TOKEN to a token of that account."
    )


def _unknown(repository: str, endpoint: str, suggestions: Iterable[str]) -> str:
    return (
        f"There is no repository '{repository}' at {endpoint}, or it is private. "
        f"{did_you_mean(repository, dict.fromkeys(suggestions))}"
        "Check the name; for a private one set HF_TOKEN."
    )
