"""No word of a referring expression is dropped: each changes the program, or is named as untested."""

from __future__ import annotations

import pytest

from viper.errors import GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar import GrammarGenerator, parse
from viper.generate.grammar.reading.unparsed_words import is_meaningful
from viper.generate.grammar.vocabulary.tokens import tokenize
from viper.models.capabilities import Capabilities
from viper.programs.program import Program

OPEN = Capabilities.everything()
BOXES = Capabilities(frozenset({"detector"}), ("person", "horse", "bowl", "chair", "truck"))

# Sentences of the three styles: elliptical phrases, looks without places, whole sentences.
EXPRESSIONS = [
    "left nun red veil",
    "2nd goat from the right",
    "bottom rt pretzel",
    "monk w/ lantern back row",
    "tram behind the fence, not the bus",
    "kid sitting closest to camera on left",
    "far right cut off drummer",
    "upper left jar with rusty lid",
    "third canoe from bottom",
    "white goose with its wings spread",
    "the donkey with its head down",
    "man in plaid vest looking up",
    "half empty bottle",
    "partially hidden otter",
    "boy kicking ball",
    "empty stool near the piano",
    "number 8 jersey",
    "sign that says yield",
    "shorter of two trees",
    "two toned wagon",
    "oddly shaped loaf",
    "donkey hidden by bush",
    "a woman in a green apron cutting onions next to two other cooks",
    "a small dog wearing a yellow raincoat and boots on a wet street",
    "the clock tower that is lit up at night",
    "an old tractor parked between a barn and a silo",
]


def write(expression: str, served: Capabilities = OPEN) -> Program:
    return GrammarGenerator().write(GenerationRequest(expression, "grounding", (), served))


def lines(expression: str) -> list[str]:
    """Return the lines of a program that are no comment; none for a refusal."""
    try:
        source = write(expression).source
    except GenerationError:
        return []
    return [line for line in source.splitlines() if not line.strip().startswith("#")]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_content_word_changes_the_program(expression: str) -> None:
    program = lines(expression)
    assert program
    words = expression.split()
    for at, word in enumerate(words):
        if not any(is_meaningful(token) for token in tokenize(word) or []):
            continue
        without = " ".join([*words[:at], *words[at + 1 :]])
        assert lines(without) != program, f"without {word!r}"
        assert lines(" ".join([*words[:at], "trombone", *words[at + 1 :]])) != program, word


def test_words_that_no_rule_places_become_a_condition_in_words() -> None:
    form = parse("donkey hidden behind the barn", "grounding")
    assert str(form) == "refer(donkey[behind(barn), hidden])"
    assert form.unparsed == ()
    source = write("donkey hidden behind the barn").source
    assert "best_image_match(donkeys, 'donkey hidden')" in source


def test_unparsed_words_keep_the_place_in_charge() -> None:
    source = write("leftmost donkey hidden behind the barn").source
    assert "if donkey.verify_property('donkey', 'hidden')] or donkeys" in source
    assert source.splitlines()[-2].endswith("key=lambda donkey: donkey.horizontal_center)[:1]")


def test_without_a_matcher_unparsed_words_are_named() -> None:
    program = write("horse hidden behind the truck", BOXES)
    assert "horse hidden" in program.unverified
    assert "hidden" not in program.source


def test_two_words_alike_must_both_leave_a_trace() -> None:
    assert str(parse("red horse red", "grounding")) == "refer(horse[red, red])"


@pytest.mark.parametrize(
    "expression",
    [
        "the cup that is both left of the bowl and behind the chair",
        "the cup both left of the bowl and behind the chair",
    ],
)
def test_a_word_that_announces_two_conditions_is_none_itself(expression: str) -> None:
    form = parse(expression, "grounding")
    assert str(form) == "refer(cup[left_of(bowl), behind(chair)])"
