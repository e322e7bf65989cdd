"""Which files of a model's repository are needed, and what a folder lacks to be loaded.

A repository of the hub holds a model many times over: as safetensors, as pickles, for other runtimes.
Needed are the safetensors and the small files beside them: configuration, tokenizer, processor.
Pickles and code are never fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

from viper.models.roles import Role

__all__ = ["Library", "absent_parts", "needed_files"]

Library = Literal["transformers", "open_clip"]
"""Whose format of files is meant; some repositories hold both."""

INDEX = "model.safetensors.index.json"
_WHOLE = "model.safetensors"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_OPEN_CLIP_CONFIG = "open_clip_config.json"
_OPEN_CLIP = "open_clip_model.safetensors"
_BESIDE = frozenset({".json", ".txt", ".model", ".jinja"})
_NAME = re.compile(r"(?:additional_chat_templates/)?[A-Za-z0-9_][\w.+-]*", re.ASCII)
# Only such names are ever written: a listing is a stranger's word.

_PICKLES = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
_OPEN_CLIP_PICKLE = "open_clip_pytorch_model.bin"
# Never fetched, but whoever has them on disk got them on purpose.
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")
_READS_TEXT: frozenset[Role] = frozenset({"detector", "matcher", "answerer"})


def needed_files(paths: Iterable[str], library: Library | None = None) -> list[str]:
    """Return the files to fetch, small ones first, so that weights come when all else is there.

    Args:
        paths: All files of a repository.
        library: Whose weights; None is transformers, or open_clip where only those are there.

    Returns:
        The files, empty when the repository has no such weights as safetensors.
    """
    names = [path for path in paths if _NAME.fullmatch(path)]
    weights: list[str] = []
    if library != "open_clip":
        # A repository with the whole file may have an index of shards as well.
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


def absent_parts(
    folder: Path, role: Role | None = None, library: Library = "transformers"
) -> tuple[str, ...]:
    """Say what a model folder lacks to be loaded; empty when nothing is missing.

    Args:
        folder: A folder in the format of the hub.
        role: What the model is for; None asks only for configuration and weights.
        library: Whose configuration and weights.
    """
    names = {path.name for path in folder.iterdir() if path.exists()}  # broken links do not count
    absent = []
    if ("config.json" if library == "transformers" else _OPEN_CLIP_CONFIG) not in names:
        absent.append("configuration")
    if not _has_weights(folder, names, library):
        absent.append("weights")
    if role is not None and not names & set(_PROCESSORS):
        absent.append("processor")
    if role in _READS_TEXT and not names & set(_TOKENIZERS):
        absent.append("tokenizer")
    return tuple(absent)


def _has_weights(folder: Path, names: Collection[str], library: Library) -> bool:
    if library == "open_clip":
        return _OPEN_CLIP in names or _OPEN_CLIP_PICKLE in names
    if _WHOLE in names:
        return True
    if INDEX in names:
        try:
            table = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            shards = set(table["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return False
        return bool(shards) and shards <= set(names)
    return any(_PICKLES.fullmatch(name) for name in names)
