"""Stop criterion for program generation: find the end of the program in the text written so far.

A model that is not stopped goes on after the program: it explains it, calls it, or writes the next
question itself, at the same cost per token. Only lines are inspected: the host never parses a program.
"""

from __future__ import annotations

import re

from viper_sandbox.thoughts import after_thoughts

__all__ = ["end_of_program"]

_ENTRY = re.compile(r"^(?:async )?def execute_command\b", re.MULTILINE)
_FENCES = ("```", "~~~")
_CONTINUATIONS = ("#", "@", ")", "]", "}")
"""Starts of unindented lines inside a program: comments, decorators, and closing brackets, as in a
signature over several lines."""
_FUNCTIONS = ("def ", "async def ")
_QUOTES = ('"""', "'''")


def end_of_program(text: str) -> int | None:
    """Return the length of a text up to the end of the program in it.

    After the start of `def execute_command`, the program ends at the first unindented line that cannot
    belong to it: anything but a comment, a decorator, another function, a closing bracket, or text
    inside a triple-quoted string. A closing fence is included, so that fences stay paired; any other
    line that ends the program is not.

    Args:
        text: Text written so far; its last line may be unfinished.

    Returns:
        Number of characters to keep, or None while the program may go on.
    """
    entry = _ENTRY.search(text, after_thoughts(text))
    if entry is None:
        return None
    start = text.find("\n", entry.end()) + 1
    in_string = False
    # Not `splitlines`, which also splits at line ends that Python does not recognize.
    for line in re.findall(r".*\n|.+", text[start:]) if start else ():
        if not in_string and _ends(line):
            return start + (len(_FENCES[0]) if line.startswith(_FENCES) else 0)
        in_string ^= sum(line.count(quotes) for quotes in _QUOTES) % 2 == 1
        start += len(line)
    return None


def _ends(line: str) -> bool:
    """Return whether a line, or the beginning of a line, cannot belong to the program."""
    if line.startswith(_FENCES):
        return True
    if not line.strip() or line[0].isspace() or line.startswith((*_CONTINUATIONS, *_FUNCTIONS)):
        return False
    unfinished = not line.endswith("\n")
    return not (unfinished and any(word.startswith(line) for word in (*_FUNCTIONS, *_FENCES)))
