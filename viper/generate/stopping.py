"""Where a program that a model is writing ends, seen from its text alone.

Left alone, a model goes on after the program: it explains it, calls it, or writes the next question
itself. Each token of that costs as much as one of the program. This reads lines, not Python: the
host never parses a program.
"""

from __future__ import annotations

import re

__all__ = ["end_of_program"]

_ENTRY = re.compile(r"^(?:async )?def execute_command\b", re.MULTILINE)
_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCES = ("```", "~~~")
_GOES_ON = ("#", "@", ")", "]", "}")
"""What a line at the margin may begin with inside a program: a comment, a decorator, or the end of
a bracket, as in a signature over several lines."""
_FUNCTIONS = ("def ", "async def ")
_QUOTES = ('"""', "'''")


def end_of_program(text: str) -> int | None:
    """Return how much of a text is the program and what stands before it.

    The program ends where `def execute_command` has begun and a line begins at the margin that
    cannot belong to it: anything but a comment, a decorator, another function, a closing bracket,
    or text inside a triple-quoted string. A closing fence is counted in, so that fences stay
    paired; any other line that ends the program is not.

    Args:
        text: What was written so far; its last line may be unfinished.

    Returns:
        The number of characters to keep, or None while the program may go on.
    """
    thoughts = _THOUGHTS.match(text)
    entry = _ENTRY.search(text, thoughts.end() if thoughts else 0)
    if entry is None:
        return None
    start = text.find("\n", entry.end()) + 1
    in_string = False
    # Not `splitlines`, which knows more kinds of line end than Python's own.
    for line in re.findall(r".*\n|.+", text[start:]) if start else ():
        if not in_string and _ends(line):
            return start + (len(_FENCES[0]) if line.startswith(_FENCES) else 0)
        in_string ^= sum(line.count(quotes) for quotes in _QUOTES) % 2 == 1
        start += len(line)
    return None


def _ends(line: str) -> bool:
    """Tell whether a line, or the beginning of one, cannot belong to the program."""
    if line.startswith(_FENCES):
        return True
    if not line.strip() or line[0].isspace() or line.startswith(_GOES_ON):
        return False
    if line.startswith(_FUNCTIONS):
        return False
    unfinished = not line.endswith("\n")
    return not (unfinished and any(word.startswith(line) for word in (*_FUNCTIONS, *_FENCES)))
