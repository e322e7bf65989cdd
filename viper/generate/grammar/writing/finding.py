"""Searches and list variables: one search per object, one name per list and per element.

    cubes = image_patch.find("cube")
    red_cubes = [cube for cube in cubes if cube.verify_property("cube", "red")]
    small_cubes = [cube for cube in cubes if cube.verify_property("cube", "small")]

A noun that one description uses is filtered under its own name ("cubes = [cube for cube in cubes if
…]"). A noun that several descriptions use is searched for once; each of them gets a list of its own
from all objects found. A union is searched for as its alternatives, each under the conditions of the object
that the union describes.
"""

from __future__ import annotations

from abc import ABC
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace

from viper.generate.grammar.description import Attribute, Condition, Description, OneOf, Pick
from viper.generate.grammar.logical_form import ChooseObject, Query, Verify
from viper.generate.grammar.writing.detectable import Search, search_for
from viper.generate.grammar.writing.predicates import PredicateWriter
from viper.models.capabilities import Capabilities

__all__ = ["FindWriter", "narrowed"]

_MOST_NAMES = 6
"""Class names per line of a program."""


class FindWriter(PredicateWriter, ABC):
    """Writes searches, and records their variables.

    Args:
        capabilities: The served models.
        query: The question.
        best_effort: Whether the user wants an answer even where it is in doubt.
    """

    def __init__(
        self, capabilities: Capabilities, query: Query, *, best_effort: bool = False
    ) -> None:
        super().__init__(capabilities, best_effort=best_effort)
        self._common = _common_nouns(query)
        self._all: dict[str, str] = {}
        """Noun of several descriptions → the list of all such objects."""
        self._elements: dict[str, str] = {}
        """List → the variable for one of its elements; no two lists share it."""
        self._plain_elements: dict[str, str] = {}
        """List filtered from all objects of a noun → the variable for one of those."""
        self._sources: dict[str, str] = {}
        """List that no line defines yet → the list that it will be filtered from."""

    def one_of(self, many: str) -> str:
        """Return the variable for one object of a list."""
        return self._elements[many]

    def plain(self, many: str) -> str:
        """Return the element variable of the list that this one is filtered from."""
        return self._plain_elements.get(many, self._elements[many])

    def find(self, noun: str, description: Description) -> str:
        """Write the search for a noun, if none was written yet.

        Returns:
            The variable of the list; the caller filters it with `keep`.
        """
        if noun not in self._common:
            return self._search(noun)
        if noun not in self._all:
            self._all[noun] = self._search(noun)
        many = self.named(noun, description.conditions)
        self._sources[many] = self._all[noun]
        self._plain_elements[many] = self.one_of(self._all[noun])
        return many

    def named(self, noun: str, conditions: tuple[Condition, ...] = (), prefix: str = "") -> str:
        """Return the name of a new list, made of noun and attributes."""
        values = [c.value for c in conditions if isinstance(c, Attribute)]
        words = [prefix, *values, "thing" if noun == "object" else noun]
        many, one = self.names.pair(" ".join(words))
        self._elements[many] = one
        return many

    def read(self, many: str) -> str:
        """Return the variable that holds a list so far."""
        return self._sources.get(many, many)

    def keep(self, many: str, kept: str) -> None:
        """Write an assignment that replaces or filters a list.

        Args:
            many: The list.
            kept: An expression over the result of `read` for it.
        """
        self.write(f"{many} = {kept}")
        self._sources.pop(many, None)

    def _search(self, noun: str) -> str:
        many = self.named(noun)
        one = self.one_of(many)
        search = search_for(noun, self.capabilities) or Search((noun,))
        if len(search.phrases) == 1:
            self.write(f"{many} = image_patch.find({search.phrases[0]!r})")
            return many
        names = repr(list(search.phrases))
        if len(search.phrases) > _MOST_NAMES:
            names = "names"
            self.write("names = [")
            for at in range(0, len(search.phrases), _MOST_NAMES):
                row = search.phrases[at : at + _MOST_NAMES]
                self.write(f"    {', '.join(map(repr, row))},")
            self.write("]")
        self.write(f"{many} = [{one} for name in {names} for {one} in image_patch.find(name)]")
        self.write(f"{many} = sorted({many}, key=lambda {one}: -{one}.score)")
        return many


def narrowed(alternative: Description, head: Description) -> Description:
    """Return an alternative of a union under the conditions of the object that the union describes.

    In "how many *shiny cubes* are large things or red blocks?" the alternatives are large shiny cubes
    and red shiny blocks that are cubes as well.

    Args:
        alternative: One of the union.
        head: The object that the union describes, without the union.
    """
    conditions = (*head.conditions, *alternative.conditions)
    noun = alternative.noun
    if alternative.head == "object":
        noun = head.noun
    elif head.head not in ("object", noun):
        conditions = (*conditions, Attribute(head.head, "kind"))
    return replace(alternative, noun=noun, conditions=conditions)


def _common_nouns(query: object) -> frozenset[str]:
    """Return the nouns for which a query describes two or more different sets of objects."""
    searched = {(what.head, what.conditions) for what in _searched(query)}
    counts = Counter(noun for noun, _ in searched)
    return frozenset(noun for noun, count in counts.items() if count > 1)


def _searched(node: object) -> Iterator[Description]:
    """Yield the descriptions that are searched for: the alternatives in place of a union."""
    if isinstance(node, tuple):
        for part in node:
            yield from _searched(part)
        return
    if not hasattr(node, "__dataclass_fields__"):
        return
    if isinstance(node, Description):
        union = next((c for c in node.conditions if isinstance(c, OneOf)), None)
        if union is not None:
            head = replace(node, conditions=tuple(c for c in node.conditions if c is not union))
            yield from _searched(tuple(narrowed(kind, head) for kind in union.kinds))
            return
        yield node
    match node:
        case Verify(subject=subject, condition=Pick() as pick):
            yield Description(subject.noun, (pick,))  # those that it is compared with
        case ChooseObject(options=options, condition=condition) if condition is not None:
            if not isinstance(condition, Pick):
                yield from (option.having(condition) for option in options)
    for field in fields(node):  # type: ignore[arg-type] # a dataclass instance, just checked
        yield from _searched(getattr(node, field.name))
