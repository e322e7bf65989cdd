"""Conditions and descriptions in English words, for matchers, answerers and notes."""

from __future__ import annotations

import re

from viper.generate.grammar.description import (
    AllOf,
    Among,
    AnyOf,
    Attribute,
    Condition,
    Description,
    Inverse,
    Not,
    OneOf,
    Pick,
    Place,
    Related,
    Row,
    SameAs,
)
from viper.generate.grammar.vocabulary.word_table import word_table

__all__ = ["condition_text", "description_text", "relation_text"]

_WITHOUT_ARTICLE = re.compile(
    r"\b(to|on|at|in|from) (left|right|back|rear|middle|center|side|edge|end|corner|surface|vicinity)\b"
)
_SUPERLATIVES = word_table(
    """
    biggest: big
    smallest: small
    tallest: tall
    shortest: short
    widest: wide
    narrowest: narrow
    nearest: near nearest_to
    farthest: far farthest_from
    leftmost: left far_left
    rightmost: right far_right
    topmost: top far_top
    lowest: bottom far_bottom
    middle: middle
    cut off: border
    outermost: outer
    """
)


def relation_text(words: str) -> str:
    """Return a relation with its articles: "to left of" → "to the left of"."""
    return _WITHOUT_ARTICLE.sub(r"\1 the \2", words)


def description_text(description: Description) -> str:
    """Return a noun phrase without article: "red cup on the table"."""
    before = [c.value for c in description.conditions if isinstance(c, Attribute)]
    behind = [condition_text(c) for c in description.conditions if isinstance(c, Related | Inverse)]
    return " ".join([*before, description.head, *behind])


def condition_text(condition: Condition) -> str:
    """Return a condition as a modifier after a noun: "wearing a red hat"."""
    match condition:
        case Attribute():
            return condition.value
        case Place():
            if condition.part == "clock":
                return f"at {condition.names[0]} o'clock"
            return " ".join(("at the", *condition.names, *filter(None, (condition.part,))))
        case Row():
            return f"in row {condition.rank} from the {condition.side}"
        case Among():
            return f"of the {condition.number}"
        case Related():
            the = "all the" if condition.every else "the"
            others = " and ".join(f"{the} {description_text(other)}" for other in condition.others)
            return f"{relation_text(condition.words)} {others}"
        case Inverse():
            subject = f"the {description_text(condition.subject)}"
            if condition.words == "of":
                return f"of {subject}"
            return f"that {subject} is {relation_text(condition.words)}"
        case Pick():
            much = "most" if condition.rank > 0 else "least"
            word = _SUPERLATIVES.get(condition.by, f"{much} {condition.by}")
            to = f" to the {description_text(condition.other)}" if condition.other else ""
            return word + to
        case SameAs():
            word = "same" if condition.same else "different"
            return f"the {word} {condition.respect} as the {description_text(condition.other)}"
        case Not():
            return f"not {condition_text(condition.condition)}"
        case AnyOf():
            return " or ".join(condition_text(part) for part in condition.conditions)
        case OneOf():
            return " or ".join(description_text(kind) for kind in condition.kinds)
        case AllOf():
            return " and ".join(condition_text(part) for part in condition.conditions)
