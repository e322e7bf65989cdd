"""The program under construction: its lines, its variable names, and the notes on what it cannot test."""

from __future__ import annotations

from viper.generate.grammar.writing.geometry import helper_source
from viper.generate.grammar.writing.naming import Names
from viper.models.capabilities import Capabilities

__all__ = ["ProgramBuilder"]

_INDENT = "    "


class ProgramBuilder:
    """Collects the lines, names and notes of one program.

    Args:
        capabilities: The served models.
    """

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self.names = Names()
        self.notes: dict[str, None] = {}
        """Conditions that the program does not test or only approximates, in order."""
        self._lines: list[str] = []
        self._helpers: list[str] = []

    def write(self, line: str, depth: int = 0) -> None:
        """Add a line to the body."""
        self._lines.append(_INDENT * depth + line)

    def comment(self, text: str) -> None:
        """Add a comment; `text` must be the grammar's own, never a part of a question."""
        self._lines.append(f"# {text}")

    def use(self, *helpers: str) -> None:
        """Include functions of `geometry`."""
        self._helpers += helpers

    def note(self, text: str) -> None:
        """Add a note on a condition that is not tested or only approximated."""
        self.notes[text] = None

    def source(self) -> str:
        """Return the text of the program."""
        body = [*helper_source(self._helpers), "image_patch = ImagePatch(image)", *self._lines]
        lines = [f"{_INDENT}{line}" if line else "" for line in body]
        return "\n".join(["def execute_command(image):", *lines]) + "\n"
