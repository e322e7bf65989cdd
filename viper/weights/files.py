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

from viper.vision.roles import Role

__all__ = ["absent_parts", "needed_files"]

INDEX = "model.safetensors.index.json"
_WHOLE = "model.safetensors"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_OPEN_CLIP = ("open_clip_config.json", "open_clip_model.safetensors")
_BESIDE = frozenset({".json", ".txt", ".model", ".jinja"})
_NAME = re.compile(r"(?:additional_chat_templates/)?[A-Za-z0-9_][\w.+-]*", re.ASCII)
# Only such names are ever written: a listing is a stranger's word.

_PICKLES = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
# Never fetched, but whoever has them on disk got them on purpose.
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")
_READS_TEXT: frozenset[Role] = frozenset({"detector", "matcher", "answerer"})


def needed_files(paths: Iterable[str]) -> list[str]:
    """Return the files to fetch, small ones first, so that weights come when all else is there.

    Args:
        paths: All files of a repository.

    Returns:
        Files in the format of transformers, or of open_clip where only those are there; empty when
        the repository has no safetensors.
    """
    names = [path for path in paths if _NAME.fullmatch(path)]
    weights = [name for name in names if name == _WHOLE]
    # A repository with the whole file may have an index of shards as well.
    weights = weights or [name for name in names if _SHARD.fullmatch(name)]
    if not weights and set(_OPEN_CLIP) <= set(names):
        weights = [_OPEN_CLIP[1]]
    if not weights:
        return []
    beside = [
        name
        for name in names
        if Path(name).suffix in _BESIDE and not (name.endswith(".index.json") and name != INDEX)
    ]
    return sorted(beside) + sorted(weights)


def absent_parts(folder: Path, role: Role | None = None) -> tuple[str, ...]:
    """Say what a model folder lacks to be loaded; empty when nothing is missing.

    Args:
        folder: A folder in the format of the hub.
        role: What the model is for; None asks only for configuration and weights.
    """
    names = {path.name for path in folder.iterdir() if path.exists()}  # broken links do not count
    absent = []
    if not {"config.json", _OPEN_CLIP[0]} & names:
        absent.append("configuration")
    if not _has_weights(folder, names):
        absent.append("weights")
    if role is not None and not names & set(_PROCESSORS):
        absent.append("processor")
    if role in _READS_TEXT and not names & set(_TOKENIZERS):
        absent.append("tokenizer")
    return tuple(absent)


def _has_weights(folder: Path, names: Collection[str]) -> bool:
    if _WHOLE in names or _OPEN_CLIP[1] in names:
        return True
    if INDEX in names:
        try:
            table = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            shards = set(table["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return False
        return bool(shards) and shards <= set(names)
    return any(_PICKLES.fullmatch(name) for name in names)
