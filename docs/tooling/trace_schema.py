"""Writes `schema.json` and the tables of `docs/traces.md`: `python -m docs.tooling.trace_schema`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import viper
from viper.trace.schema import generate_schema

__all__ = ["schema_file", "with_tables"]

_BEGIN, _END = "<!-- keys -->\n", "<!-- end of keys -->"


def schema_file() -> str:
    """Return the text of `schema.json`, made from the records; a test fails when the file is stale."""
    return json.dumps(generate_schema(), indent=2, ensure_ascii=False) + "\n"


def with_tables(page: str) -> str:
    """Return the page with its tables regenerated from the schema; a test fails when they are stale."""
    before, _, rest = page.partition(_BEGIN)
    _, found, after = rest.partition(_END)
    assert found, "the page has a place for the tables"
    return before + _BEGIN + "".join(f"{row}\n" for row in _tables()) + _END + after


def _tables() -> Iterator[str]:
    schema = generate_schema()
    sections = {"The trace": (schema, "")}
    for name, rule, parent in _nested(schema, schema["$defs"]):
        _, places = sections.get(name, (rule, ""))
        sections[name] = rule, ", ".join(filter(None, (places, parent)))
    for name, (rule, places) in sections.items():
        yield from ("", f"### {name}", "")
        if places:
            yield from (f"{rule['description']} In {places}.", "")
        yield from ("| key | value |", "|---|---|")
        for key, item in rule["properties"].items():
            yield f"| `{key}` | {_meaning(item)} |"
    yield ""


def _nested(
    rule: dict[str, Any], rules: dict[str, Any], above: str = ""
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the types nested in a rule: their names, their rules, and their places."""
    for key, item in rule["properties"].items():
        place = f"{above}.{key}" if above else key
        for name in _references(item):
            if "properties" not in rules[name]:
                continue  # a value of a program, which the page describes in words
            yield name, rules[name], f"`{place}`"
            if name not in above:
                yield from _nested(rules[name], rules, place)


def _references(rule: Any) -> Iterator[str]:
    match rule:
        case {"$ref": str(reference)}:
            yield reference.removeprefix("#/$defs/")
        case dict():
            yield from _references([*rule.values()])
        case list():
            for item in rule:
                yield from _references(item)


def _meaning(rule: dict[str, Any]) -> str:
    text: str = rule.get("description", "")
    choices = next((part["enum"] for part in (rule, *rule.get("anyOf", ())) if "enum" in part), ())
    listed = " ".join(f"`{choice}`" for choice in choices if f"`{choice}`" not in text)
    return f"{text} {listed}".strip()


if __name__ == "__main__":
    (Path(viper.__file__).parent / "trace" / "schema.json").write_text(
        schema_file(), encoding="utf-8"
    )
    path = Path(__file__).parents[1] / "traces.md"
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
