"""GQA scene graphs: `{imageId: {"width", "height", "objects": {id: {"name", "x", …}}}}`.

Of a thing hold: its name, its attributes, and each of its relations, alone and with what it leads to
("holding", "holding cup", "holding red cup"). Names are compared in the singular. No synonyms are invented,
but everything is a thing, and every man, woman and child is a person. Graphs tell no depth (Hudson and
Manning 2019, GQA, section 3.1).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from viper.errors import ConfigError
from viper.images.boxes import Box, clamp, snap
from viper.oracle.json_value import JsonValue
from viper.oracle.language import Language, one, related, words
from viper.oracle.scene import Scene, Thing
from viper.vocabulary.attributes import kind_of

__all__ = ["fits", "read"]

_THING, _PERSON = "thing", "person"
_GENERIC = MappingProxyType(
    {
        word: term
        for term, spoken in (
            (_THING, "thing object item anything something"),
            (_PERSON, "person somebody someone anybody anyone"),
        )
        for word in spoken.split()
    }
)
_PERSONS = frozenset(
    "man woman boy girl child kid baby toddler guy lady gentleman adult human".split()
)
_FORMS = MappingProxyType({"wooden": "wood", "metallic": "metal"})
# Adjectives of a material that the graphs, and their answers, spell as the noun.

_SHADES = frozenset("light dark bright pale".split())
_SCENE_KINDS = MappingProxyType({"weather": "weather", "location": "place"})


class _Node(NamedTuple):
    """One object of a graph, checked."""

    name: str
    term: str
    attributes: tuple[str, ...]
    relations: tuple[tuple[str, str], ...]
    """(predicate, id of the object that it leads to)."""
    box_xyxy: Box

    @property
    def names(self) -> frozenset[str]:
        """Terms that it may be called by."""
        names = frozenset({self.term, _THING})
        return names | {_PERSON} if self.term in _PERSONS else names


def fits(value: JsonValue) -> bool:
    """Tell whether a file holds GQA scene graphs; the first image decides."""
    first = next(iter(value.raw.values()), None) if isinstance(value.raw, dict) else None
    return isinstance(first, dict) and "objects" in first


def read(value: JsonValue) -> tuple[dict[str, Scene], Language]:
    """Read all scenes.

    Returns:
        The scenes by image id, and the language of all of them.

    Raises:
        ConfigError: A value is missing or malformed; the message names image, object and field.
    """
    lexicon = _Lexicon(dict(_GENERIC), {}, set(), set())
    scenes = {name: _scene(graph, lexicon) for name, graph in value.fields("image")}
    return scenes, lexicon.language()


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The words of a file, gathered while it is read."""

    nouns: dict[str, str]
    attributes: dict[str, str]
    predicates: set[str]
    related: set[str]

    def add(self, node: _Node) -> None:
        """Learn the words that are used of an object."""
        self.nouns.update(((node.name, node.term), (node.term, node.term)))
        self.attributes.update((attribute, attribute) for attribute in node.attributes)
        self.predicates.update(predicate for predicate, _ in node.relations)

    def language(self) -> Language:
        """Return the language of what was learnt."""
        forms = {form: term for form, term in _FORMS.items() if term in self.attributes}
        return Language(self.nouns, self.attributes | forms, self.predicates, self.related)


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
    things = []
    for node in nodes.values():
        leading = [sys.intern(term) for term in _related(node, nodes)]
        lexicon.related.update(leading)
        things.append(_thing(node, leading, places))
    return Scene(tuple(things), (width, height), values)


def _node(item: JsonValue, objects: Mapping[str, JsonValue], width: int, height: int) -> _Node:
    name = _plain(item["name"].text())
    if not name:
        raise item["name"].wrong("a text with a word in it")
    attributes = []
    for attribute in item["attributes"].items("attribute") if "attributes" in item else ():
        attributes.append(_plain(attribute.text()))
    relations = []
    for relation in item["relations"].items("relation") if "relations" in item else ():
        target = relation["object"].text()
        if target not in objects:
            raise ConfigError(f"{relation.where}: the image has no object {target!r}.")
        relations.append((_plain(relation["name"].text()), target))
    *first, last = name.split()
    term = " ".join((*first, one(last)))
    return _Node(
        name=name,
        term=_GENERIC.get(term, term),
        attributes=tuple(_FORMS.get(text, text) for text in attributes if text),
        relations=tuple((predicate, target) for predicate, target in relations if predicate),
        box_xyxy=_box(item, width, height),
    )


def _thing(node: _Node, leading: Sequence[str], places: Mapping[str, int]) -> Thing:
    values: dict[str, str] = {}
    for attribute in node.attributes:
        first, *rest = attribute.split()
        kind = kind_of(attribute) or (kind_of(" ".join(rest)) if first in _SHADES else None)
        if kind is not None:
            values.setdefault("color" if kind == "colour" else kind, attribute)
    predicates = {predicate for predicate, _ in node.relations}
    return Thing(
        box_xyxy=node.box_xyxy,
        name=node.name,
        names=node.names,
        terms=node.names | {*node.attributes, *predicates, *leading},
        values=values,
        relations=tuple((predicate, places[key]) for predicate, key in node.relations),
    )


def _related(node: _Node, graph: Mapping[str, _Node]) -> Iterator[str]:
    """Yield the terms of an object's relations with what they lead to."""
    for predicate, key in node.relations:
        for name in graph[key].names:
            yield related(predicate, name)
        for adjective in graph[key].attributes:
            yield related(predicate, graph[key].term, adjective)


def _box(item: JsonValue, width: int, height: int) -> Box:
    """Return the box inside the picture, at least a pixel each way: the graphs have empty ones."""
    x, y, w, h = (item[side].number() for side in ("x", "y", "w", "h"))
    for side, length in (("w", w), ("h", h)):
        if length < 0:
            raise item[side].wrong("a number of pixels, 0 or more")
    x1, y1, x2, y2 = snap(clamp((x, y, x + w, y + h), width, height))
    x1, y1 = min(x1, width - 1.0), min(y1, height - 1.0)
    return x1, y1, max(x2, x1 + 1.0), max(y2, y1 + 1.0)


def _plain(text: str) -> str:
    """Return the words of a text, without articles; "" if it has none."""
    return " ".join(words(text))
