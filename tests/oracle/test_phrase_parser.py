from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.oracle.phrase_parser import (
    UNKNOWN,
    PhraseParser,
    content_words,
    singular_noun,
)

PARSER = PhraseParser(
    nouns={"cup": "cup", "table": "table", "traffic light": "traffic light", "orange": "orange",
           "man": "man", "glass": "glass", "glasses": "glasses", "thing": "thing"},
    attributes={"red": "red", "light blue": "light blue", "blue": "blue", "orange": "orange",
                "glass": "glass", "wood": "wood", "wooden": "wood", "on": "on"},
    relations=("holding", "on", "in", "to the left of", "sitting on"),
    relation_terms=("holding cup", "holding red cup", "holding blue cup", "on table", "on glass table",
             "to left of traffic light", "in glass"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "terms"),
    [
        ("cup", ["cup"]),
        ("The red cups!", ["red", "cup"]),
        ("light-blue cup", ["light blue", "cup"]),
        ("two cups", [UNKNOWN, "cup"]),
        ("cup that is red", ["cup", "red"]),
        ("a table made of wood", ["table", "wood"]),
        ("wooden table", ["wood", "table"]),
        ("traffic lights", ["traffic light"]),
        ("man holding a cup", ["man", "holding cup"]),
        ("holding the red cup man", ["holding red cup", "man"]),
        ("a red and blue cup", ["red", "blue", "cup"]),
        ("holding a red and blue cup", ["holding red cup", "holding blue cup"]),
        ("cup on the table", ["cup", "on table"]),
        ("cup on the glass table", ["cup", "on glass table"]),
        ("cup to the left of the traffic light", ["cup", "to left of traffic light"]),
        ("holding a table", [UNKNOWN]),
        ("man holding", ["man", "holding"]),
        ("man sitting on", ["man", "sitting on"]),
        # Relations that the file does not know do not turn into something true.
        ("on cup", ["on", "cup"]),
        ("to the left of the cup", [UNKNOWN]),
        ("orange in", ["orange", "in"]),
        ("in red", ["red"]),
        ("glasses", ["glasses"]),
        ("unicorn", [UNKNOWN]),
        ("not red", [UNKNOWN, "red"]),
        ("", [UNKNOWN]),
        ("the", [UNKNOWN]),
        ("of the", [UNKNOWN]),
        ("?", [UNKNOWN]),
    ],
)
def test_a_phrase_is_read_as_its_terms(phrase, terms):
    assert list(PARSER.parse(phrase)) == terms


@given(st.text(max_size=40))
def test_any_text_is_read_as_known_terms_or_unknown(text):
    terms = PARSER.parse(text)
    assert terms
    assert set(terms) <= {*PARSER.terms, UNKNOWN}


@given(st.text(max_size=40))
def test_words_never_spell_the_unknown_term(text):
    assert UNKNOWN not in content_words(text)
    assert content_words(" ".join(content_words(text))) == content_words(text)


def test_the_head_is_the_last_name():
    assert PARSER.head(("red", "glass", "table")) == "table"
    assert PARSER.head(("red",)) is None


@pytest.mark.parametrize(
    ("word", "singular"),
    [("cups", "cup"), ("people", "person"), ("leaves", "leaf"), ("glasses", "glasses"),
     ("buses", "bus"), ("bus", "bus"), ("knives", "knife"), ("zyzzyvax", "zyzzyvax")],
)  # fmt: skip
def test_nouns_are_compared_in_the_singular(word, singular):
    assert singular_noun(word) == singular


def test_grey_is_gray():
    assert content_words("Grey CUP") == ("gray", "cup")
