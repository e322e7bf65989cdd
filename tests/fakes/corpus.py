"""Reading the corpus: one program a file, with comment lines in front that say what is expected.

    # category: frames | expect: reject | success would mean: the frame of a generator
    # refused: policy 3 "The attribute 'gi_frame' is hidden"     how it fails, or …
    # gives: 'plain'                                             … the value it returns
    # os: escapes                                                an act of the operating system

`refused` has the kind, the line of the program ("-" for none, "*" for any) and how the message begins;
several kinds are joined by "|". Where the words are Python's own, which change from version to version, the
message ends before them. `os` says what happens with the language layer off: `escapes` is contained by the
confinement alone and succeeds without it, `contained` is contained, `timeout` and `memory` end so,
`ends` ends in any of the two or is killed, `frames` breaks the rules of the protocol. Lines count after
this header.

Words between @ signs are filled in, so that files stay text: `@NUL@`, `@REPEAT(3, "x")@`, `@CANARY_DIR@`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "sandbox" / "corpus"

_HEADER = re.compile(r"# (category|legit|refused|gives|value|os): ?(.*)")
_CHARACTERS = {
    "@NUL@": "\0",
    "@FF@": "\f",
    "@VT@": "\v",
    "@CR@": "\r",
    "@LS@": "\u2028",
    "@RLO@": "\u202e",
    "@PDI@": "\u2069",
    "@ZW@": "\u200b",
    "@BOM@": "\ufeff",
    "@SURROGATE@": "\ud800",
    "@EMPTY@\n": "",
}
_REPEAT = re.compile(r'@(REPEAT|INDENT)\((\d+), ("(?:[^"\\]|\\.)*")\)@')


@dataclass(frozen=True)
class Refusal:
    """How a program is expected to fail."""

    kinds: tuple[str, ...]
    line: int | str | None
    """The line of the program, None for no line, "*" for any."""
    message: str
    """How the message begins."""


@dataclass(frozen=True)
class Program:
    """One program of the corpus and what is expected of it."""

    name: str
    about: str
    """Category and meaning of a success, or what a legitimate program shows."""
    source: str
    """The text for the sandbox; names of the surroundings are not filled in yet."""
    refused: Refusal | None
    value: Any
    """What it returns if it is not refused, in plain Python; see `plain`."""
    os: str | None

    def __str__(self) -> str:
        return self.name


def load(kind: str) -> list[Program]:
    """Return the programs of "escapes" or "legit", by name."""
    return [read(path) for path in sorted((FOLDER / kind).glob("*.py"))]


def read(path: Path) -> Program:
    """Read one program."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    header: dict[str, str] = {}
    while lines and (match := _HEADER.match(lines[0])):
        header[match[1]] = match[2].strip()
        del lines[0]
    about = header.get("category") or header.get("legit")
    if about is None:
        raise ValueError(f"{path.name} has no line '# category: …' or '# legit: …'.")
    value = header.get("gives", header.get("value", "None"))
    return Program(
        path.stem,
        about,
        expand("".join(lines)),
        _refusal(header["refused"]) if "refused" in header else None,
        ast.literal_eval(value),
        header.get("os"),
    )


def expand(text: str) -> str:
    """Fill in the words between @ signs that do not depend on the surroundings."""
    for word, character in _CHARACTERS.items():
        text = text.replace(word, character)
    return _REPEAT.sub(_repeat, text)


def _repeat(match: re.Match[str]) -> str:
    count, part = int(match[2]), ast.literal_eval(match[3])
    if match[1] == "REPEAT":
        return part * count
    lines = [f"{' ' * (i + 4)}{part}\n" for i in range(count)]  # each a level deeper
    return "".join(lines) + " " * (count + 4) + "pass"


def _refusal(text: str) -> Refusal:
    kinds, line, message = text.split(" ", 2)
    number = {"-": None, "*": "*"}[line] if line in "-*" else int(line)
    return Refusal(tuple(kinds.split("|")), number, ast.literal_eval(message))
