"""The program under construction: its lines, its variable names, and what it leaves in doubt.

A *doubt* is a condition of the question that the program does not test, or only approximates; without best
effort such a program is not run. A *remark* says how a word was read or defined, and leaves nothing open.
"""

from __future__ import annotations

from textwrap import indent

from viper.generate.grammar.writing.helpers import called_helpers
from viper.generate.grammar.writing.naming import Names
from viper.models.capabilities import Capabilities
from viper.models.roles import Role
from viper.programs.program import Doubt

__all__ = ["ProgramBuilder"]


class ProgramBuilder:
    """Collects the lines, names, doubts and remarks of one program.

    Args:
        capabilities: The served models.
        best_effort: Whether the user wants an answer even where it is in doubt.
    """

    def __init__(self, capabilities: Capabilities, *, best_effort: bool = False) -> None:
        self.capabilities = capabilities
        self.best_effort = best_effort
        self.has_matcher = capabilities.serves("matcher")
        self.has_answerer = capabilities.serves("answerer")
        self.names = Names()
        self.doubts: dict[Doubt, None] = {}
        """Conditions that the program does not test or only approximates, in order."""
        self.remarks: dict[str, None] = {}
        """How words were read or defined, in order."""
        self._lines: list[str] = []

    def write(self, *lines: str) -> None:
        """Add lines to the body."""
        self._lines += lines

    def comment(self, text: str) -> None:
        """Add a comment; `text` must be the grammar's own, never a part of a question."""
        self.write(f"# {text}")

    def doubt(self, condition: str, why: str, needs: Role | None = None) -> None:
        """Record a condition that is not tested, or only approximated.

        Args:
            condition: The condition, in words of the question.
            why: Why it is in doubt.
            needs: The role of a model that would settle it, if one would.
        """
        self.doubts[Doubt(condition, why, needs or "")] = None

    def remark(self, text: str) -> None:
        """Record how a word was read or defined."""
        self.remarks[text] = None

    def source(self) -> str:
        """Return the text of the program."""
        helpers = called_helpers("\n".join(self._lines), best_effort=self.best_effort)
        body = [*helpers, "image_patch = ImagePatch(image)", *self._lines]
        return "def execute_command(image):\n" + indent("\n".join(body), "    ") + "\n"
