"""The commands that the pages show, as a shell would read them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = {"docs/reference/cli.md"}
"""Written from the help of the commands, whose examples are read there."""
PAGES = tuple(
    str(path.relative_to(ROOT))
    for path in sorted(
        [ROOT / "README.md", ROOT / "examples" / "README.md", *(ROOT / "docs").rglob("*.md")]
    )
    if str(path.relative_to(ROOT)) not in GENERATED and "_build" not in path.parts
)
_SHELL = ("", "console", "text", "bash", "sh")
_VARIABLE = re.compile(r"[A-Z_]+=\S*")


@dataclass(frozen=True)
class Command:
    """One command of a page."""

    page: str
    text: str
    """As it stands there, on one line."""
    arguments: tuple[str, ...]
    """What follows `viper`."""
    stdin: str | None
    """A file that the shell would send to it."""
    target: str | None
    """A file that the shell would write what it prints to."""
    printed: tuple[str, ...]
    """The lines that the page shows after it, in a block with prompts."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of each fenced block."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[Command]:
    """Return the `viper` commands of a page, in order."""
    found: list[Command] = []
    for language, text in blocks(page):
        if language in _SHELL:
            found += _commands(page, text)
    return found


def _commands(page: str, block: str) -> list[Command]:
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    has_prompts = any(line.startswith("$ ") for line in lines)
    found: list[Command] = []
    for at, line in enumerate(lines):
        if has_prompts and not line.startswith("$ "):
            continue
        # A description follows behind two blanks or a "#".
        text = re.split(r" {2,}| # ", line.removeprefix("$ ").strip())[0]
        words = shlex.split(text, comments=True) if text.count('"') % 2 == 0 else []
        while words and _VARIABLE.fullmatch(words[0]):
            del words[0]
        if not words or words[0].rpartition("/")[2] != "viper":
            continue
        rest, files = words[1:], {}
        for sign in ("<", ">"):
            if sign in rest:
                place = rest.index(sign)
                files[sign] = rest[place + 1]
                del rest[place : place + 2]
        printed: list[str] = []
        for below in lines[at + 1 :] if has_prompts else ():
            if below.startswith("$ "):
                break
            printed.append(below)
        found.append(
            Command(page, text, tuple(rest), files.get("<"), files.get(">"), tuple(printed))
        )
    return found
