from __future__ import annotations

from pathlib import Path

from viper.builtin.words import MAX_WORDS, PHOTOGRAPHS, VOCABULARY, encode, refusal
from viper.engine.presets import load_presets


def test_every_word_stands_once_in_the_vocabulary() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_what_the_models_do_not_know_is_named() -> None:
    assert "do not know 'near', 'dog':" in refusal("the small, metallic Ball near a dog!")


def test_photographs_have_a_small_way_and_a_large_one_that_both_exist() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    start = readme.partition("## Quick start")[2].partition("\n## ")[0]
    assert "README, Quick start" in PHOTOGRAPHS
    assert "yolox_nano.onnx\n" in start
    assert "(4 MB)" in start
    for option in ("--backend detector=onnx:yolox_nano.onnx", "--models small"):
        assert option in PHOTOGRAPHS
        assert option in start
    size = load_presets()["small"].size_mb
    assert f"viper models pull small ({size / 1000:.1f} GB)" in PHOTOGRAPHS


def test_texts_become_rows_of_one_length() -> None:
    ids = encode(["red ball", "zebra", "red " * 30, ""])
    assert ids.shape == (4, MAX_WORDS)
    assert (ids[0] > 1).sum() == 2
    assert ids[1, 0] == 1  # unknown
    assert (ids[2] == ids[0, 0]).all()
    assert not ids[3].any()
