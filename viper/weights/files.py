"""Select the files of a repository that a model needs, and check a folder for missing parts.

A repository may contain a model in several formats: safetensors, pickles, other runtimes. Only the
safetensors and the small files beside them are needed: configuration, tokenizer, processor. Pickles and code
are never downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

from viper.errors import InputError
from viper.models.roles import Role
from viper.storage.bounded_json import read_json

__all__ = ["Library", "missing_parts", "needed_files"]

Library = Literal["transformers", "open_clip"]
"""File format of a model; some repositories contain both."""

INDEX = "model.safetensors.index.json"
_WHOLE = "model.safetensors"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_OPEN_CLIP_CONFIG = "open_clip_config.json"
_OPEN_CLIP = "open_clip_model.safetensors"
_BESIDE = frozenset({".json", ".txt", ".model", ".jinja"})
# Only such names are ever written to disk: listings are untrusted.
_NAME = re.compile(r"(?:additional_chat_templates/)?[A-Za-z0-9_][\w.+-]*", re.ASCII)

# Never downloaded; on disk they are accepted, because the user put them there.
_PICKLES = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
_OPEN_CLIP_PICKLE = "open_clip_pytorch_model.bin"
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")
_READS_TEXT: frozenset[Role] = frozenset({"detector", "matcher", "answerer"})


def needed_files(paths: Iterable[str], library: Library | None = None) -> list[str]:
    """Return the files to download, weights last.

    Args:
        paths: All files of a repository.
        library: Format of the weights; None is transformers, or open_clip if there are no others.

    Returns:
        The files; empty if the repository has no such weights as safetensors.
    """
    names = [path for path in paths if _NAME.fullmatch(path)]
    weights: list[str] = []
    if library != "open_clip":
        # A repository with a single file may contain shards as well.
        weights = [name for name in names if name == _WHOLE]
        weights = weights or [name for name in names if _SHARD.fullmatch(name)]
    if library != "transformers" and not weights and _OPEN_CLIP_CONFIG in names:
        weights = [name for name in names if name == _OPEN_CLIP]
    if not weights:
        return []
    beside = [
        name
        for name in names
        if Path(name).suffix in _BESIDE and not (name.endswith(".index.json") and name != INDEX)
    ]
    return sorted(beside) + sorted(weights)


def missing_parts(
    folder: Path, role: Role | None = None, library: Library = "transformers"
) -> tuple[str, ...]:
    """Return the parts that a model folder needs but lacks.

    Args:
        folder: A folder in the format of the hub.
        role: Role of the model; None requires only configuration and weights.
        library: Format of the model.
    """
    names = {path.name for path in folder.iterdir() if path.exists()}  # broken links do not count
    config = "config.json" if library == "transformers" else _OPEN_CLIP_CONFIG
    present = {
        "configuration": config in names,
        "weights": _has_weights(folder, names, library),
        "processor": role is None or not names.isdisjoint(_PROCESSORS),
        "tokenizer": role not in _READS_TEXT or not names.isdisjoint(_TOKENIZERS),
    }
    return tuple(part for part, is_present in present.items() if not is_present)


def _has_weights(folder: Path, names: Collection[str], library: Library) -> bool:
    if library == "open_clip":
        return _OPEN_CLIP in names or _OPEN_CLIP_PICKLE in names
    if _WHOLE in names:
        return True
    if INDEX in names:
        try:
            index = read_json(folder / INDEX, what="index", max_bytes=20_000_000)
            shards = set(index["weight_map"].values())
        except (InputError, ValueError, KeyError, AttributeError, TypeError):
            return False
        return bool(shards) and shards <= set(names)
    return any(_PICKLES.fullmatch(name) for name in names)
