"""Relations between objects: their spellings in questions, and their names in logical forms.

Spellings are written without articles; a "the" in the question is skipped, so "to the left of" is
found under "to left of". Relations that are verbs ("holding", "contains") are here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from viper.generate.grammar.vocabulary.word_table import word_groups, word_table

__all__ = ["POSITIONS", "RELATIONS", "VERBS", "WORDS", "RelationMatch", "match_relation"]

POSITIONS = frozenset(
    "left_of right_of in_front_of behind next_to near far_from between above below".split()
)
"""Relations that say where something is, seen from another thing."""
_SPELLINGS = word_groups(
    """
    left_of: left of|to left of|on left of|at left of|left side of|to left side of|
        at left side of|on left side of|left to|left from|on left hand side of|west of|
        to left from
    right_of: right of|to right of|on right of|at right of|right side of|to right side of|
        at right side of|on right side of|right to|right from|on right hand side of|east of|
        to right from
    above: above|over|higher than|up|up from|high above|directly above|right above|right over|
        over top of
    below: below|lower than|down|down from|deep down|directly below|right below
    on: on|on front of|on top of|atop|onto|upon|on top|on surface of|standing on top of|atop of|
        at top of
    under: under|underneath|beneath|directly under|right under
    in_front_of: in front of|ahead of|before|at front of|directly in front of|closer than|
        nearer than|right in front of
    behind: behind|at back of|in back of|behind of|after|beyond|past|directly behind|to rear of|
        right behind|on other side of|farther than|at rear of|hidden behind
    next_to: next to|beside|besides|adjacent to|alongside|by|at side of|to side of|on side of|
        by side of|along|along side|along side of|right next to|right beside|next|along with|
        side by side with|accompanied by
    near: near|near to|close to|close by|nearby|around corner from|in vicinity of|not far from|at|
        very close to|right by|very near
    far_from: far from|far away from|away from|distant from|a long way from|off|detached from|
        apart from|separated from|farther from|at some distance from|off of|from
    touching: touching|in contact with|attached to|connected to|against|leaning against|
        hanging from|hanging off|hanging off of|hung from|suspended from|leaning on|
        resting against|joined to|up against|hooked to|tied to|fastened to
    inside: inside|in|within|into|inside of|enclosed by|surrounded by|contained in|in interior of|
        contained by|through|among|amid|in midst of|in amongst|encircled by
    containing: containing|surrounding|enclosing|encircling|holding inside
    covering: covering|spread over|draped over|all over
    covered_by: covered by|covered with|covered in|topped with|filled with|full of|covered
    around: around|round|all around
    outside: outside|outside of|out of|out from|from outside of
    opposite: opposite to|opposite|opposite of|across from|across|opposite side of|
        facing across from|on opposite side of
    middle_of: in middle of|in center of|at center of|at middle of|in middle|on middle of
    edge_of: at edge of|on edge of|on end of|at end of|at corner of|on corner of|at border of|
        along edge of|by edge of
    part_of: part of|a part of|belonging to|belongs to|of|made up of part of
    has_part: has as a part|has as part|consisting of|consists of|consist of|comprising|
        made up of|composed of|have as a part|having as a part
    towards: towards|heading to|heading towards|approaching|to
    facing: facing|facing towards|looking at|watching|looking towards|staring at|pointing at|
        pointing towards|looking out at|aimed at
    facing_away: facing away from|looking away from|with back to|facing away|turned away from
    parallel: parallel to|parallel with|in line with|aligned with|in parallel with|level with
    perpendicular: perpendicular to|at right angle to|at a right angle to|orthogonal to
    holding: holding onto|holding on to|hanging onto|hanging on to
    riding: riding on|riding in|riding on top of
    with: with|together with|having|has|have|that has|featuring
    bigger_than: bigger than|larger than
    smaller_than: smaller than|littler than
    taller_than: taller than|longer than
    shorter_than: shorter than
    wider_than: wider than|thicker than|fatter than
    narrower_than: narrower than|thinner than
    between: between|in between|in middle between
    """,
    "|",
)

RELATIONS = frozenset(_SPELLINGS) | {"holding", "wearing", "riding", "acting_on"}
"""Canonical names of all relations."""

WORDS = frozenset(
    word for spellings in _SPELLINGS.values() for spelling in spellings for word in spelling.split()
)
"""All words that spellings of relations are made of."""

VERBS = word_table(
    """
    holding: hold carry grab grip clutch hug swing
    wearing: wear
    riding: ride
    touching: touch
    containing: contain surround enclose
    covering: cover
    facing: face watch
    with: have
    """
)
"""Base form of a verb with an object → relation; other verbs are `acting_on`."""

_BY_FIRST: dict[str, list[tuple[tuple[str, ...], str]]] = {}
for _name, _spellings in _SPELLINGS.items():
    for _spelling in _spellings:
        _words = tuple(word for word in _spelling.split() if word not in ("a", "the"))
        _BY_FIRST.setdefault(_words[0], []).append((_words, _name))
for _entries in _BY_FIRST.values():
    _entries.sort(key=lambda entry: -len(entry[0]))

# Spellings that mean a relation in some places only; the caller decides.
_BARE = frozenset({"of", "has", "have", "next", "that has", "covered"})


class RelationMatch(NamedTuple):
    """A relation found in the words of a question."""

    relation: str
    words: str
    """As the question says it, without articles."""
    length: int
    """Number of words read, articles included."""


def match_relation(texts: Sequence[str]) -> list[RelationMatch]:
    """Return the relations that a sequence of words begins with.

    Args:
        texts: Words in the grammar's spelling.

    Returns:
        All matches, longest first; spellings such as "of", which rarely mean a relation, are left
        out.
    """
    if not texts:
        return []
    matches = []
    for words, relation in _BY_FIRST.get(texts[0], ()):
        length = _matched(words, texts)
        if length and " ".join(words) not in _BARE:
            matches.append(RelationMatch(relation, " ".join(words), length))
    return matches


def _matched(words: tuple[str, ...], texts: Sequence[str]) -> int:
    """Return how many of `texts` the spelling covers, articles inside it skipped; 0 for none."""
    at = 0
    for position, word in enumerate(words):
        if position and at < len(texts) and texts[at] in ("a", "the"):
            at += 1
        if at >= len(texts) or texts[at] != word:
            return 0
        at += 1
    return at
