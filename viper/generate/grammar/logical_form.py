"""The meaning of a question, before any program is written: a small tree of plain values.

    LogicalForm
    └── Query            exists · count · compare · verify · choose · attribute · name · refer · …
        └── Description  "the red cups left of the laptop": see `description`

A form does not depend on which objects can be detected or which conditions can be tested; the writer
decides that. `str(form)` is one line, `form.explain()` the same as an indented tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from viper.generate.grammar.description import Condition, Description
from viper.programs.program import AnswerKind

__all__ = [
    "AskAttribute",
    "AskCommon",
    "AskName",
    "AskPlace",
    "AskScene",
    "Axis",
    "Both",
    "ChooseCondition",
    "ChooseObject",
    "CompareCounts",
    "Comparison",
    "Count",
    "Either",
    "Exists",
    "Isnt",
    "LogicalForm",
    "Option",
    "Query",
    "Refer",
    "Same",
    "Verify",
    "YesNo",
    "walk",
]


@dataclass(frozen=True)
class Option:
    """One possible answer, and the condition under which it is right."""

    text: str
    condition: Condition

    def __str__(self) -> str:
        return str(self.condition)


Comparison = Literal["==", "!=", "<", "<=", ">", ">="]
Axis = Literal["horizontal", "vertical", "both", "around"]


@dataclass(frozen=True)
class Exists:
    """Is there such an object (or the given number of them)?"""

    what: Description
    comparison: Comparison | None = None
    number: int = 1

    def __str__(self) -> str:
        if self.comparison is None:
            return f"exists({self.what})"
        return f"count({self.what}) {self.comparison} {self.number}"


@dataclass(frozen=True)
class Count:
    """How many are there?"""

    what: Description

    def __str__(self) -> str:
        return f"count({self.what})"


@dataclass(frozen=True)
class CompareCounts:
    """Are there more of these than of those?"""

    first: Description
    comparison: Comparison
    second: Description

    def __str__(self) -> str:
        return f"count({self.first}) {self.comparison} count({self.second})"


@dataclass(frozen=True)
class Verify:
    """Does a condition hold for the object, for any such object, or (`every`) for all of them?"""

    subject: Description
    condition: Condition
    every: bool = False

    def __str__(self) -> str:
        return f"{'every' if self.every else 'some'}({self.subject}: {self.condition})"


@dataclass(frozen=True)
class Same:
    """Are objects alike in one respect?"""

    respect: str
    subjects: tuple[Description, ...]
    """Two descriptions, or one that means several objects."""
    same: bool = True

    def __str__(self) -> str:
        word = "same" if self.same else "different"
        return f"{word}_{self.respect}({', '.join(map(str, self.subjects))})"


@dataclass(frozen=True)
class Both:
    """All of several yes/no questions."""

    parts: tuple[Query, ...]

    def __str__(self) -> str:
        return " and ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class Either:
    """At least one of several yes/no questions."""

    parts: tuple[Query, ...]

    def __str__(self) -> str:
        return " or ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class Isnt:
    """The negation of a yes/no question."""

    part: Query

    def __str__(self) -> str:
        return f"not ({self.part})"


@dataclass(frozen=True)
class ChooseCondition:
    """Which of these holds for the object: "red or blue?", "left or right of the chair?"."""

    subject: Description
    options: tuple[Option, ...]

    def __str__(self) -> str:
        return f"choose({self.subject}: {' | '.join(map(str, self.options))})"


@dataclass(frozen=True)
class ChooseObject:
    """Which of these objects is it: "a cat or a dog?", "which is bigger, the cup or the bowl?"."""

    options: tuple[Description, ...]
    texts: tuple[str, ...]
    """The text of each answer, in the order of `options`."""
    condition: Condition | None = None
    """The condition on the right one; None for the one that is visible."""
    kind: str | None = None
    """The common category where the question names one: "which animal is it, …"."""

    def __str__(self) -> str:
        tail = f": {self.condition}" if self.condition else ""
        return f"choose_object({' | '.join(map(str, self.options))}{tail})"


@dataclass(frozen=True)
class AskAttribute:
    """What color (material, size, activity, …) is the object?"""

    subject: Description
    respect: str
    question: str

    def __str__(self) -> str:
        return f"{self.respect}({self.subject})"


@dataclass(frozen=True)
class AskName:
    """What is the object called that fulfils the description?"""

    what: Description
    question: str

    def __str__(self) -> str:
        return f"name({self.what})"


@dataclass(frozen=True)
class AskCommon:
    """In which respect are two objects alike: "color", "material" or "shape"?"""

    subjects: tuple[Description, Description]

    def __str__(self) -> str:
        return f"common({', '.join(map(str, self.subjects))})"


@dataclass(frozen=True)
class AskPlace:
    """In which part of the image, or where in the scene is it?"""

    subject: Description
    axis: Axis
    """Which part of the image is asked for; `around` asks what it is in, on or near."""
    question: str

    def __str__(self) -> str:
        return f"place_{self.axis}({self.subject})"


@dataclass(frozen=True)
class AskScene:
    """A question about the whole image, which mentions no object to look for."""

    question: str
    respect: str
    """`weather`, `place`, `activity`, … ; `yesno` for "is it indoors?"."""
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        detail = self.question if self.respect == "yesno" else " | ".join(self.options)
        return f"scene({self.respect}{f': {detail}' if detail else ''})"


@dataclass(frozen=True)
class Refer:
    """Which object is meant?"""

    what: Description

    def __str__(self) -> str:
        return f"refer({self.what})"


YesNo = Exists | CompareCounts | Verify | Same | Both | Either | Isnt
Query = (
    YesNo
    | Count
    | ChooseCondition
    | ChooseObject
    | AskAttribute
    | AskCommon
    | AskName
    | AskPlace
    | AskScene
    | Refer
)


@dataclass(frozen=True)
class LogicalForm:
    """The meaning of a question."""

    query: Query
    choices: tuple[str, ...] = ()
    """Answers that the caller allows; empty when any will do."""
    unparsed: tuple[str, ...] = ()
    """Words of the question that the form does not use."""
    notes: tuple[str, ...] = ()
    """Spelling corrections: "umbrela read as umbrella"."""

    def __str__(self) -> str:
        return str(self.query)

    @property
    def answer_kind(self) -> AnswerKind:
        """The kind of answer that the question asks for."""
        match self.query:
            case Count():
                return "number"
            case ChooseCondition() | ChooseObject():
                return "choice"
            case AskScene(respect="yesno"):
                return "yesno"
            case AskScene(options=options) if options:
                return "choice"
            case AskAttribute(respect="color" | "tone"):
                return "color"
            case AskPlace(axis="horizontal" | "vertical" | "both"):
                return "place"
            case AskAttribute() | AskName() | AskCommon() | AskPlace() | AskScene():
                return "name"
            case Refer():
                return "patch"
            case _:
                return "yesno"

    def explain(self) -> str:
        """Return the form as an indented tree, one node per line."""
        lines = [f"answer: {self.answer_kind}", *_tree(self.query, 0)]
        if self.choices:
            lines.append(f"choices: {', '.join(self.choices)}")
        if self.unparsed:
            lines.append(f"no part in it: {' '.join(self.unparsed)}")
        lines += self.notes
        return "\n".join(lines)


def walk(node: object) -> Iterator[object]:
    """Yield a node of a form and all nodes below it, parents first."""
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from walk(part)
    elif hasattr(node, "__dataclass_fields__"):
        for field in fields(node):  # type: ignore[arg-type] # a dataclass instance, just checked
            yield from walk(getattr(node, field.name))


def _tree(node: object, depth: int) -> Iterator[str]:
    """Yield the lines of a node: its type, its plain fields, then its children."""
    assert hasattr(node, "__dataclass_fields__")
    plain: list[str] = []
    children: list[object] = []
    for field in fields(node):  # type: ignore[arg-type] # a dataclass instance, just checked
        value = getattr(node, field.name)
        if not field.compare:
            continue  # an article, which the words of the question show
        parts = value if isinstance(value, tuple) else (value,)
        nested = [part for part in parts if hasattr(part, "__dataclass_fields__")]
        if nested:
            children += nested
        elif value not in (None, (), False, field.default):
            text = " ".join(map(str, parts))
            plain.append(f"{field.name}={text}")
    yield "  " * depth + " ".join([type(node).__name__, *plain])
    for child in children:
        yield from _tree(child, depth + 1)
