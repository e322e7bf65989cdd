"""The published JSON Schema of traces: `schema.json`, which is generated from the records."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from viper.trace.model import adapter
from viper.trace.record import Trace
from viper.trace.values import PLACEHOLDER, REFERENCE, VALUE_SCHEMA

__all__ = ["generate_schema", "schema_text"]


def schema_text() -> str:
    """Return the text of `schema.json`."""
    return (files("viper.trace") / "schema.json").read_text(encoding="utf-8")


def generate_schema() -> dict[str, Any]:
    """Return the schema derived from the records; `schema.json` holds it, and a test compares the two."""
    made = _without_titles(adapter(Trace).json_schema(ref_template="#/$defs/{model}"))
    made["$defs"] = dict(sorted({**made["$defs"], "Value": VALUE_SCHEMA}.items()))
    made["required"] = ["format", "version", *made["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trace of one answer of Viper",
        **made,
    }


def _without_titles(value: Any) -> Any:
    """Return a schema without the titles that repeat its names, and without line ends in texts."""
    match value:
        case {**rest} if rest.pop(PLACEHOLDER, None):
            return {**_without_titles(rest), **REFERENCE}
        case {"properties": properties, **rest}:
            rest.pop("title", None)
            properties = {name: _without_titles(rule) for name, rule in properties.items()}
            return {**_without_titles(rest), "properties": properties}
        case dict():
            return {
                key.lstrip("_"): _without_titles(item)
                for key, item in value.items()
                if key != "title"
            }
        case list():
            return [_without_titles(item) for item in value]
        case str():
            return " ".join(value.replace("/_", "/").split())
        case _:
            return value
