"""GQA scene graphs: `{imageId: {"width", "height", "objects": {id: {"name", "x", …}}}}`.

The terms of an object are its name, its attributes, and its relations, alone and with their target
("holding", "holding cup", "holding red cup"). Names are compared in the singular. There are no synonyms,
but everything is a "thing", and every man, woman and child is a person. Graphs have no depth (Hudson and
Manning 2019, GQA, section 3.1).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from viper.errors import ConfigError
from viper.images.boxes import Box, clamp, snap
from viper.oracle.json_value import JsonValue
from viper.oracle.phrase_parser import (
    PhraseParser,
    content_words,
    relation_term,
    singular_noun,
)
from viper.oracle.scene import Scene, SceneObject
from viper.vocabulary.attributes import kind_of

__all__ = ["fits", "read"]

_OBJECT, _PERSON = "thing", "person"
_GENERIC: dict[str, str] = {
    **dict.fromkeys("thing object item anything something".split(), _OBJECT),
    **dict.fromkeys("person somebody someone anybody anyone".split(), _PERSON),
}
_PERSONS = frozenset(
    "man woman boy girl child kid baby toddler guy lady gentleman adult human".split()
)
# Adjectives of a material for which the graphs and their answers use the noun.
_FORMS = {"wooden": "wood", "metallic": "metal"}

_SHADES = frozenset("light dark bright pale".split())
_SCENE_KINDS = {"weather": "weather", "location": "place"}


class _Node(NamedTuple):
    """One object of a graph, checked."""

    name: str
    term: str
    attributes: tuple[str, ...]
    relations: tuple[tuple[str, str], ...]
    """(predicate, id of the target)."""
    box_xyxy: Box

    @property
    def names(self) -> frozenset[str]:
        """Terms that name it."""
        names = frozenset({self.term, _OBJECT})
        return names | {_PERSON} if self.term in _PERSONS else names


def fits(value: JsonValue) -> bool:
    """Return whether a file holds GQA scene graphs, judging by its first image."""
    first = next(iter(value.raw.values()), None) if isinstance(value.raw, dict) else None
    return isinstance(first, dict) and "objects" in first


def read(value: JsonValue) -> tuple[dict[str, Scene], PhraseParser]:
    """Read all scenes.

    Returns:
        The scenes by image id, and the parser of phrases about them.

    Raises:
        ConfigError: A value is missing or malformed; the message names image, object and field.
    """
    lexicon = _Lexicon(dict(_GENERIC), {}, set(), set())
    scenes = {name: _scene(graph, lexicon) for name, graph in value.fields("image")}
    return scenes, lexicon.parser()


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The words of a file, collected while it is read."""

    nouns: dict[str, str]
    attributes: dict[str, str]
    predicates: set[str]
    relation_terms: set[str]

    def add(self, node: _Node) -> None:
        """Add the words of an object."""
        self.nouns.update(((node.name, node.term), (node.term, node.term)))
        self.attributes.update((attribute, attribute) for attribute in node.attributes)
        self.predicates.update(predicate for predicate, _ in node.relations)

    def parser(self) -> PhraseParser:
        """Return the parser of phrases with these words."""
        forms = {form: term for form, term in _FORMS.items() if term in self.attributes}
        return PhraseParser(
            self.nouns, self.attributes | forms, self.predicates, self.relation_terms
        )


def _scene(graph: JsonValue, lexicon: _Lexicon) -> Scene:
    width, height = (graph[side].pixels() for side in ("width", "height"))
    objects = dict(graph["objects"].fields("object"))
    nodes = {key: _node(item, objects, width, height) for key, item in objects.items()}
    for node in nodes.values():
        lexicon.add(node)
    values = {
        kind: plain
        for field, kind in _SCENE_KINDS.items()
        if field in graph and (plain := _plain(graph[field].text()))
    }
    lexicon.attributes.update((value, value) for value in values.values())
    places = {key: index for index, key in enumerate(nodes)}
    annotated = []
    for node in nodes.values():
        terms = [sys.intern(term) for term in _relation_terms(node, nodes)]
        lexicon.relation_terms.update(terms)
        annotated.append(_object(node, terms, places))
    return Scene(tuple(annotated), (width, height), values)


def _node(item: JsonValue, objects: Mapping[str, JsonValue], width: int, height: int) -> _Node:
    name = _plain(item["name"].text())
    if not name:
        raise item["name"].wrong("a text with a word in it")
    attributes = [_plain(attribute.text()) for attribute in item.optional_items("attribute")]
    relations = []
    for relation in item.optional_items("relation"):
        target = relation["object"].text()
        if target not in objects:
            raise ConfigError(f"{relation.where}: the image has no object {target!r}.")
        relations.append((_plain(relation["name"].text()), target))
    *first, last = name.split()
    term = " ".join((*first, singular_noun(last)))
    return _Node(
        name=name,
        term=_GENERIC.get(term, term),
        attributes=tuple(_FORMS.get(text, text) for text in attributes if text),
        relations=tuple((predicate, target) for predicate, target in relations if predicate),
        box_xyxy=_box(item, width, height),
    )


def _object(node: _Node, relation_terms: Sequence[str], places: Mapping[str, int]) -> SceneObject:
    values: dict[str, str] = {}
    for attribute in node.attributes:
        first, *rest = attribute.split()
        kind = kind_of(attribute) or (kind_of(" ".join(rest)) if first in _SHADES else None)
        if kind is not None:
            values.setdefault(kind, attribute)
    predicates = {predicate for predicate, _ in node.relations}
    return SceneObject(
        box_xyxy=node.box_xyxy,
        name=node.name,
        names=node.names,
        terms=node.names | {*node.attributes, *predicates, *relation_terms},
        values=values,
        relations=tuple((predicate, places[key]) for predicate, key in node.relations),
    )


def _relation_terms(node: _Node, graph: Mapping[str, _Node]) -> Iterator[str]:
    """Yield the terms of an object's relations with their targets."""
    for predicate, key in node.relations:
        for name in graph[key].names:
            yield relation_term(predicate, name)
        for adjective in graph[key].attributes:
            yield relation_term(predicate, graph[key].term, adjective)


def _box(item: JsonValue, width: int, height: int) -> Box:
    """Return the box inside the image, at least a pixel wide and high: the graphs have empty ones."""
    x, y, w, h = (item[side].number() for side in ("x", "y", "w", "h"))
    for side, length in (("w", w), ("h", h)):
        if length < 0:
            raise item[side].wrong("a number of pixels, 0 or more")
    x1, y1, x2, y2 = snap(clamp((x, y, x + w, y + h), width, height))
    x1, y1 = min(x1, width - 1.0), min(y1, height - 1.0)
    return x1, y1, max(x2, x1 + 1.0), max(y2, y1 + 1.0)


def _plain(text: str) -> str:
    """Return the words of a text, without articles; "" if it has none."""
    return " ".join(content_words(text))
