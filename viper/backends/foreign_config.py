"""Checks the configuration of an untrusted model folder before a loader reads it.

The libraries pass entries of a configuration on as arguments of loaders. Therefore a configuration of
open_clip may have only the entries listed here, and one of transformers, whose entries depend on the
architecture, none that fetch or run something. `sealed_loading` is the second line of defense.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from viper.backends.model_source import one_line
from viper.errors import ConfigError

__all__ = ["check_open_clip", "check_transformers"]

_MOST_BYTES = 20_000_000

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

_CONFIGURATIONS = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "video_preprocessor_config.json",
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


def check_open_clip(folder: Path) -> Mapping[str, Any]:
    """Check the configuration of a folder in open_clip's format, and return its `model_cfg`.

    Raises:
        ConfigError: It cannot be read, or holds an entry that is not on the list.
    """
    path = folder / "open_clip_config.json"
    whole = _read(path)
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
    check_transformers(folder)  # of its tokenizer
    return model


def check_transformers(folder: Path) -> None:
    """Check the configurations of a folder in the format of transformers.

    Raises:
        ConfigError: One cannot be read, or would fetch or run something.
    """
    if (folder / "adapter_config.json").exists():
        raise ConfigError(
            f"'{folder}' holds an adapter (adapter_config.json), which loads another model. "
            "Merge the adapter into the model and give that folder."
        )
    for name in _CONFIGURATIONS:
        path = folder / name
        if path.is_file():
            for place, key, value in _entries(_read(path)):
                if reason := _fault(key, value):
                    raise _refusal(path, place, reason)
    for path in folder.glob("*.index.json"):
        shards = _read(path).get("weight_map")
        for shard in shards.values() if isinstance(shards, dict) else ():
            if re.search(r"[/\\]", str(shard)):
                raise _refusal(path, "weight_map", "names weights outside of the folder")


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
    return None


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


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"'{path}' is too large for a configuration.")
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"'{path}' cannot be loaded: it is not a JSON file ({one_line(error)})."
        ) from error
    if not isinstance(table, dict):
        raise ConfigError(f"'{path}' cannot be loaded: it holds no table.")
    return table


def _refusal(path: Path, place: str, reason: str) -> ConfigError:
    return ConfigError(
        f"'{path}' cannot be loaded: its entry {place} {reason}. Give a model without this entry, or remove "
        "it from the file if you know that the model does not need it."
    )
