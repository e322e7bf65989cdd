"""Reads a misspelt word as the word of the visual world that it is nearly spelled like.

    umbrela → umbrella      gril → girl      standign → standing      pruple → purple

Only words that no dictionary has are touched. Nearness is the number of slips between two spellings:
a letter too many, too few, wrong, or two neighbours exchanged (Damerau 1964, optimal string
alignment). Short words allow one slip, long ones two. Where two words are equally near, the one with
the likelier slip is meant (neighbours exchanged, a letter doubled or not); where that is no
difference either, the word stays as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.resources import files
from typing import NamedTuple

from viper.generate.grammar.vocabulary import lexicon, relations
from viper.generate.grammar.vocabulary.lexicon import PLACES

__all__ = ["brands", "correction", "is_named", "slips", "split", "vocabulary"]

_SHORTEST = 4
"""Letters of the shortest word that is corrected; three letters are near to too many words."""
_TWO_SLIPS_FROM = 8
"""Letters from which on two slips are allowed: a quarter of the word at most."""
_LEADS = ("on", "in", "at", "to", "far")
_ALIKE = 0.6
"""Least share of letters in common (`difflib`) of words that slips are counted for."""
_MOST_CANDIDATES = 25


class _Likelihood(NamedTuple):
    """What decides between equally near words, the smallest first."""

    number: int
    unlikely: int
    """How many slips are neither an exchange nor a doubled letter."""
    first_differs: bool
    """People rarely get the first letter wrong."""


@functools.lru_cache(maxsize=4096)
def correction(word: str) -> str | None:
    """Return the word that a misspelt one means, None if there is none or several are as near.

    Args:
        word: Lower case letters, in no dictionary; the caller has checked that.
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return None
    allowed = 1 if len(word) < _TWO_SLIPS_FROM else 2
    judged: list[tuple[_Likelihood, str]] = []
    for candidate in _candidates(word):
        number = slips(word, candidate)
        likelihood = _judge(word, candidate, number)
        if number <= allowed and (len(candidate) >= _SHORTEST or not likelihood.unlikely):
            judged.append((likelihood, candidate))
    if not judged:
        return None
    judged.sort()
    best, found = judged[0]
    if len(judged) > 1 and judged[1][0] == best and not _same_word(found, judged[1][1]):
        return None
    return found


def split(word: str) -> tuple[str, ...]:
    """Return the two words that were written as one, such as "onleft"; empty if it is no such pair."""
    for lead in _LEADS:
        place = word.removeprefix(lead)
        if place != word and place in PLACES:
            return lead, place
    return ()


def is_named(word: str) -> bool:
    """Tell whether the visual vocabulary or the brands have a word, in the singular or plural."""
    one = word.removesuffix("s")
    return bool({word, one} & vocabulary()) or bool({word, one} & brands())


def slips(word: str, other: str) -> int:
    """Return the number of slips between two spellings."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, start=1):
        above, row = row, [i]
        for j, wanted in enumerate(other, start=1):
            least = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before = above
    return row[-1]


@functools.cache
def vocabulary() -> frozenset[str]:
    """Return the words that corrections are chosen from."""
    return frozenset(word for word in _words(brands=False) if word.isalpha())


@functools.cache
def brands() -> frozenset[str]:
    """Return names of makers and shops, which no dictionary has but pictures show."""
    return frozenset(_words(brands=True))


def _judge(word: str, candidate: str, number: int) -> _Likelihood:
    exchanged = sorted(word) == sorted(candidate)
    undoubled = _undoubled(word) == _undoubled(candidate)
    return _Likelihood(number, 0 if exchanged or undoubled else number, word[0] != candidate[0])


def _undoubled(word: str) -> str:
    """Return a spelling without the letters that are not heard: "ll", "ck"."""
    heard = word.replace("ck", "k")
    return "".join(c for at, c in enumerate(heard) if at == 0 or heard[at - 1] != c)


def _same_word(one: str, other: str) -> bool:
    """Tell whether two words differ in their ending only: "shoe" and "shoes"."""
    shorter, longer = sorted((one, other), key=len)
    return longer in (f"{shorter}s", f"{shorter}es")


def _candidates(word: str) -> list[str]:
    """Return the words of the vocabulary that look like a word, the likeliest first."""
    return get_close_matches(word, sorted(vocabulary()), _MOST_CANDIDATES, _ALIKE)


@functools.cache
def _sections() -> dict[str, tuple[str, ...]]:
    sections: dict[str, list[str]] = {}
    section = ""
    text = (files("viper.generate.grammar.vocabulary") / "visual_words.txt").read_text(
        encoding="utf-8"
    )
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif not line.startswith("#"):
            sections.setdefault(section, []).extend(line.split())
    return {name: tuple(words) for name, words in sections.items()}


def _words(*, brands: bool) -> Iterator[str]:
    for section, words in _sections().items():
        if (section == "brands") is brands:
            yield from words
    if not brands:
        yield from _lexicon()


def _lexicon() -> Iterator[str]:
    """Yield the words that the grammar and the detectors know by meaning."""
    from viper.vocabulary.categories import category_words as detectable

    tables = (
        lexicon.ATTRIBUTE_KIND,
        lexicon.PLACES,
        lexicon.SUPERLATIVES,
        lexicon.COMPARATIVES,
        lexicon.ANIMATES,
        lexicon.CLOTHES,
        lexicon.POSTURES,
        lexicon.ORDINALS,
        lexicon.NUMBERS,
        lexicon.RESPECTS,
        lexicon.FUNCTION_WORDS,
    )
    for table in tables:
        yield from table
    yield from relations.WORDS
    yield from detectable()
