"""Tokenizers of strangers after loading: a last check, whatever files they came from, and decoding.

A library makes a tokenizer of many kinds of files (`tokenizer.json`, `vocab.txt`, models of sentencepiece),
of which `foreign_tokenizer` knows one. What it made has one form, which is checked here before the first
text. Where the files are missing, it makes a tokenizer without words, to which all texts are the same.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from viper.backends.foreign_tokenizer import MOST_ADDED_TOKENS, MOST_WORD_CHARS, tokenizer_fault
from viper.backends.model_source import reason_of
from viper.errors import ConfigError

__all__ = ["check_loaded", "decode_rows", "has_vocabulary"]

# Files that hold a whole tokenizer, in the formats of the libraries.
_WHOLE = re.compile(r"tokenizer(\.[\w.-]+)?\.json|tekken\.json|vocab\.txt|.+\.(model|bpe|tiktoken)")
_PAIR = ("vocab.json", "merges.txt")
# Kinds of files that make one together.
_PARTS = ("vocab_file", "merges_file")
_WORDS = ("red", "blue", "dog", "cat", "a", "b", "1", "2")
_STEPS = ("normalizer", "pre_tokenizer", "decoder", "post_processor")


def check_loaded(loaded: Any, *, displayed: str, folder: Path | None = None) -> None:
    """Check the tokenizers of a loaded object of transformers, if it is or has some.

    Args:
        loaded: A tokenizer, a processor, or anything else.
        displayed: The model, for messages.
        folder: Its files, where it was loaded from a folder.

    Raises:
        ConfigError: A step of one may take for ever, a word is too long, or its files are missing.
    """
    parts = vars(loaded).items() if hasattr(loaded, "__dict__") else ()
    # Some processors have one for each of their models.
    owned = [part for name, part in parts if "tokenizer" in name]
    for tokenizer in [loaded, getattr(loaded, "tokenizer", None), *owned]:
        if callable(tokenizer) and callable(getattr(tokenizer, "get_vocab", None)):
            if folder is not None:
                _check_files(tokenizer, folder, displayed)
            with _one_line(displayed):
                _check(tokenizer, displayed)


@contextlib.contextmanager
def _one_line(displayed: str) -> Iterator[None]:
    """Translate what the library raises in this block: plain exceptions, and panics, which are none."""
    try:
        yield
    except ConfigError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ConfigError(
            f"The tokenizer of '{displayed}' cannot be used: it fails on a short text "
            f"({reason_of(error)}). Its files are damaged, or of another model: copy those of the model."
        ) from error


def has_vocabulary(folder: Path) -> bool:
    """Return whether a folder holds the files of a tokenizer of any kind."""
    have = {path.name for path in folder.iterdir()}
    return any(_WHOLE.fullmatch(name) for name in have) or have.issuperset(_PAIR)


def _check_files(tokenizer: Any, folder: Path, displayed: str) -> None:
    """Refuse a folder without the vocabulary of a tokenizer, or with a part of it."""
    have = {path.name for path in folder.iterdir()}
    if any(_WHOLE.fullmatch(name) for name in have):
        return
    named: dict[str, Any] = getattr(type(tokenizer), "vocab_files_names", {})
    parts = [str(named[key]) for key in _PARTS if named.get(key)]
    missing = [name for name in parts if name not in have]
    if missing or not parts:
        other = f", or {' and '.join(parts)}," if parts else ""
        raise ConfigError(
            f"'{displayed}' has no whole tokenizer: without {' and '.join(missing or ['tokenizer.json'])} "
            f"every phrase would look the same to it. Copy tokenizer.json{other} from where the model comes "
            "from into the folder."
        )


def _check_words(tokenizer: Any, displayed: str) -> None:
    """Refuse a tokenizer that knows none of the usual words and letters."""
    rows = tokenizer(list(_WORDS), add_special_tokens=False)["input_ids"]
    if len({tuple(row) for row in rows}) == 1:
        raise ConfigError(
            f"The tokenizer of '{displayed}' cannot be used: {', '.join(_WORDS[:3])} are the same to it, so "
            "that every phrase would be. Its files are incomplete, or of another model: copy those of the "
            "model."
        )


def _check(tokenizer: Any, displayed: str) -> None:
    longest = max(map(len, tokenizer.get_vocab()), default=0)
    if longest > MOST_WORD_CHARS:
        raise _refusal(
            displayed, f"has a word of {longest:,} characters, and more than {MOST_WORD_CHARS:,}"
        )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    steps = {name: getattr(backend, name, None) for name in _STEPS}
    table = {name: json.loads(step.__getstate__()) for name, step in steps.items() if step}
    added = backend.num_special_tokens_to_add(is_pair=False) if backend is not None else 0
    if added > MOST_ADDED_TOKENS:
        raise _refusal(displayed, f"adds {added:,} tokens to every text")
    if getattr(getattr(backend, "model", None), "dropout", None):
        raise _refusal(displayed, "makes tokens at random (dropout)")
    if fault := tokenizer_fault(table):
        raise _refusal(displayed, f"'{fault[0]}' {fault[1]}")
    _check_words(tokenizer, displayed)


def decode_rows(
    tokenizer: Any, rows: Sequence[Sequence[int]], *, keep_spaces: bool = False
) -> list[str]:
    """Return the texts of rows of tokens, without special tokens and without the interpreter's lock.

    The functions of the library hold the lock, so that a text that takes long would stop all threads. They
    are called only where a class of tokenizers has its own, or where spaces are cleaned up afterwards.

    Args:
        tokenizer: Of transformers.
        rows: One list of tokens per text.
        keep_spaces: Do not clean up spaces, even if the tokenizer's settings say so.
    """
    from transformers import PreTrainedTokenizerFast

    is_usual = getattr(type(tokenizer), "_decode", None) is PreTrainedTokenizerFast._decode
    cleans = not keep_spaces and bool(getattr(tokenizer, "clean_up_tokenization_spaces", False))
    if not is_usual or cleans:
        written: list[str] = tokenizer.batch_decode(
            rows, skip_special_tokens=True, clean_up_tokenization_spaces=cleans
        )
        return written
    plain = [[int(token) for token in row] for row in rows]
    texts: list[str] = tokenizer.backend_tokenizer.decode_batch(plain, skip_special_tokens=True)
    return texts


def _refusal(displayed: str, reason: str) -> ConfigError:
    return ConfigError(
        f"The tokenizer of '{displayed}' cannot be used: it {reason}. No known tokenizer has this: give "
        "another model."
    )
