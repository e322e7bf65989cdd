"""The answerer's language model as an ONNX graph: descriptions of views and a prompt → an answer.

The graph holds the linear map from a description to soft prompts and the language model that reads them
(see `viper.limber`); it returns the logits of the next token.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.backends.foreign_tokenizer import tokenizer_fault
from viper.backends.model_source import reason_of
from viper.backends.onnx_session import open_session, run_session
from viper.builtin.graphs import ADVICE, THREADS, FloatArray
from viper.errors import ConfigError
from viper.storage.bounded_json import parse_json
from viper.storage.files import read_regular_file

__all__ = ["LANGUAGE_GRAPH", "TOKENIZER", "LanguageGraph"]

LANGUAGE_GRAPH, TOKENIZER = "language.onnx", "tokenizer.json"
_END = "<end>"
_MAX_TOKENIZER_BYTES = 1_000_000
"""That of the shipped model, with its few hundred words, has some kilobytes."""


class LanguageGraph:
    """Writes answers about views.

    Args:
        folder: Holds the files `LANGUAGE_GRAPH` and `TOKENIZER`.

    Raises:
        ConfigError: A file is missing, or is something else.
    """

    def __init__(self, folder: Path) -> None:
        self._session = open_session(folder / LANGUAGE_GRAPH, advice=ADVICE, threads=THREADS)
        path = folder / TOKENIZER
        self._tokenizer = _read_tokenizer(path)
        end = self._tokenizer.token_to_id(_END)
        if end is None:
            raise ConfigError(f"'{path}' holds no tokenizer with {_END!r}. {ADVICE}")
        self._end: int = end

    def write(
        self, features: FloatArray, prefixes: Sequence[str], max_new_tokens: int
    ) -> list[str]:
        """Return what the language model writes after descriptions and prefixes, decoded greedily.

        Args:
            features: Descriptions of views, shape (B, DESCRIBED).
            prefixes: B texts.
            max_new_tokens: Longest answer.
        """
        written = [""] * len(prefixes)
        # As a batch, because only then does the library release the interpreter's lock.
        encoded = self._tokenizer.encode_batch(list(prefixes), add_special_tokens=False)
        ids = [one.ids for one in encoded]
        # Prompts of equal length form a batch, so that none needs padding.
        for length in sorted({len(row) for row in ids}):
            rows = [number for number, row in enumerate(ids) if len(row) == length]
            words = np.array([ids[row] for row in rows], np.int64).reshape(len(rows), length)
            tokens = self._continued(features[rows], words, max_new_tokens)
            for row, text in zip(rows, self._tokenizer.decode_batch(tokens), strict=True):
                written[row] = text.strip()
        return written

    def _continued(
        self, descriptions: FloatArray, words: NDArray[np.int64], max_new_tokens: int
    ) -> list[list[int]]:
        """Return the new tokens of each row, without the end."""
        start = words.shape[1]
        ended = np.zeros(len(words), bool)
        for _ in range(max_new_tokens):
            inputs: dict[str, NDArray[Any]] = {"descriptions": descriptions, "words": words}
            following = run_session(self._session, inputs)[0].argmax(axis=1)
            following[ended] = self._end
            words = np.concatenate([words, following[:, None]], axis=1)
            ended |= following == self._end
            if ended.all():
                break
        return [[token for token in row if token != self._end] for row in words[:, start:].tolist()]


def _read_tokenizer(path: Path) -> Any:  # the library is imported when it is needed
    """Return a tokenizer that a stranger may have written.

    Raises:
        ConfigError: It is no tokenizer, or may take for ever.
    """
    from tokenizers import Tokenizer

    try:
        content = read_regular_file(str(path), max_bytes=_MAX_TOKENIZER_BYTES, what="tokenizer")
        table = parse_json(content, max_bytes=_MAX_TOKENIZER_BYTES)
        if not isinstance(table, dict):
            raise ValueError("it is not a table")
        if fault := tokenizer_fault(table):
            raise ValueError(f"'{fault[0]}' {fault[1]}")
        return Tokenizer.from_str(content.decode("utf-8-sig"))
    except BaseException as error:  # the library raises Exception itself, and panics are none
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ConfigError(f"'{path}' holds no tokenizer: {reason_of(error)} {ADVICE}") from error
