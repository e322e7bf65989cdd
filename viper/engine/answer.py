"""Turns the value that a program returned into an answer: its text, and the patches as evidence."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from viper.engine.evidence import Evidence
from viper.images.image import ImageRef
from viper.images.region import Patch
from viper.images.values import by_category, iterate_values
from viper.programs.program import Doubt, Failure, Task
from viper.scheduling.method_request import HostObject
from viper.trace import CallRecord, Trace
from viper.trace.record import RunOutcome

if TYPE_CHECKING:
    from viper.trace.embedding import Embed

__all__ = ["NO_SUCH_OBJECT", "Answer", "grounded_patches", "render"]

NO_SUCH_OBJECT = "no such object"
"""Text of a grounding answer without patches."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question."""

    value: Any
    """The Python value that the program returned, with `Patch` for its patches; None on failure."""
    text: str | None
    """The value as text; None on failure."""
    patches: tuple[Patch, ...]
    """Grounding: the chosen patches, best first; empty if there is no such object. Otherwise: exactly the
    patches that the answer counts or names, as far as the program's data flow tells."""
    failure: Failure | None
    """Why there is no answer; None when there is one."""
    trace: Trace
    """The whole run."""
    image: ImageRef | None = field(default=None, repr=False, compare=False)
    """The image, upright; None where it could not be read."""
    evidence: tuple[Evidence, ...] = ()
    """What the answer rests on, each patch with its role: `answer` (those of `patches`, first), `reference`
    (what others were compared with), `rejected` (found and dropped), or None where the run does not say."""

    @property
    def program(self) -> str | None:
        """Source of the program that gave the answer, or failed last; None when there is none."""
        return self.trace.program

    @property
    def confidence(self) -> float | None:
        """Share of the programs that gave this answer; None without votes."""
        return self.trace.confidence

    @property
    def outcome(self) -> RunOutcome:
        """`answered`, `answered_with_doubts` (only where `best_effort` was asked for), or `no_answer`."""
        return self.trace.outcome

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Conditions of the question that the answer may not meet, and why."""
        return self.trace.doubts

    @property
    def how(self) -> Literal["program", "direct"] | None:
        """`direct` where the answer is one model's word about the whole image; None without an answer."""
        return self.trace.how

    @property
    def weakest(self) -> CallRecord | None:
        """The call whose score was nearest to its threshold: what the answer hangs on most."""
        return self.trace.weakest

    @property
    def unverified(self) -> tuple[str, ...]:
        """Conditions of the question that were not tested, or only in part."""
        return self.trace.unverified

    def to_json(self) -> dict[str, Any]:
        """Return the object that `viper ask --json` prints."""
        return self.trace.summary_json()

    def save_trace(self, path: str | os.PathLike[str], *, embed: Embed = "none") -> None:
        """Write the whole run to a file: `.json` for scripts and replay, `.html` for people.

        Args:
            path: The file; an existing one is replaced.
            embed: How much of the image goes into JSON: `none`, small `crops` of what calls looked at
                and found, or the whole `picture` as well. A page always holds the image.

        Raises:
            ConfigError: The suffix is neither `.json` nor `.html`.
            InputError: The file cannot be written.
        """
        from viper.trace.files import write_trace

        write_trace(path, self.trace, self.image, embed=embed)

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Write the image with the evidence drawn on it: PNG, or JPEG where the path says so.

        The patches that the answer counts or names are numbered, rejected ones are thin, and those that
        others were compared with have another color.

        Raises:
            ConfigError: The suffix is none of `.png`, `.jpg` and `.jpeg`.
            InputError: There is no image, or the file cannot be written.
        """
        from viper.images.drawing import write_drawing

        write_drawing(path, self.image, self.trace.patches)

    def _repr_html_(self) -> str:
        """Return HTML for notebooks: answer, image with boxes, program, calls."""
        from viper.trace.summary import summary_html

        return summary_html(self.trace.to_json(), self.image)

    def __str__(self) -> str:
        return f"no answer: {self.failure}" if self.text is None else self.text + self.trace.caveat


def render(value: Any, task: Task, choices: Sequence[str] = ()) -> str | Failure:
    """Return the text of a program's value, or why it cannot be an answer.

    bool → yes/no, float → at most 6 significant digits, patch → its category, list → items joined
    by ", ", dict → JSON. A text that equals a choice except for case is spelled like the choice; yes and
    true are the same to choices that have one of them, as are no and false. None, blank texts and empty
    collections answer nothing.
    """
    if task == "grounding":
        patches = grounded_patches(value)
        if patches is None:
            return Failure(
                "runtime",
                f"The program returned {_type_name(value)}; with the task grounding it must return a "
                "patch, a list of patches, or None for no such object.",
            )
        return ", ".join(patch.category for patch in patches) or NO_SUCH_OBJECT
    if value is None:
        return Failure("runtime", "The program returned None, which answers nothing.")
    if (empty := _empty(value)) is not None:
        return Failure(
            "runtime",
            f"The program returned {empty}, which answers nothing. Return what the answer says, such as "
            "'nothing', or call absent(name) for what was not found.",
        )
    parts = iterate_values(value, keys=True)
    held = next((part for part in parts if isinstance(part, HostObject)), None)
    if held is not None:
        attributes = " or ".join(f".{name}" for name in held.attributes)
        instead = (
            f"one of its attributes ({attributes})" if attributes else "what a method says of it"
        )
        return Failure(
            "runtime", f"The program returned a {held.kind}, which is no answer; return {instead}."
        )
    text = _text(value)
    folded = text.casefold() if choices else ""  # once: the text may be long, and the choices many
    spelled = next((choice for choice in choices if choice.casefold() == folded), None)
    if spelled is None and folded in _SAME_TRUTH:
        same = _SAME_TRUTH[folded]
        spelled = next((choice for choice in choices if choice.casefold() == same), None)
    return text if spelled is None else spelled


_SAME_TRUTH = {"yes": "true", "true": "yes", "no": "false", "false": "no"}


def _empty(value: Any) -> str | None:
    """Return what an empty value is called in a message; None for a value that says something."""
    match value:
        case str() if not value.strip():
            return "an empty text"
        case list() | tuple() | set() | frozenset() | dict() if not value:
            return f"an empty {type(value).__name__}"
        case list() | tuple() | set() if all(_empty(item) is not None for item in value):
            return f"a {type(value).__name__} of nothing"
        case _:
            return None


def grounded_patches(value: Any) -> tuple[Patch, ...] | None:
    """Return the patches of a grounding program's value, best first; None if it is of another type."""
    if value is None:
        return ()
    if isinstance(value, Patch):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(item, Patch) for item in value):
        return tuple(value)
    return None


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case Patch():
            return value.category
        case list() | tuple():
            return ", ".join(_text(item) for item in value)
        case set():
            return ", ".join(sorted(_text(item) for item in value))  # a set has no order
        case dict():
            return json.dumps(by_category(value), ensure_ascii=False)
        case _:
            return str(value)


def _type_name(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} that holds other things than patches"
    return f"{value!r}"[:80] if isinstance(value, (str, bool, int, float)) else type(value).__name__
