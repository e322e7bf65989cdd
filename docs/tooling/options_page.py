"""Writes the tables of options in `docs/howto/own-models.md`: `python -m docs.tooling.options_page FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viper.backends import option_models
from viper.models.options import BackendOptions

__all__ = ["TABLES", "with_tables"]

TABLES: dict[str, type[BackendOptions]] = {
    "`onnx` detector": option_models.OnnxOptions,
    "`transformers` detector": option_models.TransformersDetectorOptions,
    "`transformers` matcher": option_models.TransformersMatcherOptions,
    "`transformers` depth": option_models.TransformersDepthOptions,
    "`transformers` answerer": option_models.TransformersAnswererOptions,
    "`open_clip` matcher": option_models.OpenClipOptions,
    "`ultralytics` detector": option_models.UltralyticsOptions,
    "`limber` answerer": option_models.LimberOptions,
}
"""Heading → options, in the order of the page."""


def with_tables(page: str) -> str:
    """Return the page with its tables regenerated from the code; a test fails when they are stale."""
    begin, end = "<!-- options -->\n", "<!-- end of options -->"
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    assert found, "the page has a place for the options"
    return before + begin + "".join(f"{row}\n" for row in _rows()) + end + after


def _rows() -> Iterator[str]:
    for heading, model in TABLES.items():
        yield from ("", f"{heading}:", "", "| option | default | meaning |", "|---|---|---|")
        for name, schema in model.json_schema().items():
            yield f"| `{name}` | {_default(schema)} | {_meaning(schema)} |"
    yield ""


def _default(schema: dict[str, Any]) -> str:
    value = schema["default"]
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(schema: dict[str, Any]) -> str:
    value = next(iter(schema.get("anyOf", ())), schema)
    low, high = value.get("minimum"), value.get("maximum")
    bounds = ""
    if low is not None:
        bounds = f" ({low:g} … {high:g})" if high is not None else f" (at least {low:g})"
    choices = ", ".join(f"`{word}`" for word in value.get("enum", ()))
    return schema["description"] + bounds + (f": {choices}" if choices else "")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
