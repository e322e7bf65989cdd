"""What two boxes cannot show: that somebody does something with a thing, or is on it or in it.

    a man *holding* a cup       the boxes meet where the cup stands before him, too
    a bird *perched on* a rail  the boxes show "on" alone
    people *on* the couch       so do the boxes of people in front of it

The first two are tested in words as well, by a matcher or an answerer. Without either, all are in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable

from viper.generate.grammar.vocabulary.categories import HYPERNYMS
from viper.generate.grammar.vocabulary.lexicon import ANIMATES
from viper.generate.grammar.vocabulary.relations import match_relation
from viper.generate.grammar.vocabulary.words import is_gerund

__all__ = ["boxes_cannot_tell_alone", "boxes_show_too_little"]

_VEHICLES = frozenset(HYPERNYMS["vehicle"]).union(
    "vehicle bike motorbike scooter moped tricycle van suv taxi plane ship canoe kayak raft tram wagon "
    "carriage cart tractor".split()
)
_MOUNTS = _VEHICLES.union(
    HYPERNYMS["animal"],
    "animal camel donkey pony bull skateboard surfboard snowboard skis ski sled sleigh wave swing "
    "slide".split(),
)
"""What people and animals are on or in by riding it, so that it hides them or is hidden by them."""
_ON_OR_IN = frozenset({"on", "inside"})
_UNDER_OR_AROUND = frozenset({"under", "below", "containing"})


def boxes_show_too_little(relation: str, words: str, noun: str, others: Iterable[str]) -> bool:
    """Return whether a relation says more than its rule tests on the boxes.

    Args:
        relation: A key of `RELATIONS`.
        words: The relation as the question says it: "on", "perched on".
        noun: What has the relation.
        others: The nouns of its other ends.
    """
    if _head(noun) in _VEHICLES:
        return _is_doing(words)
    if _head(noun) not in ANIMATES:
        return False  # a cup "standing on" a table is on it
    if relation in _ON_OR_IN and any(_head(other) in _MOUNTS for other in others):
        return True
    return relation == "touching" or _is_doing(words)


def boxes_cannot_tell_alone(relation: str, noun: str, others: Iterable[str]) -> bool:
    """Return whether somebody may as well be in front of the thing, or behind it, as on it or in it.

    The arguments are those of `boxes_show_too_little`.
    """
    if relation in _ON_OR_IN:
        return _head(noun) in ANIMATES
    return relation in _UNDER_OR_AROUND and any(_head(other) in ANIMATES for other in others)


def _is_doing(words: str) -> bool:
    """Return whether a relation begins with a verb: "sitting on", "perched on", not "covered by"."""
    verb, *rest = words.split()
    if is_gerund(verb):
        return verb != "having"
    is_spelling = any(match.length == len(rest) + 1 for match in match_relation(words.split()))
    return verb.endswith("ed") and bool(rest) and not is_spelling


def _head(noun: str) -> str:
    return noun.split()[-1]
