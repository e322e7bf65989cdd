"""Fences of Markdown around a program, and the prompts of Python's shell in front of its lines."""

from __future__ import annotations

import re

__all__ = ["FENCE", "fenced", "parted_fences", "without_prompts"]

FENCE = re.compile(r"^\s*(```|~~~)")
# The beginning of a line in an example of the documentation, and code on the line of its fence.
_PROMPT = re.compile(r"^[^\S\n]*(?:>>>|\.\.\.) ?", re.MULTILINE)
_EARLY_CODE = re.compile(r"^([ \t]*(?:```|~~~)\w*)[ \t]+(?=(?:def|import|from)\b)", re.MULTILINE)


def fenced(text: str, wanted: re.Pattern[str]) -> list[str]:
    """Return the fenced blocks of a text: first those that hold what is wanted, the last of them first."""
    blocks: list[str] = []
    block: list[str] | None = None
    before: list[str] = []
    for line in text.split("\n"):
        if FENCE.match(line):
            if block is None:
                block = []
            else:
                blocks.append("\n".join(block))
                block = None
        elif block is not None:
            block.append(line)
        elif not blocks:
            before.append(line)
    if block:  # the completion was cut off before the closing fence
        blocks.append("\n".join(block))
    matching = [b for b in blocks if wanted.search(b)]
    others = set(blocks).difference(matching)  # a set: there may be thousands of blocks
    found = matching[::-1] + [b for b in blocks if b in others and b.strip()]
    if block is not None:  # or its opening fence stands in the prompt
        found.append("\n".join(before))
    return found


def parted_fences(text: str) -> str:
    """Give fences that stand on a line of code a line of their own."""
    lines = _EARLY_CODE.sub(r"\1\n", text).split("\n")
    for index, line in enumerate(lines):
        code = line.rstrip()
        if code.endswith(("```", "~~~")) and not FENCE.match(line):
            lines[index] = f"{code[:-3]}\n{code[-3:]}"
    return "\n".join(lines)


def without_prompts(text: str) -> str:
    """Return the code of an example in the form of Python's own shell."""
    return "\n".join(_PROMPT.sub("", line) for line in text.split("\n") if _PROMPT.match(line))
