"""What is said of conditions that no model can test."""

from __future__ import annotations

import pytest

from viper.methods.doubts import (
    FAMILIAR_IMAGES,
    capped_doubts,
    plain_reason,
    refusal,
    untested,
)
from viper.models.roles import ROLES
from viper.programs.program import Doubt
from viper_sandbox.findings import MAX_NOTES

HAT = Doubt("wearing a hat", "no matcher is served", "matcher")
CLASSES = ("person", "dog", "hot dog", "dining table", "wine glass", "cup", "skis", "apple", "bowl")
ANYWAY = "add --best-effort for an answer that may be wrong."


def narrower(noun, classes, needs="matcher"):
    return Doubt(noun, f"the detector knows {classes}, but not {noun}", needs)


def run_it(roles):
    return f"run it for {' and '.join(roles)}"


def test_a_refusal_says_what_cannot_be_known_and_why_and_the_ways_to_an_answer():
    text = refusal(
        [narrower("table", "dining table", "detector")], vocabulary=CLASSES, remedy=run_it
    )
    assert text == (
        '"table" cannot be checked: the detector knows dining table, but not table. '
        f"Ask about a dining table; or run it for detector; or {ANYWAY}"
    )


def test_a_refusal_names_all_conditions_by_their_reasons_and_asks_for_each_role_once():
    near = Doubt("nearest", "no depth model is served", "depth")
    tall = Doubt("tall", "no matcher is served", "matcher")
    text = refusal([near, HAT, Doubt("nearest twin", "nothing would tell"), tall], remedy=run_it)
    assert text == (
        '"nearest" cannot be checked: no model here measures distances. Nor can "wearing a hat" and "tall": '
        'the models here find things, but do not recognize this. Nor can "nearest twin": nothing would tell. '
        f"Run it for matcher and depth; or {ANYWAY}"
    )


def test_a_refusal_that_no_model_would_mend_offers_the_best_effort():
    assert refusal([Doubt("odd", "a rank is not tested here")]) == (
        f'"odd" cannot be checked: a rank is not tested here. A{ANYWAY[1:]}'
    )


def test_without_a_remedy_of_an_engine_backends_are_named_that_see_photographs():
    text = refusal([HAT])
    assert "Add --backend matcher=transformers:… or --backend matcher=open_clip:…; or add" in text
    assert not any(f"={name}:" in text for name in ("builtin", "truth", "colors"))


@pytest.mark.parametrize(
    ("doubts", "words"),
    [
        ([narrower("woman", "person")], "Ask about a person;"),
        ([narrower("glass", "wine glass and cup")], "Ask about a wine glass or a cup;"),
        ([narrower("hot dog stand", "hot dog")], "Ask about a hot dog;"),
        ([narrower("poles", "skis")], "Ask about skis;"),
        ([narrower("man", "person"), narrower("woman", "person")], "Ask about a person;"),
        ([narrower("man", "person"), narrower("pear", "apple")], "Ask about a person or an apple;"),
        (
            [Doubt("food", "of foods, the detector knows apple and hot dog only", "detector")],
            "Ask about an apple or a hot dog;",
        ),
        # As a program's own call of find says it.
        (
            [
                Doubt(
                    "'woman' detected as 'person'",
                    "the detector knows 'person', but not 'woman'",
                    "detector",
                )
            ],
            "Ask about a person;",
        ),
    ],
)
def test_what_the_detector_does_know_is_offered(doubts, words):
    assert words in refusal(doubts, vocabulary=CLASSES)


@pytest.mark.parametrize(
    "doubts",
    [
        # Another word is no help where something else remains in doubt.
        [narrower("man", "person"), HAT],
        [Doubt("in a shirt", "only its color is looked for, anywhere on the person", "matcher")],
        [Doubt("hat", "the detector does not know 'hat', and no matcher is served", "matcher")],
        [Doubt("that there is no dog of any kind", "the detector knows 9 kinds of things only")],
    ],
)
def test_nothing_is_offered_that_would_not_settle_it(doubts):
    assert "Ask about" not in refusal(doubts, vocabulary=CLASSES)
    assert "Ask about" not in refusal([narrower("man", "person")])  # the classes are unknown


def test_a_word_that_a_call_took_for_another_is_said_as_the_user_said_it():
    doubt = Doubt("'woman' detected as 'person'", "it knows no women")
    assert untested([doubt]) == '"woman" cannot be checked: it knows no women.'


@pytest.mark.parametrize(
    "why",
    [
        "no matcher is served",
        "no detector is served",
        "the detector does not know 'hat', and no matcher is served",
        "no detector is served, and no matcher is served",
        "judged from the boxes, since no matcher is served",
        "judged from the boxes alone, since no matcher is served",
        "judged from the boxes, since no depth model is served",
        "judged from the boxes alone",
    ],
)
def test_reasons_are_said_without_roles(why):
    plain = plain_reason(Doubt("x", why))
    assert "served" not in plain
    assert "box" not in plain
    assert not any(role in plain for role in ROLES if role != "detector")
    assert plain_reason(Doubt("x", "it is dark")) == "it is dark"


def test_many_conditions_are_counted():
    doubts = [Doubt(f"c{n}", "no matcher is served") for n in range(6)]
    assert untested(doubts).startswith('"c0", "c1", "c2" and 3 more cannot be checked: ')
    assert untested(doubts[:4]).startswith('"c0", "c1", "c2" and "c3" cannot be checked: ')


def test_a_picture_of_another_world_is_the_reason_before_all_others():
    text = refusal([HAT, Doubt(FAMILIAR_IMAGES, "It is a photograph: use others.")])
    assert text == (
        "It is a photograph: use others. For an answer that may be wrong, add --best-effort."
    )


def test_a_refusal_is_short_and_keeps_its_advice():
    for endless in (
        Doubt("c" * 100_000, "w" * 100_000, "matcher"),
        Doubt("c" * 100_000, "the detector knows " + "w" * 100_000, "matcher"),
        Doubt(FAMILIAR_IMAGES, "w" * 100_000),
    ):
        text = refusal([endless] * 1_000, vocabulary=CLASSES)
        assert len(text) < 1_500
        assert text.endswith((ANYWAY, "For an answer that may be wrong, add --best-effort."))
    assert "--backend matcher=" in refusal(
        [Doubt(f"{n}" * 1_000, "why", "matcher") for n in range(50)]
    )


def test_doubts_are_kept_once_short_and_counted():
    many = [Doubt(f"condition {n}", "w" * 5_000) for n in range(MAX_NOTES + 5)]
    kept = capped_doubts([*many, *many])
    assert len(kept) == MAX_NOTES
    assert kept[-1].condition == "… and 6 more"
    assert all(len(doubt.why) < 1_000 for doubt in kept)
    assert capped_doubts([HAT, HAT]) == (HAT,)
