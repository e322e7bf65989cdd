from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.vocabulary.categories import _concepts, match_phrase, near_classes, singular

COCO = (
    "person", "car", "couch", "tv", "dining table", "skis", "sports ball", "traffic light",
    "cell phone", "dog", "hot dog", "wine glass", "knife", "bus", "airplane", "scissors",
)  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "name", "kind"),
    [
        ("couch", "couch", "exact"),
        ("the Couch", "couch", "exact"),
        ("sofa", "couch", "synonym"),
        ("sofas", "couch", "synonym"),
        ("people", "person", "synonym"),
        ("persons", "person", "plural"),
        ("knives", "knife", "plural"),
        ("buses", "bus", "plural"),
        ("traffic lights", "traffic light", "plural"),
        ("traffic_light", "traffic light", "exact"),
        ("ski", "skis", "synonym"),
        ("plane", "airplane", "synonym"),
        ("woman", "person", "narrower"),
        ("women", "person", "narrower"),
        ("taxi", "car", "narrower"),
        ("puppies", "dog", "narrower"),
    ],
)
def test_plurals_synonyms_and_narrower_words_reach_the_class(phrase, name, kind):
    assert match_phrase(phrase, COCO) == (name, kind)


@pytest.mark.parametrize("phrase", ["unicorn", "red car", "", "   ", "dog house"])
def test_what_the_detector_does_not_know_is_not_guessed(phrase):
    assert match_phrase(phrase, COCO) is None


def test_a_class_name_in_the_detectors_own_spelling_comes_back():
    assert match_phrase("tv monitor", ["tvmonitor", "diningtable"]) == ("tvmonitor", "synonym")
    assert match_phrase("dining table", ["tvmonitor", "diningtable"]) == ("diningtable", "synonym")


def test_near_classes_come_from_shared_words_and_from_spelling():
    assert near_classes("red sofa", COCO) == ["couch"]
    assert near_classes("wine bottle glass", COCO)[0] == "wine glass"
    assert near_classes("persn", COCO) == ["person"]
    assert near_classes("zzzz", COCO) == []


def test_no_word_stands_for_two_concepts():
    seen: dict[str, int] = {}
    for index, (same, narrower) in enumerate(_concepts()):
        for word in (*same, *narrower):
            assert seen.setdefault(word, index) == index, word


@given(st.text(max_size=40))
def test_any_text_is_matched_or_refused_without_an_error(text):
    match = match_phrase(text, COCO)
    assert match is None or match.name in COCO
    assert len(near_classes(text, COCO)) <= 3


def test_only_the_last_word_is_made_singular():
    assert singular("glasses cases") == "glasses case"
