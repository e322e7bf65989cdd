"""Base forms and inflections of English words: lemminflect, with its tables searched instead of parsed.

The library parses two tables of 80,000 and 40,000 lines when it sees its first word, which takes half a
second and 60 MB; a question needs some twenty of these lines. They are sorted, so a binary search in the
unpacked text finds them.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["base_form", "base_forms", "inflections"]

Entry = Mapping[str, tuple[str, ...]]
"""Part of speech or tag of Penn Treebank → spellings."""


def base_forms(word: str, part_of_speech: str | None = None) -> Entry:
    """Return the base forms of a word by part of speech (NOUN, VERB, ADJ, ADV, AUX); empty if unknown.

    Args:
        word: Any form, such as "people".
        part_of_speech: Return only these base forms.
    """
    found: Entry = _library()[0].getAllLemmas(word, upos=part_of_speech)
    return found


def base_form(word: str, part_of_speech: str) -> str | None:
    """Return the usual base form of a word, by rules where it is unknown; None for no word at all."""
    found: tuple[str, ...] = _library()[0].getLemma(word, upos=part_of_speech) if word else ()
    return found[0] if found else None


def inflections(base: str, tag: str) -> tuple[str, ...]:
    """Return the spellings of an inflected form, by rules where the word is unknown.

    Args:
        base: Base form, such as "hold".
        tag: Tag of Penn Treebank, such as "NNS" or "VBG".
    """
    found: tuple[str, ...] = _library()[1].getInflection(base, tag)
    return found


class _SearchedTable:
    """A sorted table of the library, in the place of the dictionary that it would parse it into.

    Args:
        path: Packed lines that begin with a word and a comma, sorted by word.
        entry_of: Parses a line.
        fixed: Entries that count in the place of the table's.
    """

    def __init__(
        self, path: str, entry_of: Callable[[str], Entry], fixed: Mapping[str, Entry]
    ) -> None:
        self._text = gzip.decompress(Path(path).read_bytes())
        self._entry_of = entry_of
        self._fixed = fixed

    def get(self, word: str, default: Entry) -> Entry:
        """Return the entry of a word; of several lines the later ones count."""
        if word in self._fixed:
            return self._fixed[word]
        found: dict[str, tuple[str, ...]] = {}
        for line in self._lines(word.encode()):
            found.update(self._entry_of(line.decode()))
        return found or default

    def _lines(self, word: bytes) -> Iterator[bytes]:
        text = self._text
        low, high = 0, len(text)
        while low < high:  # both are starts of lines, or the end
            start = text.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = text.index(b"\n", start) + 1
            if text[start : text.index(b",", start)] < word:
                low = end
            else:
                high = start
        while text.startswith(word + b",", low):
            end = text.index(b"\n", low) + 1
            yield text[low:end]
            low = end


@functools.cache
def _library() -> tuple[Any, Any]:
    """Return the library's lemmatizer and inflections, with searched tables; it promises no types."""
    from lemminflect.codecs.InflectionLUCodec import InflectionLUCodec
    from lemminflect.codecs.LemmaLUCodec import LemmaLUCodec
    from lemminflect.core.Inflections import Inflections
    from lemminflect.core.Lemmatizer import Lemmatizer
    from lemminflect.core.LexicalUtils import categoryToUPos

    def base_form(line: str) -> Entry:
        _, category, forms = LemmaLUCodec.fromString(line)
        return {categoryToUPos(category): forms}

    def inflected(line: str) -> Entry:
        forms: Entry = InflectionLUCodec.fromString(line)[2]
        return forms

    lemmatizer: Any = Lemmatizer()
    inflector: Any = Inflections()
    # Attributes that the library fills at the first word, if they are not there yet.
    lemmatizer.lemma_dict = _SearchedTable(lemmatizer.lemma_lu_fn, base_form, MappingProxyType({}))
    inflector.infl_dict = _SearchedTable(
        inflector.infl_lu_fn, inflected, InflectionLUCodec.updateForAuxMod({})
    )
    return lemmatizer, inflector
