"""Checks a `tokenizer.json`: what in it can make a short text take for ever, or gigabytes.

The regular expressions in it are run by a library that backtracks, on every text. Replacements may make a
text longer, one after the other, and padding may fill it up. No tokenizer needs any of what is refused here;
the bounds leave room for those that are known.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["MOST_ADDED_TOKENS", "MOST_WORD_CHARS", "regex_fault", "tokenizer_fault"]

_MOST_PADDING = 100_000
MOST_WORD_CHARS = 1_000
"""Of a word of a vocabulary: the longest known one, a run of blanks, has 256 bytes."""
# Of a text that becomes part of every text: GPT's longest special token has 20 characters.
_MOST_TEXT_CHARS = 500
_MOST_PIECES = 1_000
# Characters that one character may become in all steps together: 18 for the longest ligature of Unicode.
_MOST_GROWTH = 64
# Characters that a step makes of one. Steps of one kind multiply: each reads what the one before has written.
_GROWTHS = {"ByteLevel": 4.0, "BertNormalizer": 3.0, "Metaspace": 2.0}
# Each step reads the whole text; known tokenizers have up to a hundred steps, and ten patterns.
_MOST_STEPS = 500
_MOST_PATTERNS = 100
# Those with a repetition whose time grows with the square of a text.
_MOST_UNBOUNDED_PATTERNS = 32
_MOST_CHARSMAP_BYTES = 256
MOST_ADDED_TOKENS = 200
"""Special tokens around every text, however short: known tokenizers add up to ten."""

_MOST_PATTERN_CHARS = 5_000
_MOST_NESTED = 50
_MOST_REPEATS = 1_000
# Unbounded repetitions in a row: the time is the length of a text to the power of their number.
_MOST_UNBOUNDED = 2
_LONG_REPEAT = 16
# The ending of English words in patterns of known tokenizers: it is optional, so what it follows cannot fail.
_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_WAYS_OF_CONTRACTIONS = 8
# Ways in which parts in a row can match: all are tried at every letter, and, beside an unbounded repetition,
# for each of its lengths.
_MOST_WAYS = 256
_MOST_WAYS_OF_UNBOUNDED = 16

_ATOM = re.compile(
    r"\\(?:[pP]\{[^{}]{0,40}\}|[xu]\{[0-9a-fA-F]{1,8}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)"
    r"|[^\\\[\]()|*+?{}]|[\]}]|\{(?!\d*,?\d*\})",
    re.DOTALL,
)
# Not (?x): it makes comments of parts that this reader takes for classes and groups.
_OPEN = re.compile(r"\((?:\?(?:[im]{0,2}(?:-[im]{1,2})?:|[im]{1,2}\)|=|!|<=|<!|>|<\w{1,40}>))?")
# Also signs that stand for themselves, which does no harm here.
_REPEATS_LONG = re.compile(r"[*+]|\{\d*,(?:\d{2,6})?\}")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d{0,6})(,?)(\d{0,6})\})[?+]?")


def tokenizer_fault(table: dict[str, Any]) -> tuple[str, str] | None:
    """Return a place in a `tokenizer.json` and why it is refused; None if nothing is."""
    model = table.get("model")
    # A merge is two words.
    for name, most in (("vocab", MOST_WORD_CHARS), ("merges", 2 * MOST_WORD_CHARS + 1)):
        if isinstance(model, dict) and _longest(model.get(name)) > most:
            return f"model.{name}", f"has words of more than {MOST_WORD_CHARS:,} characters"
    if isinstance(model, dict) and model.get("dropout"):
        return "model.dropout", "makes tokens at random"
    for place, part in _parts(table):
        for key, value in part.items():
            if reason := _fault(key, value):
                return f"{place}.{key}", reason
            # It runs on what the model writes, where words of the vocabulary may be as long as they like.
            if key == "Regex" and place.startswith("decoder"):
                return f"{place}.{key}", "is a pattern in a decoder, which no known tokenizer has"
    for names in (("normalizer", "pre_tokenizer"), ("decoder",), ("post_processor",)):
        steps = [step for _, step in _parts({name: table.get(name) for name in names})]
        if len(steps) > 2 * _MOST_STEPS:  # with the tables in them
            return names[-1], f"has more than {_MOST_STEPS} steps"
        if sum("Regex" in step for step in steps) > _MOST_PATTERNS:
            return names[-1], f"has more than {_MOST_PATTERNS} patterns"
        patterns = [str(step["Regex"]) for step in steps if "Regex" in step]
        if sum(map(bool, map(_REPEATS_LONG.search, patterns))) > _MOST_UNBOUNDED_PATTERNS:
            return names[
                -1
            ], f"has more than {_MOST_UNBOUNDED_PATTERNS} patterns that repeat a part"
        if math.prod(map(_growth, steps)) > _MOST_GROWTH:
            return names[0], f"makes texts more than {_MOST_GROWTH} times as long"
        if sum(map(_added_tokens, steps)) > MOST_ADDED_TOKENS:
            return names[0], f"adds more than {MOST_ADDED_TOKENS} tokens to every text"
        # The library knows no second one, and stops at the first text.
        if sum(step.get("type") == "TemplateProcessing" for step in steps) > 1:
            return names[0], "has several templates"
    return None


def _parts(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every table except for the vocabulary, which is data of the file's own size."""
    waiting: list[tuple[str, Any]] = [
        (str(key), value) for key, value in table.items() if isinstance(value, (dict, list))
    ]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            yield place, value
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += [
            (f"{place}.{key}", entry)
            for key, entry in inner
            if isinstance(entry, (dict, list)) and key not in ("vocab", "merges")
        ]


