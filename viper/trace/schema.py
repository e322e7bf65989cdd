"""Checks a JSON value against `schema.json`: the part of JSON Schema that the file uses, no more.

The schema is the one description of a trace. Reading it here, instead of writing its rules down a second
time, is what keeps the reader and the published schema from diverging.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = ["KEYWORDS", "Problem", "joined", "problem", "schema", "schema_text", "shown"]

_IGNORED = {"$schema", "$defs", "title", "description"}
KEYWORDS = _IGNORED | set(
    "$ref type const enum oneOf anyOf required additionalProperties properties items minItems maxItems "
    "minimum pattern".split()
)
"""What the reader understands; `schema.json` uses nothing else."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}


class Problem(NamedTuple):
    """The first thing that is wrong with a value."""

    path: str
    """Where, such as `attempts[0].calls[2].line`; empty for the value itself."""
    trouble: str
    """What, as the rest of a sentence about that place."""


def schema_text() -> str:
    """Return the text of `schema.json`."""
    return (files("viper.trace") / "schema.json").read_text(encoding="utf-8")


@functools.cache
def schema() -> dict[str, Any]:
    """Return the schema; the result is shared."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


def problem(value: Any, rule: Mapping[str, Any] | None = None, path: str = "") -> Problem | None:
    """Return the first problem of a JSON value, None when there is none.

    Numbers must be written as the schema means them: `1.0` is no integer.

    Args:
        value: What `json.loads` gave, not nested too deeply for recursion.
        rule: A part of the schema; the whole of it if None.
        path: Where the value stands.
    """
    return next(_problems(value, schema() if rule is None else rule, path), None)


def _problems(value: Any, rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    assert rule.keys() <= KEYWORDS, f"schema.json uses what is not read: {rule.keys() - KEYWORDS}"
    if "$ref" in rule:
        name = rule["$ref"].removeprefix("#/$defs/")
        yield from _problems(value, schema()["$defs"][name], path)
    for choice in ("oneOf", "anyOf"):
        if choice in rule:
            yield from _none_of(value, rule[choice], path)
    if "type" in rule:
        names = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        if not any(_is(value, name) for name in names):
            yield Problem(path, f"must be {_or(map(_a, names))}, but is {shown(value)}")
            return
    if "const" in rule and (value != rule["const"] or type(value) is not type(rule["const"])):
        yield Problem(path, f"must be {rule['const']!r}, but is {shown(value)}")
    if "enum" in rule and not (isinstance(value, str) and value in rule["enum"]):
        yield Problem(
            path, f"must be one of {', '.join(map(repr, rule['enum']))}, but is {shown(value)}"
        )
    if "minimum" in rule and isinstance(value, (int, float)) and value < rule["minimum"]:
        yield Problem(path, f"must be {rule['minimum']} or more, but is {shown(value)}")
    if "pattern" in rule and isinstance(value, str) and not re.search(rule["pattern"], value):
        yield Problem(path, f"must match {rule['pattern']!r}, but is {shown(value)}")
    if isinstance(value, dict):
        yield from _of_object(value, rule, path)
    elif isinstance(value, list):
        yield from _of_array(value, rule, path)


def _none_of(value: Any, rules: Sequence[Mapping[str, Any]], path: str) -> Iterator[Problem]:
    """Yield what is wrong where several rules are offered, of the one that comes nearest."""
    nearest: Problem | None = None
    for rule in rules:
        found = next(_problems(value, rule, path), None)
        if found is None:
            return
        # An object that is wrong inside is told so, not that it should have been null.
        if nearest is None or len(found.path) >= len(nearest.path):
            nearest = found
    if nearest is not None:
        yield nearest


def _of_object(value: dict[str, Any], rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for key in rule.get("required", ()):
        if key not in value:
            yield Problem(path, f"lacks the key {key!r}")
    known = rule.get("properties", {})
    others = rule.get("additionalProperties", True)
    for key, item in value.items():
        inner = joined(path, key)
        if key in known:
            yield from _problems(item, known[key], inner)
        elif others is False:
            yield Problem(path, f"has the unknown key {shown(key)}")
        elif others is not True:
            yield from _problems(item, others, inner)


def _of_array(value: list[Any], rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    fewest, most = rule.get("minItems", 0), rule.get("maxItems", len(value))
    if not fewest <= len(value) <= most:
        yield Problem(path, f"must have {fewest} items, but has {len(value)}")
    if "items" in rule:
        for index, item in enumerate(value):
            yield from _problems(item, rule["items"], f"{path}[{index}]")


def joined(path: str, key: str) -> str:
    """Return the path of a key of an object; a key that is no plain word is quoted."""
    if not re.fullmatch(r"\w{1,60}", key):
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key


def shown(value: Any) -> str:
    """Return a value for a message: short, on one line, its text quoted."""
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list):
        return f"an array of {len(value)} items"
    if isinstance(value, str) and len(value) > 60:
        value = value[:59] + "…"
    text = {None: "null", True: "true", False: "false"}.get(value) if _plain(value) else None
    return text or repr(value)[:80]


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):  # which Python takes for an integer
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _a(name: str) -> str:
    return "null" if name == "null" else f"an {name}" if name[0] in "aio" else f"a {name}"


def _or(names: Iterator[str]) -> str:
    return " or ".join(names)
