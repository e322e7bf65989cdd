"""Checks the configuration of an untrusted model folder before a loader reads it.

The libraries pass entries of a configuration on as arguments of loaders. Therefore a configuration of
open_clip may have only the entries listed here, and one of transformers, whose entries depend on the
architecture, none that fetch or run something, and no text that names a file. Those of its tokenizer and
processor are checked by `foreign_arguments`. `sealed_loading` and `limited_reading` are the second line of
defense.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from viper.backends.foreign_arguments import arguments_fault, texts_fault, without_places
from viper.backends.foreign_patterns import names_fault
from viper.backends.foreign_tokenizer import tokenizer_fault
from viper.backends.model_source import reason_of
from viper.errors import ConfigError, InputError
from viper.storage.bounded_json import read_json

__all__ = ["check_open_clip", "check_transformers"]

_MOST_BYTES = 20_000_000
# The largest tokenizer has 34 MB and half a million merges.
_MOST_TOKENIZER_BYTES = 100_000_000
_MOST_TOKENIZER_VALUES = 5_000_000
# Tokenizers without a fault, by kind of file and hash: reading the largest again takes a second, and each is
# loaded twice.
_SOUND: dict[tuple[bool, str], None] = {}
_MOST_SOUND = 100

_OPEN_CLIP_TOP = frozenset(
    "embed_dim vision_cfg text_cfg multimodal_cfg quick_gelu init_logit_scale init_logit_bias "
    "nonscalar_logit_scale custom_text".split()
)
_BLOCKS = (
    "width heads layers mlp_ratio ls_init_value output_tokens act_kwargs norm_kwargs block_type qk_norm "
    "scaled_cosine_attn scale_heads scale_attn_inner scale_attn scale_fc pool_type final_ln_after_pool "
)
_VISION = frozenset(
    (
        _BLOCKS
        + "head_width patch_size image_size patch_dropout attentional_pool attn_pooler_queries "
        "attn_pooler_heads no_ln_pre pos_embed_type timm_model_name timm_model_pretrained timm_pool "
        "timm_proj timm_proj_bias timm_drop timm_drop_path"
    ).split()
)
_TEXT = frozenset(
    (
        _BLOCKS
        + "context_length vocab_size hf_tokenizer_name tokenizer_mode tokenizer_kwargs embed_cls pad_id "
        "eos_id no_causal_mask proj_bias proj_type"
    ).split()
)
_DECODER = _TEXT | {"dim_head", "n_queries", "attn_pooler_heads"}
_TABLES: Mapping[str, frozenset[str]] = {
    "act_kwargs": frozenset({"approximate"}),
    "norm_kwargs": frozenset({"eps"}),
    "tokenizer_kwargs": frozenset({"clean", "strip_sep_token", "language", "reduction_mask"}),
}
# A model in timm itself; `hf-hub:` and `local-dir:` refer to other files.
_TIMM_NAME = re.compile(r"[A-Za-z0-9_.]+")

# Tables of tokens, which the loaders read as nothing else.
_VOCABULARIES = frozenset({"vocab.json", "added_tokens.json"})
# Files whose entries become arguments of constructors.
_BECOMES_ARGUMENTS = re.compile(r"^tokenizer_config|^special_tokens_map|processor")
# Names of numbers and the most that they may be; the first pattern that fits counts. Every known model has a
# fifth of these or less.
_MODEL_NUMBERS = (
    # Each makes a list of names or tokens of this length.
    (re.compile(r"^(num_labels|extra_ids|offset)$"), 100_000),
    (re.compile(r"(^|_)(layers?|blocks?|depths?|stages)$|^n_layers?$"), 2_000),
    (re.compile(r"^(num|n)_(?!labels|positions|ctx|embeddings|embd)|_heads?$|experts"), 100_000),
    (re.compile(r"^(n_positions|n_ctx)$"), 200_000),
    (re.compile(r"^(image_size|patch_size|tubelet_size|window_size)$"), 20_000),
    (
        re.compile(r"vocab_size|positions?(_embeddings)?$|(^|_)(size|dim|width|rank|channels)s?$"),
        11_000_000,
    ),
)
# Whole numbers of names that are not known. Those of these names are only calculated with.
_MOST_OTHER = 20_000_000
_CALCULATED = re.compile(
    r"theta|base|length|len|pixels|seed|scale|factor|param|flops|total|bytes|temperature|_id$|^\d+$"
)
_PROCESSOR_NUMBERS = (
    # The sides of an image; some families give a number of pixels in their place.
    (re.compile(r"^(height|width|size|crop_size|image_size|max_(height|width|size))$"), 20_000),
    (re.compile(r"^(shortest_edge|longest_edge|(max|min|total)_pixels)$"), 200_000_000),
    (re.compile(r"_tokens$"), 2_000_000),  # a limit of what is read; videos have many
    (re.compile(r"seq_len|seq_length|^num_|tiles|crops|frames|splits|patches"), 100_000),
)
_SWITCHES = frozenset(
    "trust_remote_code custom_generate allow_all_kernels use_kernels kernel_config".split()
)
# Prefixes of arguments with which timm loads weights; `model_args` are passed to it unchanged.
_FILES_OF_TIMM = ("pretrained", "checkpoint_path", "cache_dir")
_NAMES_OF_TIMM = frozenset({"architecture", "timm_model_name"})
_QUANTIZED = frozenset(
    "awq bitsandbytes bitsandbytes_4bit bitsandbytes_8bit compressed-tensors fp8 gptq mxfp4".split()
)
# Tables of modules, whose names libraries compare as patterns or with wildcards.
_TABLES_OF_MODULES = frozenset(
    "quantization_config compression_config base_model_tp_plan base_model_pp_plan base_model_ep_plan".split()
)


def check_open_clip(folder: Path, displayed: Path | None = None) -> Mapping[str, Any]:
    """Check the configuration of a folder in open_clip's format, and return its `model_cfg`.

    Args:
        folder: A folder that nobody else can change.
        displayed: The folder to name in messages.

    Raises:
        ConfigError: It cannot be read, or holds an entry that is not on the list.
    """
    whole = _read(folder / "open_clip_config.json", displayed)
    path = (displayed or folder) / "open_clip_config.json"
    model = whole.get("model_cfg")
    if not isinstance(model, dict):
        raise ConfigError(
            f"'{path}' has no table 'model_cfg'. Give a folder in open_clip's format."
        )
    _check_entries(path, "model_cfg", model, _OPEN_CLIP_TOP)
    for name, allowed in (
        ("vision_cfg", _VISION),
        ("text_cfg", _TEXT),
        ("multimodal_cfg", _DECODER),
    ):
        _check_entries(path, name, model.get(name, {}), allowed)
    vision = model.get("vision_cfg", {})
    name = vision.get("timm_model_name")
    if name is not None and not _TIMM_NAME.fullmatch(str(name)):
        raise _refusal(path, "vision_cfg.timm_model_name", "must be a name of timm's own list")
    if vision.get("timm_model_pretrained"):
        raise _refusal(path, "vision_cfg.timm_model_pretrained", "would fetch other weights")
    check_transformers(folder, displayed)  # of its tokenizer
    return model


def check_transformers(folder: Path, displayed: Path | None = None) -> None:
    """Check the configurations of a folder in the format of transformers.

    Entries that only say where files were when the model was made are taken out.

    Args:
        folder: A copy that nobody else can change.
        displayed: The folder to name in messages.

    Raises:
        ConfigError: One cannot be read, would fetch or run something, or takes endless time or memory.
    """
    named = displayed or folder
    if (folder / "adapter_config.json").exists():
        raise ConfigError(
            f"'{named}' holds an adapter (adapter_config.json), which loads another model. "
            "Merge the adapter into the model and give that folder."
        )
    for path in sorted(folder.glob("*.json")):
        if path.name == "tokenizer.json" or path.name in _VOCABULARIES:
            _check_tokenizer(path, named)
        elif path.name.endswith(".index.json"):
            shards = _read(path, named).get("weight_map")
            for shard in shards.values() if isinstance(shards, dict) else ():
                if re.search(r"[/\\]", str(shard)):
                    raise _refusal(
                        named / path.name, "weight_map", "names weights outside of the folder"
                    )
        else:
            table = _read(path, named)
            becomes_arguments = _BECOMES_ARGUMENTS.search(path.name) is not None
            is_read = becomes_arguments or "config" in path.name
            if is_read:
                table = _without_places(path, table)
            is_processor = "processor" in path.name
            for place, key, value in _entries(table):
                if reason := _fault(key, value) or number_fault(
                    key, value, of_processor=is_processor
                ):
                    raise _refusal(named / path.name, place, reason)
            check = arguments_fault if becomes_arguments else texts_fault
            if is_read and (found := check(table)):
                raise _refusal(named / path.name, *found)
    for path in sorted(folder.glob("*.txt")):
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(
                f"'{named / path.name}' cannot be loaded: it is larger than {_MOST_BYTES:,} bytes, and no "
                "known vocabulary is. Give another model, or remove the file if it is none."
            )


def _without_places(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    """Take entries out of a file that say where files were when the model was made."""
    kept = without_places(table)
    if kept is not table:
        path.write_text(json.dumps(kept), encoding="utf-8")
    return kept


def _check_tokenizer(path: Path, named: Path) -> None:
    is_vocabulary = path.name in _VOCABULARIES
    # The same bytes are another thing under another name.
    digest = (is_vocabulary, hashlib.sha256(path.read_bytes()).hexdigest())
    if digest in _SOUND:
        return
    if is_vocabulary:
        found = tokenizer_fault({"model": {"vocab": _read(path, named)}})
    else:
        found = tokenizer_fault(
            _read(path, named, max_bytes=_MOST_TOKENIZER_BYTES, max_values=_MOST_TOKENIZER_VALUES)
        )
    if found:
        raise _refusal(named / path.name, *found)
    while len(_SOUND) >= _MOST_SOUND:
        _SOUND.pop(next(iter(_SOUND)))
    _SOUND[digest] = None


def number_fault(key: str, value: Any, *, of_processor: bool) -> str | None:
    """Return why a number, or one in a list, is refused: loops and allocations take its time and memory."""
    if isinstance(value, list):
        faults = (number_fault(key, item, of_processor=of_processor) for item in value[:1000])
        return next(filter(None, faults), None)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    for pattern, most in _PROCESSOR_NUMBERS if of_processor else _MODEL_NUMBERS:
        if pattern.search(key):
            return (
                f"is {min(abs(value), 1e300):.6g}, and more than {most:,}"
                if abs(value) > most
                else None
            )
    if isinstance(value, int) and abs(value) > _MOST_OTHER and not _CALCULATED.search(key):
        return f"is {min(abs(value), 1e300):.6g}, and more than {_MOST_OTHER:,}"
    return None


def _fault(key: str, value: Any) -> str | None:
    """Return why an entry is refused, None if it is not."""
    if key in _SWITCHES and value:
        return "would have code run that it names"
    names = value if key == "model_args" and isinstance(value, dict) else ()
    if any(str(name).startswith(_FILES_OF_TIMM) for name in names):
        return "would have files opened that it names"
    if "attn_implementation" in key or "experts_implementation" in key:
        texts = value.values() if isinstance(value, dict) else [value]
        if any(re.search(r"[/:@]", str(text)) for text in texts):
            return "names a kernel, which is code that would be fetched"
    if key in _NAMES_OF_TIMM and isinstance(value, str) and not _TIMM_NAME.fullmatch(value):
        return "must be a name of timm's own list"
    if key == "backbone" and isinstance(value, str) and re.search(r":|^[./~]|\\", value):
        return "names files of another model"
    if key == "transformers_weights" and isinstance(value, str) and re.search(r"[/\\]", value):
        return "names weights outside of the folder"
    if key == "quantization_config" and isinstance(value, dict):
        method = value.get("quant_method")
        if method not in _QUANTIZED:
            return f"has the method {method!r}; known are {', '.join(sorted(_QUANTIZED))}"
    return names_fault(value) if key in _TABLES_OF_MODULES else None


def _check_entries(path: Path, where: str, table: Any, allowed: frozenset[str]) -> None:
    """Refuse unknown entries of a table, and values that are not plain."""
    if not isinstance(table, dict):
        raise _refusal(path, where, "must be a table")
    for key, value in table.items():
        place = f"{where}.{key}"
        if key not in allowed:
            raise _refusal(path, place, "is not an entry that a model may have here")
        if key in _TABLES:
            _check_entries(path, place, {} if value is None else value, _TABLES[key])
        elif not _is_plain(value) and not (where == "model_cfg" and key.endswith("_cfg")):
            raise _refusal(path, place, "must be a number, a text or a list of numbers")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, (int, float)) for item in value)
    return isinstance(value, (int, float, str, type(None)))


def _entries(value: Any, place: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield place, key and value of every entry of every table, at any depth."""
    if isinstance(value, dict):
        for key, entry in value.items():
            inner = f"{place}.{key}" if place else str(key)
            yield inner, str(key), entry
            yield from _entries(entry, inner)
    elif isinstance(value, list):
        for entry in value:
            yield from _entries(entry, place)


def _read(
    path: Path,
    named: Path | None = None,
    *,
    max_bytes: int = _MOST_BYTES,
    max_values: int = 1_000_000,
) -> dict[str, Any]:
    place, path = path, (named or path.parent) / path.name
    try:
        table = read_json(place, what="configuration", max_bytes=max_bytes, max_values=max_values)
    except (InputError, ValueError) as error:
        cause = reason_of(error).replace(str(place), str(path))
        raise ConfigError(f"'{path}' cannot be loaded: it is not a JSON file ({cause}).") from error
    if not isinstance(table, dict):
        raise ConfigError(f"'{path}' cannot be loaded: it holds no table.")
    return table


def _refusal(path: Path, place: str, reason: str) -> ConfigError:
    return ConfigError(
        f"'{path}' cannot be loaded: its entry {place} {reason}. Give a model without this entry, or remove "
        "it from the file if you know that the model does not need it."
    )