def _longest(words: Any) -> int:
    """Return the length of the longest word of a table, or of a list of words or of lists that hold words."""
    if not isinstance(words, (dict, list)):
        return 0
    texts = (
        word if isinstance(word, str) else "".join(part for part in word if isinstance(part, str))
        for word in words
        if isinstance(word, (str, list))
    )
    return max(map(len, texts), default=0)


def _fault(key: str, value: Any) -> str | None:
    if key == "Regex":
        return regex_fault(value) if isinstance(value, str) else "must be a text"
    if key in ("Fixed", "pad_to_multiple_of") and _exceeds(value, _MOST_PADDING):
        return f"pads to more than {_MOST_PADDING:,} tokens"
    if key == "max_input_chars_per_word" and _exceeds(value, MOST_WORD_CHARS):
        return f"allows words of more than {MOST_WORD_CHARS:,} characters"
    if key == "precompiled_charsmap":
        return _charsmap_fault(value)
    if isinstance(value, str) and len(value) > _MOST_TEXT_CHARS:
        return f"has more than {_MOST_TEXT_CHARS} characters"
    if key in ("single", "pair", "tokens", "ids") and isinstance(value, list):
        return "has too many parts" if len(value) > _MOST_PIECES else None
    return None


def _exceeds(value: Any, most: int) -> bool:
    return isinstance(value, (int, float)) and value > most


def _growth(step: dict[str, Any]) -> float:
    """Return how many characters a step may make of one."""
    kind, content = step.get("type"), step.get("content")
    if kind == "Replace" and isinstance(content, str):
        pattern = step.get("pattern")
        text = pattern.get("String") if isinstance(pattern, dict) else None
        return max(1.0, len(content) / (len(text) if isinstance(text, str) and text else 1))
    if kind == "Prepend" and isinstance(prefix := step.get("prepend"), str):
        return 1.0 + len(prefix)  # a text is cut at every added token, and each part has the prefix
    if "precompiled_charsmap" in step:
        texts = _texts_of_charsmap(step["precompiled_charsmap"])
        return max((float(len(text.decode("utf-8", "replace"))) for text in texts), default=1.0)
    return _GROWTHS.get(str(kind), 1.0)


def _added_tokens(step: dict[str, Any]) -> int:
    """Return how many tokens a template adds, at most, to a text or a pair of texts."""
    table = step.get("special_tokens")
    table = table if isinstance(table, dict) else {}
    counts = [0]
    for name in ("single", "pair"):
        pieces = step.get(name)
        pieces = pieces if isinstance(pieces, list) else []
        tokens = [piece["SpecialToken"] for piece in pieces
                  if isinstance(piece, dict) and isinstance(piece.get("SpecialToken"), dict)]  # fmt: skip
        ids = [entry.get("ids") for token in tokens
               if isinstance(entry := table.get(str(token.get("id"))), dict)]  # fmt: skip
        texts = sum("Sequence" in piece for piece in pieces if isinstance(piece, dict))
        # A text that stands there many times multiplies as well.
        counts.append(len(tokens) + sum(len(i) for i in ids if isinstance(i, list)))
        if texts > 2:
            return MOST_ADDED_TOKENS + 1
    return max(counts)


def _charsmap_fault(value: Any) -> str | None:
    """Refuse a map (of sentencepiece) that makes long texts of characters."""
    try:
        longest = max(map(len, _texts_of_charsmap(value)), default=0)
    except (ValueError, TypeError):
        return "is not in base64"
    if longest > _MOST_CHARSMAP_BYTES:
        return f"makes more than {_MOST_CHARSMAP_BYTES} bytes of a character"
    return None


def _texts_of_charsmap(value: Any) -> list[bytes]:
    """Return what a map makes of characters.

    It is the size of a table in four bytes, the table, and the texts, each ended by a zero.
    """
    if value is None:
        return []
    packed = base64.b64decode(value, validate=True)
    return packed[4 + int.from_bytes(packed[:4], "little") :].split(b"\0")


