"""A benchmark question with its right answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from viper.engine.query import Query
from viper.errors import InputError
from viper.images.boxes import MAX_COORDINATE, Box
from viper.programs.program import Doubt, Task

__all__ = ["LONGEST_TAG", "MOST_TAGS", "DerivedSamples", "Sample", "Samples", "id_bytes"]

_LONGEST_ID = 200
"""Characters; the longest official ids have a few dozen. Each is a key in memory and a line of a page."""
LONGEST_TAG = 200
"""Characters."""
MOST_TAGS = 100
"""Of one sample; each tag is a row of the report. Official data have at most six."""


def id_bytes(id_: str) -> bytes:
    """Return an id as bytes to hash, also one with lone surrogates, which rows of strangers may have."""
    return id_.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with its right answer."""

    id: str
    task: Task
    image: Path
    query: str
    choices: tuple[str, ...] = ()
    answer: str | None = None
    """The right answer of a vqa sample; of several annotators, the one given most often."""
    answers: tuple[str, ...] = ()
    """The answer of each annotator; empty where there is one right answer."""
    box_xyxy: Box | None = None
    """The right box of a grounding sample in pixels, origin top left; None: nothing fits."""
    tags: tuple[str, ...] = ()
    """Groups of the report, such as `count` or `hops:3`; the part before a colon names the kind."""
    program: str | None = None
    """Program to run instead of a generated one."""
    generated: bool = False
    """Whether a generator wrote `program`: then it must look at the image."""
    untested: tuple[Doubt, ...] = ()
    """Conditions that such a program does not test, as its generator said when it wrote it."""
    unwritten: str | None = None
    """Why saved programs have none for this sample, which then fails with kind `generator`."""

    def __post_init__(self) -> None:
        """Check what every later step relies on: a file of samples may come from anybody.

        Raises:
            InputError: A text is too long or has lone surrogates, or a box is not finite.
        """
        _check_text("id", self.id, _LONGEST_ID)
        if len(self.tags) > MOST_TAGS:
            raise InputError(
                f"It has {len(self.tags):,} tags; {MOST_TAGS} at most can be reported."
            )
        for tag in self.tags:
            _check_text("tag", tag, LONGEST_TAG)
        for name in ("query", "answer", "program"):
            _check_text(name, getattr(self, name) or "")
        for name in ("choices", "answers"):
            for text in getattr(self, name):
                _check_text(name, text)
        if self.box_xyxy is not None and not all(abs(x) <= MAX_COORDINATE for x in self.box_xyxy):
            raise InputError(f"Its box has a coordinate that is not within ±{MAX_COORDINATE:,.0f}.")

    def to_query(self, program: str | None, best_effort: bool | None = None) -> Query:
        """Return the question for the engine, which generates a program if none is given.

        Args:
            program: To run instead.
            best_effort: As in `Query`; None: as the engine's option says.
        """
        return Query(
            self.image, self.query, self.task, self.choices, program, best_effort=best_effort
        )


def _check_text(name: str, text: str, longest: int | None = None) -> None:
    if longest is not None and len(text) > longest:
        raise InputError(
            f"Its {name} {text[:40]!r}… has {len(text):,} characters; {longest} at most are accepted."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"Its {name} has the lone surrogate {text[error.start]!a}, which is no character."
        ) from None


class Samples(Protocol):
    """The samples of a task, which can be iterated more than once, such as a list."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __iter__(self) -> Iterator[Sample]:
        """Yield them in the order of the file."""
        ...


@dataclass(frozen=True, slots=True)
class DerivedSamples:
    """Samples made from others, anew for each iteration."""

    n: int
    iterate: Callable[[], Iterator[Sample]]

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Sample]:
        return self.iterate()
