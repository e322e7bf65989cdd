"""Finds the files of a model: in a folder, or at a commit in the hub's cache.

Nothing is downloaded unless the reference says `download=true`: a model that is not on disk is an error
that names the command to fetch it (`viper models pull`). Loaders always get a folder. This module
imports neither torch nor transformers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viper.backends.staged_folder import hash_staged, staged
from viper.errors import ConfigError, MissingError
from viper.storage.user_cache import expand_user
from viper.weights.cache import find_on_disk
from viper.weights.files import Library

__all__ = ["ModelSource", "fingerprint", "locate", "reason_of"]

_MODEL_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model on disk."""

    reference: str
    """As the user wrote it: a folder or a model id of the hub."""
    folder: Path
    commit: str | None = None
    """Commit of the hub; None for a folder of the user."""
    loaded: set[str] = field(default_factory=set, compare=False)
    """Hashes of the copies of the folder that were loaded: one, unless it was changed meanwhile."""

    @property
    def version(self) -> str:
        """Name of the content that was loaded, or that is there if nothing was loaded.

        Raises:
            ConfigError: Parts were loaded from different contents.
        """
        if self.commit is not None:
            return self.commit
        if not self.loaded:
            with staged(self.folder) as copy:
                self.loaded.add(hash_staged(copy))
        if len(self.loaded) > 1:
            raise ConfigError(f"'{self.folder}' was changed while it was loaded. Load it again.")
        return next(iter(self.loaded))


def locate(
    reference: str,
    *,
    what: str,
    revision: str | None = None,
    download: bool = False,
    library: Library = "transformers",
    is_model_id: bool = False,
) -> ModelSource:
    """Find a model folder, or the commit of a model id in the hub's cache.

    A reference such as `OWNER/NAME` is a folder of the working directory only if it cannot be a model of
    the hub: without revision and download, and with no such model in the cache. `./OWNER/NAME` is always a
    folder.

    Args:
        reference: Folder or model id.
        what: Role, for messages, as in "detector".
        revision: Branch, tag or commit of a model id; None is main, or the only one on disk.
        download: Fetch a model id that is not on disk.
        library: The library whose file format is needed.
        is_model_id: The reference is not a folder.

    Raises:
        ConfigError: No folder with a configuration, and no model id.
        MissingError: A model id that is not complete in the hub's cache.
        DownloadError: It could not be fetched.
    """
    text = reference.strip()
    if not text:
        raise ConfigError(
            f"The {what} has no model. Write transformers:FOLDER or transformers:OWNER/NAME."
        )
    path = expand_user(text)
    is_path = text.startswith(("/", ".", "~")) or "\\" in text
    is_model_id |= not is_path and (revision is not None or download)
    if not is_model_id and not is_path and _MODEL_ID.fullmatch(text):
        is_model_id = find_on_disk(text, library=library).state == "complete"
    if path.is_dir() and not is_model_id:
        marker = "config.json" if library == "transformers" else "open_clip_config.json"
        if not (path / marker).is_file():
            raise ConfigError(
                f"The folder '{text}' holds no {what}: it has no {marker}. "
                "Give a folder written by save_pretrained or downloaded from the hub."
            )
        return ModelSource(text, path)
    if path.is_file() and not is_model_id:
        raise ConfigError(f"'{text}' is a file. Give the folder of the {what} that it belongs to.")
    if is_path or text.count("/") > 1:
        raise ConfigError(f"There is no folder '{text}'. Give a folder or a model id OWNER/NAME.")
    if not _MODEL_ID.fullmatch(text):
        raise ConfigError(
            f"'{text}' is neither a folder here nor the form of a model id. "
            "Give a folder or OWNER/NAME."
        )
    return _locate_in_cache(text, what, revision, download, library)


def fingerprint(source: ModelSource | str, settings: Mapping[str, object]) -> str:
    """Return an identifier of weights and settings: equal fingerprints mean equal results.

    Args:
        source: From `locate`, after it was loaded; a text is a folder.
        settings: All settings that affect results; values whose `str` is stable.

    Returns:
        As in `owlv2@3f8a…?dtype=float32`: with the commit of a hub model or the content hash of a folder.
    """
    if isinstance(source, str):
        source = ModelSource(source, Path(source))
    version = source.version
    query = "&".join(f"{key}={settings[key]}" for key in sorted(settings))
    return f"{source.reference}@{version[:16]}" + (f"?{query}" if query else "")


def reason_of(error: BaseException, limit: int = 300) -> str:
    """Return the text of a library's error as one line of at most `limit` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _locate_in_cache(
    reference: str, what: str, revision: str | None, download: bool, library: Library
) -> ModelSource:
    found = find_on_disk(reference, revision, library=library)
    if found.state != "complete" and download:
        from viper.weights.pull import pull

        pull(reference, revision or "main", library=library)
        found = find_on_disk(reference, revision, library=library)
    command = f"viper models pull {reference}"
    if revision is not None:
        command += f" --revision {revision}"
    if library != "transformers":
        command += f" --library {library}"
    if found.folder is None:
        at = "" if revision is None else f" at revision '{revision}'"
        raise MissingError(
            f"The {what} '{reference}'{at} is neither a folder here nor in the hub's cache. Give a "
            f"folder, or fetch it with: {command}"
        )
    if found.missing:
        raise MissingError(
            f"The {what} '{reference}' is only partly on disk: missing {', '.join(found.missing)}. "
            f"Fetch the rest with: {command}"
        )
    return ModelSource(reference, found.folder, found.commit)
