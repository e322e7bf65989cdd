from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.generate.program_cache.template import Template, choice_positions, frame, splice
from viper.programs.program import StringLiteral
from viper_sandbox.extract import extract, parse
from viper_sandbox.literals import string_literals


def template(question, body, choices=()):
    source = extract(body)
    literals = string_literals(parse(source), source)
    assert literals is not None
    made = Template.of(question, source, [StringLiteral(*text) for text in literals], choices)
    assert made is not None
    again = Template.from_json(made.to_json())
    assert again == made
    return made


def body_of(filled):
    return None if filled is None else filled.source.split("    ", 1)[1].rstrip()


COUNT = "return len(image.find('dog'))"


@pytest.mark.parametrize(
    ("question", "body", "skeleton", "other", "expected"),
    [
        ("How many dogs are there?", COUNT, "how many ‹noun plural› are there",
         "How many people are there", "return len(image.find('person'))"),
        ("Is the dog red?", "return find('dog').verify_property('dog', 'red')",
         "is the ‹noun› ‹color›",
         "Is the car blue?", "return find('car').verify_property('car', 'blue')"),
        ("Is there a fire hydrant?", "return exists('fire hydrant')", "is there a ‹noun› ‹noun›",
         "Is there a traffic cone?", "return exists('traffic cone')"),
        ("red dog on the left", "return find('red dog')", "‹color› ‹noun› on the left",
         "black cat on the left", "return find('black cat')"),
        ("What color is the mug?",
         "m = find('mug')[0]\n    return m.simple_query('What color is the mug?')",
         "what color is the ‹noun›", "What color is the cup?",
         "m = find('cup')[0]\n    return m.simple_query('What color is the cup?')"),
        ("Is the dog's collar red?", 'return find("dog"), find("collar"), "red"',
         "is the ‹noun› 's ‹noun› ‹color›", "Is the cat's bed blue?",
         "return find('cat'), find('bed'), 'blue'"),
        ("What is the man holding?", "return q(find('man'), 'What is the man holding?')",
         "what is the ‹noun› holding", "What is the woman holding?",
         "return q(find('woman'), 'What is the woman holding?')"),
        ("Is the man sitting?", "return verify(find('man'), 'sitting')", "is the ‹noun› ‹verb -ing›",
         "Is the dog running?", "return verify(find('dog'), 'running')"),
        ("Who is wearing a hat?", "return find('person'), find('hat')", "who is wearing a ‹noun›",
         "Who is wearing a coat?", "return find('person'), find('coat')"),
        ("What is the cup made of?",
         "return match(['wood', 'metal', 'glass', 'paper', 'plastic'], 'cup')",
         "what is the ‹noun› made of", "What is the box made of?",
         "return match(['wood', 'metal', 'glass', 'paper', 'plastic'], 'box')"),
        ("Are there three dogs?", COUNT, "are there three ‹noun plural›",
         "Are there three cats?", "return len(image.find('cat'))"),
        ("Is the dog brown?",
         "return match(['red', 'green', 'blue', 'black', 'white', 'gray']), 'dog'",
         "is the ‹noun› brown", "Is the cat brown?",
         "return match(['red', 'green', 'blue', 'black', 'white', 'gray']), 'cat'"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith("?") else "",
)  # fmt: skip
def test_a_question_with_the_same_skeleton_gets_the_program_with_its_words(
    question, body, skeleton, other, expected
):
    made = template(question, body)
    assert made.skeleton == skeleton
    assert body_of(made.fill(other)) == expected
    assert frame(question) == frame(other)


@pytest.mark.parametrize(
    ("question", "body", "skeleton"),
    [
        ("Is the dog near another dog?", COUNT, "is the dog near another dog"),
        ("Are the dogs with the dog?", COUNT, "are the dogs with the dog"),
        ("Is the dog red?", "return f'{find(\"dog\")} {x} red', 'dog', 'red'", "is the dog red"),
        ("Is the dog red?", "return 'dog' 'red', 'dog', 'red'", "is the dog red"),
        ("Is the dog red?", "return 'dog', 'a dog that is red', 'red'", "is the dog red"),
        ("Is the dog red?", "return 'Dog', 'red'", "is the dog ‹color›"),
        ("Is the dog red?", "return 'dog-red', 'dog'", "is the dog red"),
        ("What fruit is on the table?", "return find('table').match(['apple', 'pear'])",
         "what fruit is on the table"),
        ("What color is the banana?", "return match(['yellow', 'green'], find('banana'))",
         "what color is the banana"),
        ("Is the nurse near the bed?", "return find('person'), find('bed')",
         "is the nurse near the bed"),
        ("Is there an animal?", "return exists('animal')", "is there an animal"),
        ("Is there a thing on the left?", "return find('thing', 'left')",
         "is there a thing on the left"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("return") else "",
)  # fmt: skip
def test_a_word_that_the_program_uses_in_any_other_way_is_no_slot(question, body, skeleton):
    assert template(question, body).skeleton == skeleton


@pytest.mark.parametrize(
    "other",
    [
        "How many dogs are here?",  # another word
        "How many dogs are there now?",
        "How many dog are there?",  # another form
        "How many animals are there?",  # a word for many kinds
        "How many xyzzies are there?",  # no word
        "How many red are there?",
        "How many thing's are there?",
        "",
        "'); import os; ('",
    ],
)
def test_another_skeleton_does_not_fit(other):
    assert template("How many dogs are there?", COUNT).fill(other) is None


def test_a_word_that_stands_elsewhere_already_does_not_fit():
    made = template("Is the dog left of the cat?", "return find('dog'), find('cat')")
    assert made.fill("Is the cow left of the cow?") is None
    colors = "return match(['red', 'green', 'blue', 'black', 'white']), find('dog'), 'gold'"
    made = template("Is the dog gold?", colors)
    assert made.skeleton == "is the ‹noun› ‹color›"
    assert made.fill("Is the dog red?") is None
    assert made.fill("Is the dog silver?") is not None


def test_the_same_question_gets_the_very_same_program():
    made = template('Is the "dog" red?', 'return find("dog"), "red"')
    filled = made.fill('is  the "dog" red')
    assert filled is not None
    assert filled.source == made.source


def test_a_program_whose_texts_are_not_known_is_no_template():
    assert Template.of("Is it?", "return 1", None) is None


def test_choices_are_told_by_their_place_in_the_question_or_by_themselves():
    assert choice_positions("Is the cup red or blue?", ["red", "blue"]) == [3, 5]
    assert choice_positions("Is the cup green or black?", ["green", "black"]) == [3, 5]
    assert choice_positions("Is it red?", ["yes", "no"]) == ["yes", "no"]


def test_words_of_the_choices_are_not_foreign():
    body = "return match(['apple', 'pear'], find('table'))"
    given = ("apple", "pear")
    made = template("Which one is on the table?", body, given)
    assert made.skeleton == "which one is on the ‹noun›"


@pytest.mark.parametrize(
    "change",
    [
        {"slots": [99]}, {"slots": []}, {"slots": None}, {"fills": [[1]]}, {"question": 3},
        {"fills": [[0, 1, [[3, "nonsense"]]]]}, {"source": None, "slots": "x"},
    ],
    ids=repr,
)  # fmt: skip
def test_a_stored_template_that_was_tampered_with_is_an_error(change):
    value = json.loads(template("How many dogs are there?", COUNT).to_json()) | change
    with pytest.raises((ValueError, KeyError, TypeError)):
        Template.from_json(json.dumps(value))


NOUNS = st.sampled_from("dog cat car cup table bird horse boat lamp shelf".split())
COLORS = st.sampled_from("red blue green white black brown".split())


@given(NOUNS, NOUNS, COLORS, NOUNS, NOUNS, COLORS)
def test_reuse_gives_what_splicing_by_hand_gives(a, b, color, c, d, other):
    def question(first, second, shade):
        return f"Is the {shade} {first} left of the {second}?"

    def program(first, second, shade):
        return extract(f"return find({first!r}, {shade!r}), find({second!r}), '{shade} {first}'")

    made = template(question(a, b, color), program(a, b, color))
    filled = made.fill(question(c, d, other))
    if a == b:
        assert made.slots == (2,)  # what occurs twice is no slot
        assert (filled is not None) == ((c, d) == (a, b))
    elif c == d:
        assert filled is None
    else:
        assert filled is not None
        assert filled.source == program(c, d, other)


HOSTILE = st.text(max_size=30) | st.sampled_from(
    ["'", '"', "\\", "'''", "\n", "')\nimport os\n('", "{x}", "\u2028", "\ud800", "#", "%s", "\x00"]
)


@given(st.lists(HOSTILE, min_size=3, max_size=3))
def test_nothing_that_is_spliced_becomes_code(texts):
    source = "def f(image):\n    return g('a', image.find(\"b\")), 'c'\n"
    places = [(source.index(old), source.index(old) + 3, new)
              for old, new in zip(("'a'", '"b"', "'c'"), texts, strict=True)]  # fmt: skip
    spliced = ast.parse(splice(source, places))
    found = [node.value for node in ast.walk(spliced) if isinstance(node, ast.Constant)]
    assert sorted(found) == sorted(texts)
    shape = [type(node) for node in ast.walk(ast.parse(source))]
    assert [type(node) for node in ast.walk(spliced)] == shape


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_question_fits_or_does_not(question, word):
    made = template("How many dogs are there?", COUNT)
    for text in (question, f"How many {word} are there?"):
        filled = made.fill(text)
        if filled is not None:
            ((_, new),) = filled.literals
            assert body_of(filled) == f"return len(image.find({new!r}))"
