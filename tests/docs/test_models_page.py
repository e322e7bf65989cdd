"""docs/models.md says of the presets what the presets file says."""

from __future__ import annotations

from pathlib import Path

from viper.engine.presets import load_presets

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_table_of_the_page_is_the_presets_file(monkeypatch):
    monkeypatch.delenv("VIPER_PRESETS", raising=False)
    _, _, after = PAGE.read_text(encoding="utf-8").partition("<!-- presets -->\n")
    table, end, _ = after.partition("<!-- /presets -->")
    assert end
    rows = [
        f"| {preset.name} | {model.role} | `{model.repository}` | {model.size_mb} MB | "
        f"{model.licence} | `{model.architecture}` |"
        for preset in load_presets().values()
        for model in preset.models
    ]
    assert table.splitlines()[2:] == rows


def test_the_page_names_every_preset_its_size_and_what_is_not_pinned(monkeypatch):
    monkeypatch.delenv("VIPER_PRESETS", raising=False)
    text = PAGE.read_text(encoding="utf-8")
    for preset in load_presets().values():
        assert f"`{preset.name}`" in text
        if preset.models:
            assert f"{preset.size_mb / 1000:.1f} GB" in text
    loose = {
        model.repository
        for preset in load_presets().values()
        for model in preset.models
        if model.revision == "main"
    }
    for repository in loose:
        assert f"`{repository}` follows `main`" in text
