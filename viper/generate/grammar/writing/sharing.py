"""The objects that a form has to search for, so that no search is repeated.

A union is searched for as its alternatives, each under the conditions of the object that the union
describes; a noun that several descriptions have in common is searched for once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace

from viper.generate.grammar.description import Attribute, Description, OneOf, Pick
from viper.generate.grammar.logical_form import ChooseObject, Verify

__all__ = ["common_nouns", "narrowed"]


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


def common_nouns(query: object) -> frozenset[str]:
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
