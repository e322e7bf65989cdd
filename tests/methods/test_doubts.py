"""What is said of conditions that no model can test."""

from __future__ import annotations

from viper.methods.doubts import FAMILIAR_IMAGES, capped_doubts, refusal
from viper.programs.program import Doubt
from viper_sandbox.findings import MAX_NOTES

HAT = Doubt("wearing a hat", "no matcher is served", "matcher")


def test_a_refusal_names_conditions_reasons_and_what_to_add():
    near = Doubt("nearest", "no depth model is served", "depth")
    text = refusal([near, HAT, Doubt("nearest twin", "nothing would tell")])
    assert text.startswith(
        "This cannot be tested: nearest (no depth model is served); wearing a hat (no matcher is served); "
        "nearest twin (nothing would tell)."
    )
    matcher, depth = (
        text.count(f"Add a model for the {r} with --backend {r}=") for r in ("matcher", "depth")
    )
    assert (matcher, depth) == (1, 1)
    assert text.endswith("For an answer that may be wrong, ask with --best-effort.")


def test_a_picture_of_another_world_is_the_reason_before_all_others():
    text = refusal([HAT, Doubt(FAMILIAR_IMAGES, "It is a photograph: use others.")])
    assert text.startswith("It is a photograph: use others. For an answer")
    assert "wearing" not in text


def test_a_refusal_is_short_and_keeps_its_advice():
    for endless in (
        Doubt("c" * 100_000, "w" * 100_000, "matcher"),
        Doubt(FAMILIAR_IMAGES, "w" * 100_000),
    ):
        text = refusal([endless] * 1_000)
        assert len(text) < 1_500
        assert text.endswith("ask with --best-effort.")
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


def test_what_to_add_can_see_photographs_and_judge_any_condition():
    text = refusal([HAT])
    assert "--backend matcher=transformers:…" in text
    assert not any(f"={name}:" in text for name in ("builtin", "truth", "colors"))
