"""GQA scene graphs: `{imageId: {"width", "height", "objects": {id: {"name", "x", …}}}}`.

Of a thing hold: its name, its attributes, and each of its relations, alone and with what it leads to
("holding", "holding cup", "holding red cup"). Names are compared in the singular. No synonyms are invented,
but everything is a thing, and every man, woman and child is a person. Graphs tell no depth (Hudson and
Manning 2019, GQA, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from viper.boxes import Box, clamp, snap
from viper.errors import ConfigError
from viper.vision.attributes import kind_of
from viper.vision.truth.language import Language, one, related, words
from viper.vision.truth.reading import Value
from viper.vision.truth.scene import Scene, Thing

__all__ = ["fits", "read"]

_THING = "thing"
_GENERIC: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("thing", "object", "item", "anything", "something"), _THING)
)
_PERSONS = frozenset(
    "man woman boy girl child kid baby toddler guy lady gentleman adult human".split()
)
_SCENE_KINDS = MappingProxyType({"weather": "weather", "location": "place"})


def fits(value: Value) -> bool:
    """Tell whether a file holds GQA scene graphs; the first image decides."""
    first = next(iter(value.raw.values()), None) if isinstance(value.raw, dict) else None
    return isinstance(first, dict) and "objects" in first


def read(value: Value) -> tuple[dict[str, Scene], Language]:
    """Read all scenes.

    Returns:
        The scenes by image id, and the language of all of them.

    Raises:
        ConfigError: A value is missing or malformed; the message names image, object and field.
    """
    file = value.where
    scenes = {
        name: _scene(graph.called(f"{file}: image {name!r}")) for name, graph in value.fields()
    }
    nouns: dict[str, str] = {}
    attributes: dict[str, str] = {}
    relations: set[str] = set()
    leading: set[str] = set()
    for _, graph in value.fields():
        things = {key: item.raw for key, item in graph["objects"].fields()}
        for thing in things.values():
            nouns.update((_term(name), name) for name in _names(thing["name"]))
            nouns[" ".join(words(thing["name"]))] = _term(thing["name"])
            attributes.update((_plain(text), _plain(text)) for text in thing.get("attributes", ()))
            for relation in thing.get("relations", ()):
                relations.add(_plain(relation["name"]))
                leading.update(_leading(relation["name"], things[relation["object"]]))
    for scene in scenes.values():
        attributes.update((text, text) for text in scene.values.values())
    return scenes, Language({**nouns, **_GENERIC}, attributes, relations, leading)


def _scene(graph: Value) -> Scene:
    width, height = round(graph["width"].number(above=0)), round(graph["height"].number(above=0))
    objects = dict(graph["objects"].fields())
    for item in objects.values():
        _check(item, objects)
    things = tuple(_thing(item, objects, width, height) for item in objects.values())
    values = {
        kind: _plain(graph[field].text()) for field, kind in _SCENE_KINDS.items() if field in graph
    }
    return Scene(things, (width, height), values)


def _check(item: Value, objects: dict[str, Value]) -> None:
    """Raise ConfigError unless an object's words are what they must be."""
    item["name"].text()
    if "attributes" in item:
        for attribute in item["attributes"].items("attribute"):
            attribute.text()
    if "relations" in item:
        for relation in item["relations"].items("relation"):
            relation["name"].text()
            target = relation["object"]
            if target.text() not in objects:
                raise ConfigError(f"{target.where}: the image has no object {target.raw!r}.")


def _thing(item: Value, objects: dict[str, Value], width: int, height: int) -> Thing:
    thing = item.raw
    names = _names(thing["name"])
    attributes = [_plain(text) for text in thing.get("attributes") or ()]
    terms = {*names, *attributes}
    for relation in thing.get("relations") or ():
        terms.add(_plain(relation["name"]))
        terms.update(_leading(relation["name"], objects[relation["object"]].raw))
    values: dict[str, str] = {}
    for attribute in attributes:
        kind = kind_of(attribute)
        if kind is not None:
            values.setdefault(kind, attribute)
    return Thing(
        box_xyxy=_box(item, width, height),
        name=" ".join(words(thing["name"])),
        names=names,
        terms=frozenset(terms),
        values=values,
    )


def _box(item: Value, width: int, height: int) -> Box:
    """Return the box inside the picture, at least a pixel each way: the graphs have empty ones."""
    x, y = item["x"].number(), item["y"].number()
    w, h = item["w"].number(), item["h"].number()
    if w < 0 or h < 0:
        raise item["w" if w < 0 else "h"].wrong("a number of pixels, 0 or more")
    x1, y1, x2, y2 = snap(clamp((x, y, x + w, y + h), width, height))
    x1, y1 = min(x1, width - 1.0), min(y1, height - 1.0)
    return x1, y1, max(x2, x1 + 1.0), max(y2, y1 + 1.0)


def _leading(predicate: str, thing: dict[str, list[str]]) -> Iterable[str]:
    """Yield the terms of a relation that leads to a thing."""
    for name in _names(str(thing["name"])):
        yield related(_plain(predicate), name)
        for attribute in thing.get("attributes") or ():
            yield related(_plain(predicate), name, _plain(attribute))


def _names(name: str) -> frozenset[str]:
    term = _term(name)
    return frozenset({term, _THING, "person"} if term in _PERSONS else {term, _THING})


def _term(name: str) -> str:
    """Return a name in the singular."""
    *first, last = words(name) or (name.lower(),)
    return _GENERIC.get(name, " ".join((*first, one(last))))


def _plain(text: str) -> str:
    return " ".join(words(text)) or text.lower()
