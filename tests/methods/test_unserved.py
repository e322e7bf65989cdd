"""What is said of a call that no model serves: no calls of Python, no names of parameters."""

from __future__ import annotations

import pytest

from viper.methods.doubts import how_to_add
from viper.methods.unserved import unserved

CALLS = [
    (
        "ImagePatch.find",
        ["dog"],
        "detector",
        'Finding "dog" needs a detector, a model that finds things',
    ),
    ("ImagePatch.exists", ["dog"], "detector", 'Finding "dog" needs a detector, '),
    (
        "ImagePatch.verify_property",
        ["car", "red"],
        "matcher",
        'Whether "car" is "red" needs a matcher, ',
    ),
    (
        "ImagePatch.best_text_match",
        [["red", "blue"], None],
        "matcher",
        'The choice between "red", "blue" needs a matcher, ',
    ),
    (
        "ImagePatch.best_text_match",
        [["a", "b", "c", "d"], "pre"],
        "matcher",
        'The choice between "a", "b", "c", … needs ',
    ),
    (
        "best_image_match",
        [[], "sad dog", False],
        "matcher",
        'The choice of what is most like "sad dog"',
    ),
    ("best_image_match", [[], ["sad", "old"], True], "matcher", 'most like "sad", "old" needs'),
    ("ImagePatch.compute_depth", [], "depth", "How far away something is needs a depth model, "),
    (
        "ImagePatch.simple_query",
        ["What is\n this?"],
        "answerer",
        'The question "What is this?" needs an answerer, a model that answers questions about pictures',
    ),
    ("llm_query", ["Why?", True], "language", 'The question "Why?" needs a language model, and '),
    (
        "process_guesses",
        ["Which?", "a", None],
        "language",
        'The question "Which?" needs a language',
    ),
    (
        "read_signs",
        ["x"],
        "reader",
        "The method read_signs of a module needs a model for the role 'reader'",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "role", "words"), CALLS)
def test_what_was_to_be_found_out_is_said_in_words(method, arguments, role, words):
    text = unserved(method, arguments, role, lambda roles: f"run it for {roles[0]}")
    assert words in text
    assert text.endswith(f", and there is none. Run it for {role}.")
    assert "(" not in text


def test_a_long_argument_is_cut():
    text = unserved("ImagePatch.find", ["dog " * 10_000], "detector", lambda roles: "get one")
    assert len(text) < 1_500
    assert text.endswith("and there is none. Get one.")


def test_every_role_has_a_way_to_get_a_model():
    assert how_to_add(["depth", "language"]) == (
        "add --backend depth=transformers:… and --backend language=openai:…"
    )
    assert how_to_add(["reader"]) == "add --backend reader=NAME:…"
