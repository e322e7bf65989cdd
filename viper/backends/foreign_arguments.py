"""Checks the entries of configurations that become arguments of constructors of tokenizers and processors.

    fault = arguments_fault(table)      # of tokenizer_config.json, preprocessor_config.json and the like
    fault = texts_fault(table)          # of config.json, whose names depend on the architecture

Libraries pass such entries on by name, and a text may be taken for a file to open: `vocab`, `gguf_file`,
`class_info_file`, `sp_model_kwargs`. So a text is allowed under a name that is listed here only, and in the
form that this name has. A number opens nothing, whatever its name is.

`limited_reading` is the second line of defense.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["arguments_fault", "texts_fault", "without_places"]

_MOST_TOKEN_CHARS = 1_000
_MOST_PATH_CHARS = 4_096
_MOST_DEPTH = 20

# A word of the library, such as "channels_first" or "CLIPTokenizer"; also "en_XX" or "|".
_WORD = re.compile(r"[\w .:|<>+-]{0,100}")
_WORDS = re.compile(
    r"(_type|_class|_side|_lang|_strategy|_format|_mode|dtype|_version)$"
    r"|^(language|language_codes|task|truncation|padding|errors|backend|format|mode|prefix|device|resample"
    r"|interpolation|replace_word_delimiter_char|dialect|return_tensors)$"
)
_LISTS_OF_WORDS = frozenset({"model_input_names", "_valid_processor_keys", "langs"})
_TABLES_OF_WORDS = frozenset({"id2lang", "lang2id"})
# Special tokens: any text, or a table that describes one.
_TOKENS = re.compile(r"_tokens?(_\d+)?$|^(never_split|model_specific_special_tokens)$")
_OF_TOKEN = frozenset("content lstrip rstrip normalized single_word special id __type".split())
_ADDED = "added_tokens_decoder"
_TEMPLATE = "chat_template"
# The name of a class in a Python file, which is never run.
_CODE = "auto_map"
_CODE_NAME = re.compile(r"[\w./-]{1,200}")
# Given here, they would not be checked as files are.
_ONLY_IN_FILES = frozenset({"vocab", "merges"})
# Of sentencepiece, and of byte pair encodings.
_RANDOM = frozenset({"enable_sampling", "dropout"})
# Tables whose entries are no arguments.
_OWN_TABLES = _TABLES_OF_WORDS | _ONLY_IN_FILES | {_ADDED, _TEMPLATE, _CODE}

# Where the model was on the machine of its author, and texts that only other programs use. Nothing reads
# them, so they are taken out; under any other name a text that looks like a path is refused.
_PLACES = frozenset(
    "special_tokens_map_file tokenizer_file vocab_file merges_file cache_dir response_schema "
    "response_template".split()
)
# Of the model that this one was made from; a name of the hub stays.
_NAMES = frozenset({"_name_or_path", "name_or_path", "model_name_or_path"})
_MODEL_ID = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)?", re.ASCII)
_URL = re.compile(r"https?://")
# Texts for people and for the model, which libraries show or compare.
_FREE_TEXTS = frozenset({"id2label", "label2id", "stop_strings", _TEMPLATE})


def without_places(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table without entries that only say where files were when the model was made.

    A table without such entries is returned as it is. Names of models of the hub stay.
    """
    kept: dict[str, Any] = {}
    for key, value in table.items():
        if key in _PLACES and isinstance(value, (str, dict, list)):
            continue
        if key in _NAMES and value is not None and not _is_model_id(value):
            continue
        kept[key] = without_places(value) if isinstance(value, dict) else value
    same = len(kept) == len(table) and all(kept[key] is value for key, value in table.items())
    return table if same else kept


def arguments_fault(table: dict[str, Any]) -> tuple[str, str] | None:
    """Return the place and the reason of an entry that no constructor may get; None if there is none."""
    for place, key, value in _arguments(table, "", _MOST_DEPTH):
        if key in _RANDOM and value:
            return place, "makes tokens at random"
        if not _is_argument(key, value):
            return place, "is not an entry that a tokenizer or processor may have here"
    return None


