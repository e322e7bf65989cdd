"""docs/builtin-models.md says of the models what training measured."""

from __future__ import annotations

import json
from pathlib import Path

from viper.builtin.loading import SHIPPED
from viper.builtin.train.card import card_rows
from viper.builtin.words import SPELLINGS

PAGE = Path(__file__).parents[2] / "docs" / "builtin-models.md"


def test_the_figures_of_the_page_are_those_that_training_wrote():
    _, _, after = PAGE.read_text(encoding="utf-8").partition("<!-- figures -->\n")
    table, end, _ = after.partition("<!-- /figures -->")
    assert end
    figures = json.loads((SHIPPED / "figures.json").read_text(encoding="utf-8"))
    assert table.splitlines() == card_rows(figures)


def test_the_page_tells_the_size_of_the_weights_and_the_words():
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*.onnx"))
    assert f"{size / 1e6:.1f} MB" in text
    for meaning in SPELLINGS:
        if meaning != "thing":
            assert meaning in text


def test_the_figures_reach_what_the_models_are_meant_for():
    figures = json.loads((SHIPPED / "figures.json").read_text(encoding="utf-8"))
    assert figures["ap50"]["thing"] >= 0.97
    assert all(share >= 0.97 for share in figures["attributes"].values())
    assert figures["depth_order"] >= 0.97
