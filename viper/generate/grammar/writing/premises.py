"""What the question takes for granted must be there, or the program ends: "Is the red dog near the car?".

    dogs = image_patch.find("dog")
    missing = "red dog" if dogs else "dog"
    dogs = [dog for dog in dogs if dog.verify_property("dog", "red")]
    if not dogs:
        absent(missing)

Whatever has "the" is taken for granted, and so is what the caller requires: the subject of an open question,
of a comparison or of a choice. Under best effort `absent` returns, and the program goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from viper.generate.grammar.description import Description
from viper.generate.grammar.logical_form import Query
from viper.generate.grammar.writing.selecting import Key, SelectWriter, key_of
from viper.models.capabilities import Capabilities

__all__ = ["PremiseWriter"]

Supposing = Literal["nothing", "the definite", "all"]
"""Which objects of conditions the question takes for granted: in an expression ("lady w/ umbrella") all."""
_SUPPOSING: tuple[Supposing, ...] = ("nothing", "the definite", "all")


class PremiseWriter(SelectWriter):
    """Writes what the program does where objects are not there."""

    def __init__(
        self, capabilities: Capabilities, query: Query, *, best_effort: bool = False
    ) -> None:
        super().__init__(capabilities, query, best_effort=best_effort)
        self._supposing: Supposing = "all" if self.refers else "the definite"
        self._required: set[Key] = set()

    def select(self, description: Description) -> str:
        """Write the lines that find the objects of a description, once for each description.

        Where the question takes for granted that there are some, the program says so if there are none.

        Returns:
            The variable that holds the list, best first.
        """
        supposed = self._supposing == "all" or (
            self._supposing == "the definite" and description.is_presupposed
        )
        return self.require(description) if supposed else self.gather(description)

    def require(self, description: Description) -> str:
        """Write the lines that find objects without which there is no answer.

        Under best effort the program goes on with an empty list.
        """
        many = self.gather(description, to_name=True, any_will_do=True)
        if self._supposing != "nothing" and key_of(description) not in self._required:
            self._required.add(key_of(description))
            if self.refers and not self.best_effort:
                self.write(f"if not {many}:", "    return None")
            else:
                self.write(f"if not {many}:", f"    absent({self.absent_name(description)})")
                self._check_number(description, many)
        return many

    def _check_number(self, description: Description, many: str) -> None:
        """Write the end of a program that finds another number of objects than "the three people"."""
        number, noun = description.number, description.head
        if number is not None and number > 1 and description.is_presupposed:
            self.write(f"if len({many}) != {number}:")
            why = f"{number} of {noun} are asked about, and another number was found."
            self.give_up(why, f"group of {number}")

    def give_up(self, why: str, name: str) -> None:
        """Write the end of a program that has seen nothing that settles the question.

        Args:
            why: The reason, as a sentence.
            name: What was not found; under best effort the program goes on, with a doubt about that.
        """
        self.write(f"    absent({name!r})" if self.best_effort else f"    unsure({why!r})")

    def first_of(self, description: Description) -> str:
        """Write the choice of the best object; under best effort of the whole image, if there is none."""
        many = self.gather(description, to_name=True, any_will_do=True)
        one = self.one_of(many)
        absent = f"absent({self.absent_name(description)})"
        self.write(f"{one} = {many}[0] if {many} else {absent}")
        return one

    @contextlib.contextmanager
    def supposing(self, what: Supposing) -> Iterator[None]:
        """Within the context, take for granted only these objects, or fewer."""
        before = self._supposing
        if _SUPPOSING.index(what) < _SUPPOSING.index(before):
            self._supposing = what
        yield
        self._supposing = before
