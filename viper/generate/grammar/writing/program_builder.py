"""The program under construction: its lines, its variable names, and the notes on what it cannot test."""

from __future__ import annotations

from textwrap import indent

from viper.generate.grammar.writing.geometry import helper_source
from viper.generate.grammar.writing.naming import Names
from viper.models.capabilities import Capabilities

__all__ = ["ProgramBuilder"]


class ProgramBuilder:
    """Collects the lines, names and notes of one program.

    Args:
        capabilities: The served models.
    """

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self.has_matcher = capabilities.serves("matcher")
        self.has_answerer = capabilities.serves("answerer")
        self.names = Names()
        self.notes: dict[str, None] = {}
        """Conditions that the program does not test or only approximates, in order."""
        self._lines: list[str] = []
        self._expressions: list[str] = []

    def write(self, *lines: str) -> None:
        """Add lines to the body."""
        self._lines += lines

    def comment(self, text: str) -> None:
        """Add a comment; `text` must be the grammar's own, never a part of a question."""
        self.write(f"# {text}")

    def use(self, expression: str) -> str:
        """Include the functions of `geometry` that an expression calls; return the expression."""
        self._expressions.append(expression)
        return expression

    def note(self, text: str) -> None:
        """Add a note on a condition that is not tested or only approximated."""
        self.notes[text] = None

    def source(self) -> str:
        """Return the text of the program."""
        body = [*helper_source(self._expressions), "image_patch = ImagePatch(image)", *self._lines]
        return "def execute_command(image):\n" + indent("\n".join(body), "    ") + "\n"