def regex_fault(pattern: str) -> str | None:
    """Return why a regular expression is refused; None if its time is bounded.

    Refused are repetitions of a part that can match in several ways, from which exponential time comes, and
    more than two unbounded repetitions, two that something follows, or parts in a row that match in more than
    256 ways together, from which a high power comes; also everything whose time this reader cannot judge:
    references to groups, conditions, recursion, and (?x).
    """
    if len(pattern) > _MOST_PATTERN_CHARS:
        return f"is a pattern of more than {_MOST_PATTERN_CHARS:,} characters"
    groups = [_Group()]
    varies, at = False, 0  # whether the last part can match in several ways
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith(_CONTRACTIONS, at):
            groups[-1].add(True, 0, _WAYS_OF_CONTRACTIONS)
            at += len(_CONTRACTIONS)
            if groups[-1].has_many_ways():
                return f"can match in more than {_MOST_WAYS} ways"
            continue
        # What follows may fail at every end that the two allow, so the time is cubic.
        if char not in ")|" and sum(group.unbounded for group in groups) >= _MOST_UNBOUNDED:
            return f"goes on after {_MOST_UNBOUNDED} unbounded repetitions"
        if char == "(":
            if (found := _OPEN.match(pattern, at)) is None or pattern[at : at + 2] == "(*":
                return "has a kind of group whose time is not known"
            at = found.end()
            if not found[0].endswith(")"):  # switches such as (?i) open none
                groups.append(_Group())
            if len(groups) > _MOST_NESTED:
                return f"nests more than {_MOST_NESTED} groups"
            continue
        if char == ")":
            if len(groups) == 1:
                return "has a bracket that closes nothing"
            inner = groups.pop()
            inner.end_branch()
            varies = inner.varies
            groups[-1].add(varies, inner.most_unbounded, inner.ways_of_branches)
            at += 1
        elif char == "|":
            groups[-1].end_branch()
            groups[-1].varies = True
            at += 1
            continue
        elif char == "[":
            if (end := _end_of_class(pattern, at)) is None:
                return "has a class of characters without an end"
            varies, at = False, end
        elif found := _ATOM.match(pattern, at):
            if re.match(r"\\[1-9kgK]", found[0]):
                return "refers to a group, whose time is not known"
            varies, at = False, found.end()
        else:
            return "has a repetition of nothing"
        while found := _QUANTIFIER.match(pattern, at):
            least, most = _repeats(found)
            if max(least, most or 0) > _MOST_REPEATS:
                return f"repeats a part more than {_MOST_REPEATS:,} times"
            if varies and most != 1:
                return "repeats a part that can match in several ways"
            varies = least != most
            is_long = most is None or most - least > _LONG_REPEAT
            ways = 1 if is_long or most is None else most - least + 1
            groups[-1].add(varies, int(varies and is_long), ways)
            at = found.end()
        if groups[-1].unbounded > _MOST_UNBOUNDED:
            return f"has more than {_MOST_UNBOUNDED} unbounded repetitions in a row"
        if groups[-1].has_many_ways():
            return f"can match in more than {_MOST_WAYS} ways"
    return None if len(groups) == 1 else "has a group without an end"


@dataclass(slots=True)
class _Group:
    """What is known of an open group."""

    varies: bool = False
    """It can match in several ways."""
    unbounded: int = 0
    """Unbounded repetitions in this branch."""
    ways: int = 1
    """In how many ways this branch can match, without the lengths of unbounded repetitions."""
    most_unbounded: int = 0
    """Of the branches that have ended."""
    ways_of_branches: int = 0
    """Of all branches that have ended."""

    def add(self, varies: bool, unbounded: int, ways: int) -> None:
        self.varies |= varies
        self.unbounded += unbounded
        self.ways *= ways

    def has_many_ways(self) -> bool:
        return self.ways > (_MOST_WAYS_OF_UNBOUNDED if self.unbounded else _MOST_WAYS)

    def end_branch(self) -> None:
        self.most_unbounded = max(self.most_unbounded, self.unbounded)
        self.ways_of_branches += self.ways
        self.unbounded, self.ways = 0, 1


def _repeats(found: re.Match[str]) -> tuple[int, int | None]:
    sign = found[0][0]
    if sign != "{":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
    least = int(found[1] or 0)
    if not found[2]:
        return least, least
    return least, int(found[3]) if found[3] else None


def _end_of_class(pattern: str, at: int) -> int | None:
    """Return the index behind a class of characters, which may contain classes."""
    depth = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            continue
        if char == "[":
            depth += 1
            at += 2 if pattern[at + 1 : at + 2] == "^" else 1
            if pattern[at : at + 1] == "]":  # the first one stands for itself
                at += 1
            continue
        at += 1
        if char == "]":
            depth -= 1
            if depth == 0:
                return at
    return None
