"""Tokenizers of strangers after loading: a last check, whatever files they came from, and decoding.

A library makes a tokenizer of many kinds of files (`tokenizer.json`, `vocab.txt`, models of sentencepiece),
of which `foreign_tokenizer` knows one. What it made has one form, which is checked here before the first
text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from viper.backends.foreign_tokenizer import MOST_ADDED_TOKENS, MOST_WORD_CHARS, tokenizer_fault
from viper.errors import ConfigError

__all__ = ["check_loaded", "decode_rows"]

_STEPS = ("normalizer", "pre_tokenizer", "decoder", "post_processor")


def check_loaded(loaded: Any, *, displayed: str) -> None:
    """Check the tokenizer of a loaded object of transformers, if it is or has one.

    Args:
        loaded: A tokenizer, a processor, or anything else.
        displayed: The model, for messages.

    Raises:
        ConfigError: A step of it may take for ever, or a word is too long.
    """
    tokenizer = getattr(loaded, "tokenizer", loaded)
    if not callable(getattr(tokenizer, "get_vocab", None)):
        return
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
    if fault := tokenizer_fault(table):
        raise _refusal(displayed, f"'{fault[0]}' {fault[1]}")


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
