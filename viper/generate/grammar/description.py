"""The meaning of a noun phrase: a noun, and the conditions that an object must fulfil.

    Description  "the red cups left of the laptop": a noun and conditions
    └── Condition    attribute · place · relation · rank · negation · alternatives · comparison
        └── Description  (of the other object)

`logical_form` holds the questions that are asked about descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = [
    "AllOf",
    "Among",
    "AnyOf",
    "Attribute",
    "Condition",
    "Description",
    "Inverse",
    "Not",
    "OneOf",
    "Pick",
    "Place",
    "Related",
    "Row",
    "SameAs",
    "flat",
]


@dataclass(frozen=True)
class Attribute:
    """A property of one object: "red", "wooden", "sleeping"."""

    value: str
    kind: str
    """`color`, `material`, `size`, `age`, `shape`, `pattern`, `state`, `activity`, `kind` (what the
    object is: "a cow"), `quality` (any other adjective) or `words` (any phrase that fits it)."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Place:
    """A part of the image: "left", "top right", "middle", "front" or "back"."""

    names: tuple[str, ...]
    """One or two of `left right top bottom middle front back`."""
    part: str = ""
    """The extent in a referring expression: `half`, `third` and `side` are shares of the image,
    `corner` and `edge` its outermost parts; "" ranks the candidates along that direction."""

    def __str__(self) -> str:
        return "_".join(("at", *self.names, *filter(None, (self.part,))))


@dataclass(frozen=True)
class Row:
    """One of the rows that the candidates stand in: "back row", "second row from the top"."""

    side: str
    """Where counting begins: `bottom` (also for "front") or `top` (also for "back"); `middle`."""
    rank: int = 1

    def __str__(self) -> str:
        rank = f", {self.rank}" if self.rank != 1 else ""
        return f"row({self.side}{rank})"


@dataclass(frozen=True)
class Among:
    """One of a stated number of objects: "the larger of the two bears"."""

    number: int

    def __str__(self) -> str:
        return f"among({self.number})"


@dataclass(frozen=True)
class Related:
    """A relation to other objects, such as "left of the car"."""

    relation: str
    """A key of `relations.RELATIONS`."""
    others: tuple[Description, ...]
    """One description; two for "between the cup and the plate"."""
    words: str
    """The relation as the question says it, such as "holding" or "on top of"."""
    every: bool = False
    """True if it must hold for all of the other objects: "left of all the cups"."""

    def __str__(self) -> str:
        others = ", ".join(map(str, self.others))
        return f"{self.relation}({'every ' if self.every else ''}{others})"


@dataclass(frozen=True)
class Inverse:
    """A relation seen from its other end: the hat "that the man is wearing"."""

    relation: str
    subject: Description
    """The object that has the relation to the described object."""
    words: str

    @property
    def others(self) -> tuple[Description, ...]:
        """The other end of the relation, as in `Related`."""
        return (self.subject,)

    def __str__(self) -> str:
        return f"{self.relation}_by({self.subject})"


@dataclass(frozen=True)
class Pick:
    """A superlative or rank: "leftmost", "second from the right", "nearest to the car"."""

    by: str
    """`left right top bottom middle big small tall short wide narrow near far` (of the camera),
    `far_left far_right far_top far_bottom` (by the outermost edge), `border` (cut off by the edge of
    the image), `clock` (in the direction of the hour `rank`), `nearest_to`, `farthest_from`
    (another object), or an adjective such as "old"."""
    rank: int = 1
    """1 is the first; -1 the last."""
    other: Description | None = None

    def __str__(self) -> str:
        to = f", {self.other}" if self.other else ""
        rank = f", {self.rank}" if self.rank != 1 else ""
        return f"most({self.by}{to}{rank})"


@dataclass(frozen=True)
class SameAs:
    """Equal in one respect to another object: "the same color as the plate"."""

    respect: str
    other: Description
    same: bool = True

    def __str__(self) -> str:
        return f"{'same' if self.same else 'different'}_{self.respect}({self.other})"


@dataclass(frozen=True)
class Not:
    """The condition does not hold."""

    condition: Condition

    def __str__(self) -> str:
        return f"not {self.condition}"


@dataclass(frozen=True)
class AnyOf:
    """At least one of the conditions holds."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"({' or '.join(map(str, self.conditions))})"


@dataclass(frozen=True)
class AllOf:
    """All of the conditions hold."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"({' and '.join(map(str, self.conditions))})"


@dataclass(frozen=True)
class OneOf:
    """The object is one of several: "(things that are) either red cubes or small balls"."""

    kinds: tuple[Description, ...]

    def __str__(self) -> str:
        return f"one_of({' | '.join(map(str, self.kinds))})"


Condition = (
    Attribute
    | Place
    | Row
    | Among
    | Related
    | Inverse
    | Pick
    | SameAs
    | Not
    | AnyOf
    | AllOf
    | OneOf
)


@dataclass(frozen=True)
class Description:
    """The objects that a noun phrase denotes."""

    noun: str | None
    """In the singular, such as "fire hydrant"; None if there is none ("second from left")."""
    conditions: tuple[Condition, ...] = ()
    plural: bool = False
    number: int | None = None
    other: bool = False
    """ "another", "the other": not the object that the rest of the question is about."""
    article: Literal["", "a", "the"] = field(default="", compare=False)
    """`the` where the question takes for granted that there is such an object: "the cup", "his hat", "all
    cups", "her". The objects meant are the same without it."""

    def __str__(self) -> str:
        parts = ["other"] if self.other else []
        if self.number is not None:
            parts.append(f"{self.number} of them")
        parts += [str(condition) for condition in self.conditions]
        return f"{self.head}[{', '.join(parts)}]" if parts else self.head

    @property
    def head(self) -> str:
        """The head noun; "object" where the phrase names none."""
        return self.noun or "object"

    @property
    def is_presupposed(self) -> bool:
        """Whether the question takes for granted that there is such an object."""
        return self.article == "the"

    def having(self, *conditions: Condition) -> Description:
        """Return the description with more conditions."""
        return replace(self, conditions=(*self.conditions, *conditions))


def flat(condition: Condition) -> tuple[Condition, ...]:
    """Return the parts of a conjunction, or the condition itself."""
    return condition.conditions if isinstance(condition, AllOf) else (condition,)
