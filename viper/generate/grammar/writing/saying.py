"""Objects and conditions in the user's words, for what is said to the user.

    wearing a red hat            a condition that nobody can test
    red cup left of the plate    an object that was not found: "No red cup left of the plate was found"

`wording` has the words that models compare images with; these here keep articles, plurals and ranks.
"""

from __future__ import annotations

from viper.generate.grammar.description import (
    AllOf,
    Among,
    AnyOf,
    Attribute,
    Condition,
    Description,
    Inverse,
    Not,
    OneOf,
    Pick,
    Place,
    Related,
    SameAs,
    flat,
)
from viper.generate.grammar.vocabulary.lexicon import NUMBERS, ORDINALS
from viper.generate.grammar.vocabulary.words import in_dictionary, plural, positive
from viper.generate.grammar.writing.wording import condition_text, relation_text

__all__ = ["attribute_said", "listed", "name_of", "said"]

_PEOPLE = {"person": "people", "man": "men", "woman": "women", "child": "children"}
_ORDINALS = {rank: word for word, rank in ORDINALS.items()}
_NUMBERS = {number: word for word, number in NUMBERS.items() if word != "dozen"}
_DIRECTIONS = {"top": "top", "bottom": "bottom", "left": "left", "right": "right"}


def name_of(description: Description) -> str:
    """Return what an object is called, in the singular and without an article."""
    before: list[str] = []
    behind: list[str] = []
    for condition in description.conditions:
        for part in flat(condition):
            match part:
                case Attribute(kind="activity" | "words" | "clothing" | "state"):
                    behind.append(part.value)
                case Attribute():
                    before.append(part.value)
                case Pick(other=None):
                    word, place = _ranked(part)
                    before.append(word)
                    behind += filter(None, (place,))
                case Related() | Inverse() | Place() | Pick():
                    behind.append(said(part))
                case _:
                    behind.append(f"that is {said(part)}")
    return " ".join(filter(None, [*before, description.head, *behind]))


def said(condition: Condition) -> str:
    """Return a condition as it would stand behind a noun: "wearing a red hat", "not on the table"."""
    match condition:
        case Related():
            every = "all " if condition.every else ""
            others = " and ".join(every + _phrase(other) for other in condition.others)
            return f"{relation_text(condition.words)} {others}"
        case Inverse(words="of"):
            return f"of {_phrase(condition.subject)}"
        case Inverse():
            verb = "are" if condition.subject.plural else "is"
            return f"that {_phrase(condition.subject)} {verb} {relation_text(condition.words)}"
        case Pick(other=Description() as other):
            return f"{condition_text(Pick(condition.by, condition.rank))} to {_phrase(other)}"
        case Pick():
            return " ".join(filter(None, ("the", *_ranked(condition))))
        case SameAs():
            word = "the same" if condition.same else "another"
            joint = "as" if condition.same else "than"
            return f"of {word} {condition.respect} {joint} {_phrase(condition.other)}"
        case Among():
            return f"one of the {_NUMBERS.get(condition.number, condition.number)}"
        case Not():
            return f"not {said(condition.condition)}"
        case AnyOf():
            return " or ".join(map(said, condition.conditions))
        case AllOf():
            return " and ".join(map(said, condition.conditions))
        case OneOf():
            return " or ".join(map(_phrase, condition.kinds))
        case _:
            return condition_text(condition)


def attribute_said(attribute: Attribute, noun: str) -> str:
    """Return an attribute with the noun that has it: "red car"; "wearing white" stands alone."""
    if attribute.kind == "kind":
        return attribute.value
    if attribute.kind in ("activity", "words", "clothing"):
        return attribute.value if noun == "object" else f"{noun} {attribute.value}"
    return f"{attribute.value} {noun}"


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Return names joined by "or"."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _phrase(description: Description) -> str:
    """Return a noun phrase with its article or number."""
    name = name_of(description)
    many = description.plural or (description.number or 1) > 1
    if many:
        head = description.head
        name = name.replace(head, _PEOPLE.get(head) or plural(head), 1)
    number = description.number
    words = ["other"] if description.other else []
    if number is not None:
        words.insert(0, _NUMBERS.get(number, str(number)))
    if description.article == "the":
        words.insert(0, "the")
    elif description.article == "a" and not many and number is None:
        following = " ".join([*words, name])
        words.insert(0, "an" if following[:1] in "aeiou" else "a")
    return " ".join([*words, name])


def _ranked(pick: Pick) -> tuple[str, str]:
    """Return a rank as words before and after the noun: "second" and "from the left"."""
    if not pick.by:  # "the second number": in no order that is said
        return _ORDINALS.get(pick.rank, f"{pick.rank}th"), ""
    word = condition_text(Pick(pick.by, min(pick.rank, 1)))
    if word == f"most {pick.by}":
        word = _superlative(pick.by)
    if pick.rank == 1:
        return word, ""
    ordinal = _ORDINALS.get(pick.rank, f"{pick.rank}th")
    direction = _DIRECTIONS.get(pick.by.removeprefix("far_"))
    if direction is not None:
        return ordinal, f"from the {direction}"
    return word if pick.rank == -1 else f"{ordinal} {word}", ""


def _superlative(adjective: str) -> str:
    """Return "oldest", or "most expensive" where the dictionary has no such form."""
    stems = (
        adjective,
        adjective.removesuffix("e"),
        f"{adjective[:-1]}i",
        adjective + adjective[-1],
    )
    forms = [f"{stem}est" for stem in stems]
    existing = (form for form in forms if in_dictionary(form) and positive(form) == adjective)
    return next(existing, f"most {adjective}")
