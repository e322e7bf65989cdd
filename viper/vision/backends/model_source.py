"""Where the files of a model lie: a folder, the hub's cache, or the hub itself.

The hub is asked once, and the commit that it names is pinned. So a model cannot change between two
of its files, the fingerprint is exact, and an unreachable hub is known at once instead of after
minutes of retries. Neither torch nor transformers is imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from viper.errors import ConfigError

__all__ = ["ModelSource", "fingerprint", "hash_file", "locate", "one_line"]

_HUB_TIMEOUT_S = 10.0
# Files of a model folder that decide what the model computes; exports to other runtimes that often
# lie beside them do not.
_WEIGHT_SUFFIXES = frozenset({".safetensors", ".bin", ".json", ".txt", ".model", ".jinja"})


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where the files of a model lie."""

    reference: str
    """As the user wrote it: a folder or a model id of the hub."""
    folder: Path | None
    """The folder, None for a model of the hub."""
    commit: str | None
    """The hub's commit that is loaded, None for a folder."""
    local_files_only: bool
    """Load from the folder or from the hub's cache, without asking the network."""


def locate(
    reference: str,
    *,
    what: str,
    revision: str | None = None,
    local_files_only: bool = False,
    marker: str = "config.json",
) -> ModelSource:
    """Find a model folder, or ask the hub once for the commit of a model id.

    Args:
        reference: Folder or model id.
        what: Role, for messages, as in "detector".
        revision: Branch, tag or commit of a model id.
        local_files_only: Never ask the network.
        marker: File that every model of this kind has.

    Raises:
        ConfigError: Neither a folder with the marker, nor a model of the hub or of its cache.
    """
    text = reference.strip()
    if not text:
        raise ConfigError(
            f"The {what} has no model. Write transformers:FOLDER or transformers:OWNER/NAME."
        )
    path = Path(text).expanduser()
    if path.is_dir():
        if not (path / marker).is_file():
            raise ConfigError(
                f"The folder '{text}' holds no {what}: it has no {marker}. "
                "Give the folder that save_pretrained or a download of the hub has written."
            )
        return ModelSource(text, path, None, local_files_only=True)
    if path.is_file():
        raise ConfigError(f"'{text}' is a file. Give the folder of the {what} that it belongs to.")
    if text.startswith(("/", ".", "~")) or text.count("/") > 1 or "\\" in text:
        raise ConfigError(f"There is no folder '{text}'. Give a folder or a model id OWNER/NAME.")
    return _locate_on_hub(text, what, revision, local_files_only, marker)


def fingerprint(source: ModelSource | str, settings: Mapping[str, object]) -> str:
    """Name the weights and settings: equal fingerprints give equal results.

    Args:
        source: From `locate`; a text is a folder.
        settings: What else decides the result; anything whose `str` is stable.

    Returns:
        As in `owlv2@3f8a…?dtype=float32`: the commit of a hub model, a content hash of a folder.
    """
    if isinstance(source, str):
        source = ModelSource(source, Path(source), None, local_files_only=True)
    version = source.commit or (_hash_folder(source.folder) if source.folder else "unknown")
    query = "&".join(f"{key}={settings[key]}" for key in sorted(settings))
    return f"{source.reference}@{version[:16]}" + (f"?{query}" if query else "")


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one_line(error: BaseException, limit: int = 300) -> str:
    """Return the text of a library's error as one line of at most `limit` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _locate_on_hub(
    reference: str, what: str, revision: str | None, local_files_only: bool, marker: str
) -> ModelSource:
    import huggingface_hub
    from huggingface_hub import errors

    advice = (
        "Give a folder, or fetch the model first where there is a network with: "
        f"hf download {reference}"
    )
    trouble = "the network was not asked (local_files_only)"
    if not local_files_only:
        try:
            commit = (
                huggingface_hub.HfApi()
                .model_info(reference, revision=revision, timeout=_HUB_TIMEOUT_S)
                .sha
            )
            return ModelSource(reference, None, commit, local_files_only=False)
        except errors.HFValidationError:
            raise ConfigError(
                f"'{reference}' is neither a folder here nor the form of a model id. "
                "Give a folder or OWNER/NAME."
            ) from None
        except errors.RevisionNotFoundError as error:
            raise ConfigError(f"The model '{reference}' has no revision '{revision}'.") from error
        except errors.RepositoryNotFoundError as error:
            raise ConfigError(
                f"'{reference}' is neither a folder here nor a model that the hub shows to this "
                "user: the name is wrong, or it is private or gated (then log in with: "
                "hf auth login)."
            ) from error
        # HTTPError is whichever HTTP library the hub's client is built on, re-exported by it;
        # OSError holds its offline mode.
        except (errors.HTTPError, OSError) as error:  # type: ignore[attr-defined] # re-exported
            trouble = f"the hub cannot be reached ({one_line(error, 120)})"
    cached = huggingface_hub.try_to_load_from_cache(reference, marker, revision=revision)
    if not isinstance(cached, str):
        raise ConfigError(
            f"'{reference}' is neither a folder here nor in the hub's cache, and {trouble}. "
            f"{advice}"
        )
    # …/snapshots/COMMIT/config.json
    return ModelSource(reference, None, Path(cached).parent.name, local_files_only=True)


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and path.suffix in _WEIGHT_SUFFIXES and not hidden:
            digest.update(f"{name}\0{hash_file(path)}\n".encode())
    return digest.hexdigest()
