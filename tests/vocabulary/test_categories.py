from __future__ import annotations

import difflib
import random
import time

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
        ("ball", "sports ball", "wider"),
        ("tables", "dining table", "wider"),
        ("phone", "cell phone", "wider"),
        ("smartphone", "cell phone", "synonym"),
        ("stoplight", "traffic light", "synonym"),
    ],
)
def test_plurals_synonyms_narrower_and_wider_words_reach_the_class(phrase, name, kind):
    assert match_phrase(phrase, COCO) == (name, kind)


def test_only_words_of_the_same_meaning_mean_the_same():
    kinds = {"couches": True, "sofa": True, "woman": False, "ball": False}
    assert {word: match_phrase(word, COCO).means_the_same for word in kinds} == kinds


def test_a_class_of_wider_meaning_holds_more_than_a_longer_name():
    assert match_phrase("sports ball", ["ball"]) == ("ball", "narrower")
    assert match_phrase("basketball", ["ball"]) == ("ball", "narrower")
    assert match_phrase("balls", ["ball", "sports ball"]) == ("ball", "plural")


@pytest.mark.parametrize(
    "phrase", ["unicorn", "red car", "", "   ", "dog house", "light", "lights", "board", "sign"]
)
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
    for index, concept in enumerate(_concepts()):
        for word in (*concept.same, *concept.narrower, *concept.wider):
            assert seen.setdefault(word, index) == index, word


@given(st.text(max_size=40))
def test_any_text_is_matched_or_refused_without_an_error(text):
    match = match_phrase(text, COCO)
    assert match is None or match.name in COCO
    assert len(near_classes(text, COCO)) <= 3


def test_only_the_last_word_is_made_singular():
    assert singular("glasses cases") == "glasses case"


def alike(letters, count):
    """Names of the same letters, so that only the slowest comparison tells them apart."""
    chosen = random.Random(7)
    return ["".join(chosen.choice(letters) for _ in range(79)) for _ in range(count)]


def seconds(work):
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


HOSTILE_NAMES = {
    "long names": ("ba aa ba " * 8, alike("ab ", 5_000)),
    "names of forty letters": ("ab" * 19, [name[:40] for name in alike("ab", 5_000)]),
    "one word in all": ("a b " * 40, [f"a b {i}" for i in range(20_000)]),
    "many words in each": ("a " * 100, [" ".join("abcdefgh" * 5) + str(i) for i in range(5_000)]),
    "many names": ("persn", [f"person{i}" for i in range(50_000)]),
    "one very long name": ("abc", ["ab" * 500_000, "abd"]),
}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_what_may_have_been_meant_is_found_quickly(name):
    phrase, names = HOSTILE_NAMES[name]
    near_classes("first", names)  # the index is made once for a detector
    assert seconds(lambda: near_classes(phrase, names)) < 0.25


def test_control_comparing_all_names_takes_long():
    names = alike("ab", 300)
    phrase = "ab" * 38
    slow = seconds(lambda: difflib.get_close_matches(phrase, names, 3, 0.7))
    assert slow > 5 * seconds(lambda: near_classes(phrase, names))
