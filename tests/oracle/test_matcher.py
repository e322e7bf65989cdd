from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import true_scenes
from fakes.true_scenes import TABLE, clevr_object, view
from viper.oracle.matcher import FALSEHOOD, SHARPNESS, OracleMatcher
from viper.oracle.scene_file import open_scenes

CUBE, BALL, CYLINDER, PEARL = (view(item["bbox_xyxy"]) for item in TABLE)
SIZES, COLORS = ("large", "small"), ("red", "blue", "gray")
MATERIALS, SHAPES = ("metal", "rubber"), ("cube", "sphere", "cylinder")
WORDS = (*SIZES, *COLORS, *MATERIALS, *SHAPES, "thing", "unicorn")
KINDS = st.tuples(*map(st.sampled_from, (SIZES, COLORS, MATERIALS, SHAPES)))
PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)


def logits(matcher, views, texts):
    """Logits as `viper.methods.image_patch` computes them, shape (views, texts)."""
    images = np.stack(matcher.embed_images(views)).astype(np.float64)
    words = np.stack(matcher.embed_texts(texts)).astype(np.float64)
    return images @ words.T * matcher.logit_scale


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory):
    """A matcher for pictures that are called after what they show: every object of one kind."""
    scenes = [
        (f"{'-'.join(kind)}.png", [clevr_object(" ".join(kind), (0, 0, 10, 10))])
        for kind in itertools.product(SIZES, COLORS, MATERIALS, SHAPES)
    ]
    folder = tmp_path_factory.mktemp("scenes")
    path = true_scenes.write(folder / "scenes.json", true_scenes.clevr(*scenes))
    return OracleMatcher(open_scenes(path))


@given(kind=KINDS, phrase=PHRASES)
def test_the_logit_counts_true_words_and_false_words_eight_times(every_kind, kind, phrase):
    picture = view((0, 0, 10, 10), name=f"{'-'.join(kind)}.png")
    holding = sum(word in (*kind, "thing") for word in phrase)
    expected = SHARPNESS * (holding - FALSEHOOD * (len(phrase) - holding))
    (found,) = logits(every_kind, [picture], [" ".join(phrase)])[0]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-3)


@given(kind=KINDS, first=PHRASES, second=PHRASES)
def test_a_text_with_fewer_false_words_wins_then_the_one_with_more_true_ones(
    every_kind, kind, first, second
):
    picture = view((0, 0, 10, 10), name=f"{'-'.join(kind)}.png")
    a, b = logits(every_kind, [picture], [" ".join(first), " ".join(second)])[0]
    ranks = []
    for phrase in (first, second):
        holding = sum(word in (*kind, "thing") for word in phrase)
        ranks.append((holding - len(phrase), holding))
    assert (a > b) == (ranks[0] > ranks[1])
    assert (a == b) == (ranks[0] == ranks[1])


@given(phrases=st.lists(PHRASES, min_size=1, max_size=5), kind=KINDS)
def test_embeddings_are_unit_vectors(every_kind, phrases, kind):
    picture = view((0, 0, 10, 10), name=f"{'-'.join(kind)}.png")
    vectors = every_kind.embed_images([picture])
    vectors += every_kind.embed_texts([" ".join(phrase) for phrase in phrases])
    for vector in vectors:
        assert np.linalg.norm(vector.astype(np.float64)) == pytest.approx(1.0, abs=1e-6)


def test_a_word_repeated_more_often_than_a_text_is_long_still_gives_a_unit_vector(every_kind):
    (vector,) = every_kind.embed_texts(["cube " * 100])
    assert np.linalg.norm(vector.astype(np.float64)) == pytest.approx(1.0, abs=1e-6)


def test_a_view_shows_the_object_whose_box_fits_it_best(table):
    matcher = OracleMatcher(table)
    found = logits(matcher, [CUBE, BALL], ["red cube", "blue ball"])
    assert list(found.argmax(axis=1)) == [0, 1]


def test_a_view_of_no_single_object_shows_everything_in_it(table):
    matcher = OracleMatcher(table)
    left, whole = view((0, 0, 240, 320)), view()
    holds = logits(matcher, [left, whole], ["cube", "cylinder", "green"]) > 0
    assert holds.tolist() == [[True, False, False], [True, True, False]]


def test_nothing_holds_of_an_empty_view(table):
    assert (logits(OracleMatcher(table), [view((200, 0, 210, 10))], list(WORDS)) < 0).all()
