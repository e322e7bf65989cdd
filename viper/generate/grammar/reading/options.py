"""Answers that the caller allows, and how they change a logical form.

"Is the cup red or blue?" is a choice, but with the choices yes and no it asks whether the cup is red
or blue; "What color is the cup?" with the choices red and blue becomes a choice.
"""

from __future__ import annotations

from viper.errors import GenerationError
from viper.generate.grammar.description import (
    AnyOf,
    Attribute,
    Condition,
    Description,
    Inverse,
    Not,
    Pick,
    Place,
    Related,
)
from viper.generate.grammar.logical_form import (
    AskAttribute,
    AskCommon,
    AskName,
    AskPlace,
    AskScene,
    ChooseCondition,
    ChooseObject,
    Count,
    Either,
    Exists,
    Option,
    Query,
    Refer,
    Verify,
    YesNo,
)
from viper.generate.grammar.vocabulary.lexicon import PLACES, RESPECTS
from viper.texts.places import quoted

__all__ = ["is_yes_no", "option_text", "plain_choice", "with_choices"]

_YES_NO = frozenset({"yes", "no"}), frozenset({"true", "false"})


def is_yes_no(choices: tuple[str, ...]) -> bool:
    """Return whether the allowed answers are yes and no, in any spelling."""
    return frozenset(choice.strip().lower().rstrip(".") for choice in choices) in _YES_NO


def option_text(condition: Condition) -> str:
    """Return the text of a condition as an answer: "red", "left", "on the chair"."""
    match condition:
        case Attribute():
            return condition.value
        case Place():
            return " ".join(condition.names)
        case Related(relation="left_of" | "right_of" as relation):
            return relation.removesuffix("_of")
        case Related(relation="above" | "below" | "behind" | "in_front_of") | Inverse():
            return condition.words
        case Related():
            return f"{condition.words} the {condition.others[0].head}"
        case Pick():
            return condition.by.replace("_", " ")
        case Not():
            return f"not {option_text(condition.condition)}"
        case _:
            return " and ".join(option_text(part) for part in getattr(condition, "conditions", ()))


def with_choices(query: Query, choices: tuple[str, ...], question: str) -> Query:
    """Return the query that is answered by one of the choices.

    Raises:
        GenerationError: The question cannot be answered by any of them.
    """
    if not choices or isinstance(query, Refer):
        return query
    if is_yes_no(choices):
        return _as_yes_no(query, choices, question)
    match query:
        case Count():
            if any(choice.strip().isdigit() for choice in choices):
                return query
        case ChooseCondition():
            options = _renamed(query, choices)
            return ChooseCondition(query.subject, options)
        case ChooseObject():
            return _chosen_objects(query, choices)
        case AskAttribute():
            kind = query.respect
            options = tuple(
                Option(choice, Attribute(plain_choice(choice), kind)) for choice in choices
            )
            return ChooseCondition(query.subject, options)
        case AskPlace():
            options = tuple(Option(choice, _place(choice)) for choice in choices)
            return ChooseCondition(query.subject, options)
        case AskCommon():
            respects = tuple(RESPECTS.get(plain_choice(choice)) for choice in choices)
            if None not in respects:
                return query
        case AskName():
            objects = tuple(
                Description(plain_choice(choice), query.what.conditions) for choice in choices
            )
            return ChooseObject(objects, choices, kind=query.what.noun)
        case AskScene():
            if query.respect != "yesno":
                return AskScene(query.question, query.respect, choices)
        case _:
            pass
    raise GenerationError(
        f"The question {quoted(question)} cannot be answered by one of the choices "
        f"{', '.join(map(quoted, choices[:6]))}. Give choices that are answers to it."
    )


def _as_yes_no(query: Query, choices: tuple[str, ...], question: str) -> Query:
    match query:
        case ChooseCondition():
            return Verify(query.subject, AnyOf(tuple(o.condition for o in query.options)))
        case ChooseObject(condition=None):
            return Either(tuple(Exists(option) for option in query.options))
        case AskScene(options=()) | AskScene(respect="yesno"):
            return AskScene(query.question, "yesno")
        case _ if isinstance(query, YesNo):
            return query
    raise GenerationError(
        f"The question {quoted(question)} is not a yes/no question, but the choices are "
        f"{', '.join(map(quoted, choices))}. Give choices that answer it."
    )


def plain_choice(choice: str) -> str:
    """Return a choice in lower case, without article and full stop."""
    words = choice.lower().strip(" .").split()
    return " ".join(words[1:] if words and words[0] in ("a", "an", "the") else words)


def _renamed(query: ChooseCondition, choices: tuple[str, ...]) -> tuple[Option, ...]:
    """Give each option the caller's text; a choice that matches no option becomes an attribute."""
    kinds = [o.condition.kind for o in query.options if isinstance(o.condition, Attribute)]
    options = []
    for choice in choices:
        plain = plain_choice(choice)
        same = [o for o in query.options if o.text == plain]
        alike = [o for o in query.options if o.text in plain.split() or plain in o.text.split()]
        found = next(iter(same or alike), None)
        condition = found.condition if found else Attribute(plain, kinds[0] if kinds else "quality")
        options.append(Option(choice, condition))
    return tuple(options)


def _chosen_objects(query: ChooseObject, choices: tuple[str, ...]) -> ChooseObject:
    objects = []
    for choice in choices:
        plain = plain_choice(choice)
        found = next(
            (
                option
                for option, text in zip(query.options, query.texts, strict=True)
                if text == plain or plain in text.split() or text in plain.split()
            ),
            None,
        )
        objects.append(found or Description(plain))
    return ChooseObject(tuple(objects), choices, query.condition, query.kind)


def _place(choice: str) -> Condition:
    names = tuple(PLACES[word] for word in choice.lower().split() if word in PLACES)
    return Place(names[:2]) if names else Attribute(plain_choice(choice), "quality")