def texts_fault(table: dict[str, Any]) -> tuple[str, str] | None:
    """Return the place and the reason of a text that names a file, or could; None if there is none."""
    waiting: list[tuple[str, str, Any]] = [("", "", table)]
    while waiting:
        place, key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{place}.{k}".lstrip("."), str(k), v) for k, v in value.items()]
        elif isinstance(value, list):
            waiting += [
                (place, key, entry) for entry in value if not isinstance(entry, (int, float))
            ]
        elif isinstance(value, str) and _is_path(value):
            names = place.split(".")
            if not _TOKENS.search(key) and _FREE_TEXTS.isdisjoint(names) and _CODE not in names:
                return place, f"is the path of a file ({value[:60]!r})"
    return None


def _arguments(table: dict[str, Any], place: str, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield place, name and value of every entry, and of those of tables that hold arguments."""
    for key, value in table.items():
        inner = f"{place}.{key}".lstrip(".")
        is_leaf = key in _OWN_TABLES or _TOKENS.search(key) is not None
        if isinstance(value, dict) and depth and not is_leaf:
            yield from _arguments(value, inner, depth - 1)
        else:
            yield inner, key, value


def _is_argument(key: str, value: Any) -> bool:
    if _is_numbers(value):
        return True
    if key in _ONLY_IN_FILES:
        return False
    if key == _ADDED:
        return isinstance(value, dict) and all(map(_is_token, value.values()))
    if _TOKENS.search(key):
        is_table = isinstance(value, dict) and "content" not in value
        parts = value.values() if is_table else value if isinstance(value, list) else [value]
        return all(map(_is_token, parts))
    if key in _NAMES:
        return _is_model_id(value)
    if key == _TEMPLATE:
        return _is_template(value)
    if key == _CODE:
        texts = value.values() if isinstance(value, dict) else [value]
        flat = [name for text in texts for name in (text if isinstance(text, list) else [text])]
        return all(name is None or _matches(_CODE_NAME, name) for name in flat)
    if key in _LISTS_OF_WORDS:
        return isinstance(value, list) and all(_matches(_WORD, word) for word in value)
    if key in _TABLES_OF_WORDS:
        return isinstance(value, dict) and all(
            _is_numbers(word) or _matches(_WORD, word) for word in value.values()
        )
    return bool(_WORDS.search(key)) and _matches(_WORD, value) and not os.path.isfile(value)  # noqa: PTH113


def _is_numbers(value: Any) -> bool:
    """Return whether a value is nothing, a number, or a list of such."""
    if isinstance(value, list):
        return all(map(_is_numbers, value))
    return value is None or isinstance(value, (bool, int, float))


def _is_token(value: Any) -> bool:
    if isinstance(value, dict):
        return (
            value.keys() <= _OF_TOKEN
            and _matches(_WORD, value.get("__type", ""))
            and isinstance(value.get("content"), str)
            and all(_is_numbers(value[key]) for key in value.keys() - {"content", "__type"})
        ) and len(value["content"]) <= _MOST_TOKEN_CHARS
    return value is None or (isinstance(value, str) and len(value) <= _MOST_TOKEN_CHARS)


def _is_template(value: Any) -> bool:
    if isinstance(value, list):  # tables of a name and a text
        return all(isinstance(part, dict) and _is_template(part) for part in value)
    if isinstance(value, dict):
        return all(isinstance(text, str) for text in value.values())
    return isinstance(value, str)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_model_id(value: Any) -> bool:
    return _matches(_MODEL_ID, value) and not os.path.exists(value)  # noqa: PTH110


def _is_path(text: str) -> bool:
    """Return whether a text names a file that exists, or one outside of the model, or has folders."""
    if not text or len(text) > _MOST_PATH_CHARS or "\0" in text:
        return False
    if re.match(r"[/\\~]|[A-Za-z]:[/\\]|\.\.?(?:[/\\]|$)", text):
        return True
    has_folders = re.search(r"[/\\]", text) is not None
    if os.path.isfile(text) or (has_folders and os.path.exists(text)):  # noqa: PTH110, PTH113
        return True
    is_sentence = re.search(r"\s", text) is not None
    return has_folders and not is_sentence and not (_MODEL_ID.fullmatch(text) or _URL.match(text))
