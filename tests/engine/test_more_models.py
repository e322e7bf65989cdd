"""The one command that gets models for what an engine cannot find out."""

from __future__ import annotations

import pytest

from viper.engine import more_models as module
from viper.engine.more_models import more_models
from viper.engine.presets import load_presets
from viper.errors import ConfigError
from viper.models.registry import BackendRef


def engine(**backends):
    return more_models({role: BackendRef.parse(role, text) for role, text in backends.items()})


@pytest.fixture(autouse=True)
def nothing_on_disk(monkeypatch):
    """All libraries are here, and no weights."""
    monkeypatch.setattr(module, "missing_extra", lambda preset: None)
    monkeypatch.setattr(module, "missing_models", lambda preset: preset.models)
    monkeypatch.setattr(module, "fetch_command", lambda preset: f"viper models pull {preset.name}")


def test_the_first_preset_that_serves_the_roles_is_named_with_its_command():
    assert engine(detector="onnx:a.onnx", matcher="colors")(["matcher", "depth"]) == (
        "run viper models pull small (1.8 GB) and ask with --models small"
    )


def test_weights_that_are_here_need_no_command(monkeypatch):
    monkeypatch.setattr(module, "missing_models", lambda preset: [])
    assert engine(detector="builtin")(["matcher"]) == "ask with --models small"


def test_without_any_detector_the_small_one_comes_first():
    remedy = engine(matcher="colors")
    assert remedy(["detector"]).startswith("fetch a small detector (4 MB;")
    assert "--backend detector=onnx:yolox_nano.onnx, or run viper models pull" in remedy(
        ["detector"]
    )
    assert "yolox" not in remedy(["detector", "depth"])


def test_a_backend_of_ones_own_in_the_role_would_replace_that_of_the_preset():
    remedy = engine(detector="onnx:a.onnx?size=3", matcher="colors")
    assert remedy(["detector"]).endswith("ask with --models small, without --backend detector")
    assert remedy(["matcher"]).endswith("ask with --models small")


def test_the_models_of_the_engine_are_no_remedy():
    preset = load_presets()["small"]
    small = {role: preset.reference(role) for role in preset.backends}
    remedy = more_models(small)
    assert remedy(["matcher"]).startswith("run viper models pull base (")
    assert remedy(["depth"]).startswith("add --backend depth=transformers:")  # one for all presets


def test_a_role_of_no_preset_is_given_by_hand():
    assert engine()(["language"]) == "add --backend language=openai:…"
    assert engine()(["reader"]) == "add --backend reader=NAME:…"


def test_the_disk_is_looked_at_once(monkeypatch):
    looks = []
    monkeypatch.setattr(module, "missing_models", lambda preset: looks.append(preset) or [])
    remedy = engine()
    assert [remedy(["depth"]) for _ in range(3)] == ["ask with --models small"] * 3
    assert len(looks) == 1


def test_presets_that_can_no_longer_be_read_do_not_hide_the_reason(monkeypatch):
    def broken():
        raise ConfigError("gone")

    monkeypatch.setattr(module, "load_presets", broken)
    assert engine()(["depth"]) == "add --backend depth=transformers:…"
