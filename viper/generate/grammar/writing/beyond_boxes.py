"""What two boxes cannot show: that somebody does something with a thing, or is in it or on its back.

    a man *holding* a cup       the boxes meet where the cup stands before him, too
    a bird *perched on* a rail  the boxes show "on" alone
    people *on* horses          so do people in front of horses

Such a relation is also tested in words, by a matcher or an answerer; where neither is served, it is in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable

from viper.generate.grammar.vocabulary.categories import HYPERNYMS
from viper.generate.grammar.vocabulary.lexicon import ANIMATES
from viper.generate.grammar.vocabulary.relations import match_relation
from viper.generate.grammar.vocabulary.words import is_gerund

__all__ = ["boxes_show_too_little"]

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
_ABOARD = frozenset({"on", "inside", "above"})


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
    if relation in _ABOARD and any(_head(other) in _MOUNTS for other in others):
        return True
    if relation == "with":
        return False  # "having" a bag is no more than with a bag
    return relation == "touching" or _is_doing(words)


def _is_doing(words: str) -> bool:
    """Return whether a relation begins with a verb: "sitting on", "perched on", not "covered by"."""
    verb, *rest = words.split()
    if is_gerund(verb):
        return True
    is_spelling = any(match.length == len(rest) + 1 for match in match_relation(words.split()))
    return verb.endswith("ed") and bool(rest) and not is_spelling


def _head(noun: str) -> str:
    return noun.split()[-1]
