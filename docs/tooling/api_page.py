"""Writes the reference page of the ImagePatch API from the spec: `python -m docs.tooling.api_page`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from viper.programs.api_spec import ApiCallable, ApiSpec, load_spec

__all__ = ["to_markdown"]

_SECTIONS = ("Args", "Returns", "Raises", "Example")


def to_markdown(spec: ApiSpec) -> str:
    """Return the whole page; `docs/api.md` holds it, and a test fails when that is stale."""
    lines = [
        "# The ImagePatch API",
        "",
        "What a generated program may use besides the language itself. Made from `api_spec/*.pyi` by",
        "`make reference`; edit those.",
        "",
        "Coordinates are pixels of the whole image with the origin at the **bottom left**: `lower < upper`.",
        "Everything that Viper prints is `(x1, y1, x2, y2)` with the origin at the top left.",
        "",
        "## Attributes of a patch",
        "",
        "| attribute | type | meaning |",
        "|---|---|---|",
        *(f"| `{a.name}` | `{a.type}` | {_cell(a.doc)} |" for a in spec.attributes),
        "",
        "## Making a patch",
        "",
        *_entry(spec.constructor, "ImagePatch"),
        "## Methods of a patch",
        "",
    ]
    for entry in spec.callables:
        if entry.is_method:
            lines += _entry(entry, entry.name)
    lines += ["## Functions", ""]
    for entry in spec.callables:
        if not entry.is_method:
            lines += _entry(entry, entry.name)
    for handle in spec.handles:
        lines += [
            f"## Objects of the class {handle.name}",
            "",
            handle.doc,
            "",
            "| attribute | type | meaning |",
            "|---|---|---|",
            *(f"| `{a.name}` | `{a.type}` | {_cell(a.doc)} |" for a in handle.attributes),
            "",
        ]
    return "\n".join(lines)


def _entry(entry: ApiCallable, name: str) -> Iterator[str]:
    parameters = entry.signature.partition("(")[2]
    signature = parameters.rpartition(" -> ")[0] if entry.name == "__init__" else parameters
    yield f"### `{name}({signature}`"
    yield ""
    yield f"Needs the role `{entry.needs}`." if entry.needs else "Plain geometry: needs no model."
    yield ""
    section = ""
    for line in entry.doc.splitlines():
        heading = line.strip().removesuffix(":")
        if heading in _SECTIONS and line == f"{heading}:":
            section = heading
            if section == "Example":
                yield from ("```python", entry.example, "```")
                break
            yield f"**{section}**"
            yield ""
        elif section in ("Args", "Raises") and re.match(r"    \w+: ", line):
            term, _, meaning = line.strip().partition(": ")
            yield f"- `{term}`: {meaning}"
        elif section in ("Args", "Raises") and line.strip():
            yield f"  {line.strip()}"
        else:
            yield line.strip()
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(to_markdown(load_spec()))
