"""Conversion of a text, such as the answer of a model, to a number.

"1,200" is 1200, "10-15" is 10, "$3.50" is 3.5, "twenty-five apples" is 25, "a dozen" is 12. The first
number of the text counts, whether it is written in digits or words.
"""

from __future__ import annotations

import math
import re

__all__ = ["coerce_to_numeric"]

_UNITS = {
    word: value
    for value, word in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        ).split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_GROUPS = {"hundred": 100, "dozen": 12}
_MULTIPLIERS = {**_GROUPS, **_SCALES}

_TOKEN = re.compile(
    r"""
    (?P<digits>
        (?:(?<![\w.)])[-−])?                      # a sign, but not the dash of a range
        (?:[0-9]{1,3}(?:,[0-9]{3}(?![0-9]))++|[0-9]+)
        (?:\.[0-9]+)?(?:[eE][-+]?[0-9]+(?![0-9A-Za-z]))?
      | (?:(?<![\w.)])[-−])?(?<![0-9])\.[0-9]+
    )
  | (?P<word>[^\W\d_]+)
    """,
    re.VERBOSE,
)
# Longer than any answer; limits the search.
_MAX_TEXT = 10_000


def coerce_to_numeric(text: object) -> int | float:
    """Return the first number of a text, as an int if it is whole.

    Raises:
        TypeError: The argument is neither text nor a number.
        ValueError: The text holds no number, or one that is not finite.
    """
    if isinstance(text, (int, float)):
        return _whole(text)
    if not isinstance(text, str):
        raise TypeError(f"coerce_to_numeric() needs a text or a number, got {type(text).__name__}")
    tokens = [(m.lastgroup, m.group()) for m in _TOKEN.finditer(text[:_MAX_TEXT])]
    for start, (kind, token) in enumerate(tokens):
        if kind == "digits":
            plain = token.replace(",", "").replace("−", "-")
            value = int(plain) if plain.isdecimal() and len(plain) < 19 else float(plain)
            following = tokens[start + 1 : start + 2]
            if following and following[0][1].lower() in _MULTIPLIERS:
                value *= _MULTIPLIERS[following[0][1].lower()]
            return _whole(value)
        value_of_words = _read_words([t.lower() for k, t in tokens[start:] if k == "word"])
        if value_of_words is not None:
            before = tokens[start - 1][1].lower() if start else ""
            return -value_of_words if before in ("minus", "negative") else value_of_words
    raise ValueError(
        f"There is no number in {text[:80]!r}. Texts are compared as they are, with =="
    )


def _read_words(words: list[str]) -> int | None:
    """Return the number that begins with the first word; None if there is none."""
    if words[0] in ("a", "an") and len(words) > 1 and words[1] in _MULTIPLIERS:
        words = ["one", *words[1:]]
    elif words[0] not in _UNITS and words[0] not in _TENS and words[0] not in _MULTIPLIERS:
        return None
    total, group = 0, 0
    room = math.inf  # the next word must be smaller than the last: "one two" is 1, not 3
    for position, word in enumerate(words):
        if word in _TENS and room > 10:
            group += _TENS[word]
            room = 10
        elif word in _UNITS and room > _UNITS[word] and (room >= 100 or 0 < _UNITS[word] < 10):
            group += _UNITS[word]
            room = 0
        elif word in _GROUPS and (position == 0 or 0 < group < 100):
            group = max(group, 1) * _GROUPS[word]
            room = 100 if word == "hundred" else 0
        elif word in _SCALES and (position == 0 or group):
            total += max(group, 1) * _SCALES[word]
            group, room = 0, math.inf
        elif word != "and" or room not in (100, math.inf) or not position:
            break
    return total + group


def _whole(value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError(f"The number is not finite: {value}")
    return int(value) if value == int(value) else value
