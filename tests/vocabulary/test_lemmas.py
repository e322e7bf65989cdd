"""Searched tables give what the library's own parsed tables give."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.vocabulary import lemmas


@pytest.fixture(scope="module")
def parsed():
    """What the library parses by itself: (lemma table, inflection table)."""
    from lemminflect import config
    from lemminflect.codecs.InflectionLUCodec import InflectionLUCodec
    from lemminflect.codecs.LemmaLUCodec import LemmaLUCodec

    return (
        LemmaLUCodec.load(config.lemma_lu_fn),
        InflectionLUCodec.load(config.inflection_lu_fn),
    )


def searched():
    lemmatizer, inflector = lemmas._library()
    return lemmatizer.lemma_dict, inflector.infl_dict


def test_every_word_has_the_entry_that_the_library_parses(parsed):
    for table, dictionary in zip(searched(), parsed, strict=True):
        words = sorted(dictionary)
        for word in [*words[::37], *words[:50], *words[-50:]]:
            assert table.get(word, {}) == dictionary[word], word
    for word in ("be", "can", "may", "will", "shall", "must", "ought", "dare"):
        assert searched()[1].get(word, {}) == parsed[1][word]


@given(
    st.one_of(
        st.text(max_size=12), st.sampled_from(["", ",", "\n", "zzzz", "'", "a,noun", "cat\n"])
    )
)
def test_a_word_that_is_in_no_table_has_no_entry(parsed, word):
    for table, dictionary in zip(searched(), parsed, strict=True):
        assert table.get(word, {}) == dictionary.get(word, {})


def test_the_tables_of_the_library_are_sorted():
    from lemminflect import config

    for path in (config.lemma_lu_fn, config.inflection_lu_fn):
        with gzip.open(path, "rb") as lines:
            words = [line.split(b",")[0] for line in lines]
        assert words == sorted(words)


@pytest.mark.parametrize(
    ("word", "part", "base"),
    [
        ("mice", "NOUN", "mouse"),
        ("blorgs", "NOUN", "blorg"),
        ("", "NOUN", None),
    ],
)
def test_the_usual_base_form(word, part, base):
    assert lemmas.base_form(word, part) == base


def test_inflections_follow_rules_where_a_word_is_unknown():
    assert lemmas.inflections("child", "NNS") == ("children",)
    assert lemmas.inflections("blorg", "NNS") == ("blorgs",)


def test_the_library_parses_no_table_of_its_own():
    code = (
        "from lemminflect.codecs.LemmaLUCodec import LemmaLUCodec\n"
        "from lemminflect.codecs.InflectionLUCodec import InflectionLUCodec\n"
        "def parse(*of): raise AssertionError('parsed')\n"
        "LemmaLUCodec.load = InflectionLUCodec.load = parse\n"
        "from viper.vocabulary.lemmas import base_forms, inflections\n"
        "assert base_forms('cubes') == {'NOUN': ('cube',), 'VERB': ('cube',)}, base_forms('cubes')\n"
        "assert inflections('hold', 'VBG') == ('holding',)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
