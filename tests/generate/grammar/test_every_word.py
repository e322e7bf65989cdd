"""No word of a question is passed over: without it, or with another in its place, the meaning differs."""

from __future__ import annotations

import re
from random import Random

import pytest

from tests.fakes.solid_questions import WORDS, sample
from tests.fakes.solids import VALUES, random_scene
from viper.errors import GenerationError
from viper.generate.grammar import parse

NOUNS = {w + s for v in VALUES["shape"] for w in WORDS[v] for s in ("", "s")}
ATTRIBUTES = {
    word
    for name in ("size", "color", "material")
    for value in VALUES[name]
    for word in WORDS.get(value, (value,))
}
RELATIONS = {"left", "right", "front", "behind"}
SIZE_ASKED = re.compile(r"\bhow (big|large)\b", re.IGNORECASE)
QUESTIONS = [
    sample(random, random_scene(random)).text for random in [Random(21)] for _ in range(120)
]


def meaning(question: str) -> str | None:
    try:
        form = parse(question)
    except GenerationError:
        return None
    return f"{form} {form.unparsed}"


def variants(question: str, words: set[str], replacement: str) -> list[str]:
    """Return the question with each of the given words left out, and with each replaced."""
    spared = SIZE_ASKED.search(question)
    spans = [
        match.span()
        for match in re.finditer(r"\w+", question)
        if match[0].lower() in words and not (spared and spared.end() == match.end())
    ]
    return [question[:a] + new + question[b:] for a, b in spans for new in ("", replacement)]


@pytest.mark.parametrize(
    ("words", "replacement"),
    [(ATTRIBUTES, "wooden"), (NOUNS, "giraffes"), (RELATIONS, "above")],
    ids=["attributes", "nouns", "relations"],
)
def test_a_word_left_out_or_replaced_changes_the_meaning(words: set[str], replacement: str) -> None:
    changed = [(q, variant) for q in QUESTIONS for variant in variants(q, words, replacement)]
    assert len(changed) > 100
    assert [variant for q, variant in changed if meaning(variant) == meaning(q)] == []


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("Are there only red cups?", "only red cups"),
        ("How many different colors are there?", "are there"),
        ("Is the size of the cup the same as?", "as"),
        ("How many cups are either red or?", "or"),
        ("There is a cup; what color is the frobnicated one of it?", "frobnicated"),
        ("How many cups are left of?", "of"),
        ("Are there more cups?", "cups"),
    ],
)
def test_what_has_no_place_in_the_meaning_is_refused_by_name(question: str, part: str) -> None:
    with pytest.raises(GenerationError, match="did not understand") as caught:
        parse(question)
    assert part in str(caught.value).partition(" in ")[0]
