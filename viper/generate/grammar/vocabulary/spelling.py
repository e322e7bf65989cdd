"""Spelling correction towards words of the visual world.

    umbrela → umbrella      gril → girl      standign → standing      pruple → purple

Only words that are in no dictionary are corrected. The distance is the number of edits: a letter too
many, too few, wrong, or two neighbors exchanged (Damerau 1964, optimal string alignment). Short words
allow one edit, long ones two. Of two equally near words the one with the likelier edit is chosen
(neighbors exchanged, a letter doubled or not); if that does not decide, the word stays as it is.
"""

from __future__ import annotations

import functools
import itertools
from difflib import get_close_matches
from importlib.resources import files
from typing import NamedTuple

from viper.generate.grammar.vocabulary import lexicon, relations
from viper.generate.grammar.vocabulary.lexicon import PLACES
from viper.vocabulary.categories import category_words
from viper.vocabulary.text_cache import cached_by_text

__all__ = ["brands", "correction", "is_named", "slips", "split", "vocabulary"]

_SHORTEST = 4
"""Letters of the shortest word that is corrected; three letters are near to too many words."""
_LONGEST = 40
"""Letters of the longest word that is corrected; the vocabulary has none as long."""
_TWO_SLIPS_FROM = 8
"""Letters of the shortest word with two allowed edits: a quarter of the word at most."""
_LEADS = ("on", "in", "at", "to", "far")
_ALIKE = 0.6
"""Least similarity (`difflib` ratio) of the candidates."""
_MOST_CANDIDATES = 25


class _Likelihood(NamedTuple):
    """Sort key of correction candidates, the smallest first."""

    number: int
    unlikely: int
    """Number of edits that are neither an exchange nor a doubled letter."""
    first_differs: bool
    """People rarely get the first letter wrong."""


@cached_by_text(4_096)
def correction(word: str) -> str | None:
    """Return the correction of a misspelt word, None if there is no candidate or a tie.

    Args:
        word: Lower case letters, in no dictionary; the caller has checked that.
    """
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha():
        return None
    allowed = 1 if len(word) < _TWO_SLIPS_FROM else 2
    ranked: list[tuple[_Likelihood, str]] = []
    for candidate in _candidates(word):
        number = slips(word, candidate)
        likelihood = _likelihood(word, candidate, number)
        if number <= allowed and (len(candidate) >= _SHORTEST or not likelihood.unlikely):
            ranked.append((likelihood, candidate))
    if not ranked:
        return None
    ranked.sort()
    best, found = ranked[0]
    if len(ranked) > 1 and ranked[1][0] == best and not _same_word(found, ranked[1][1]):
        return None
    return found


def split(word: str) -> tuple[str, ...]:
    """Return the two words that were written as one, such as "onleft"; empty for any other word."""
    for lead in _LEADS:
        place = word.removeprefix(lead)
        if place != word and place in PLACES:
            return lead, place
    return ()


def is_named(word: str) -> bool:
    """Return whether the visual vocabulary or the brands contain a word, in the singular or plural."""
    one = word.removesuffix("s")
    return bool({word, one} & vocabulary()) or bool({word, one} & brands())


def slips(word: str, other: str) -> int:
    """Return the edit distance of two spellings."""
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
    """Return the candidates for corrections."""
    tables = (
        *(words for section, words in _sections().items() if section != "brands"),
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
        relations.WORDS,
        category_words(),
    )
    return frozenset(filter(str.isalpha, itertools.chain.from_iterable(tables)))


@functools.cache
def brands() -> frozenset[str]:
    """Return brand names, which are in no dictionary."""
    return frozenset(_sections()["brands"])


def _likelihood(word: str, candidate: str, number: int) -> _Likelihood:
    exchanged = sorted(word) == sorted(candidate)
    undoubled = _undoubled(word) == _undoubled(candidate)
    return _Likelihood(number, 0 if exchanged or undoubled else number, word[0] != candidate[0])


def _undoubled(word: str) -> str:
    """Return a spelling without doubled letters: "ll", "ck"."""
    heard = word.replace("ck", "k")
    return "".join(c for at, c in enumerate(heard) if at == 0 or heard[at - 1] != c)


def _same_word(one: str, other: str) -> bool:
    """Return whether two words differ in their ending only: "shoe" and "shoes"."""
    shorter, longer = sorted((one, other), key=len)
    return longer in (f"{shorter}s", f"{shorter}es")


def _candidates(word: str) -> list[str]:
    """Return the vocabulary words of similar spelling, the most similar first."""
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
