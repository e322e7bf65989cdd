from __future__ import annotations

import pytest

from fakes import true_scenes
from viper.engine.config import EngineConfig, resolve_backends
from viper.errors import ConfigError
from viper.models.roles import ROLES


def test_the_default_preset_serves_no_role():
    assert resolve_backends("none") == {}


def test_the_stub_preset_serves_every_role():
    assert set(resolve_backends("stub")) == set(ROLES)


def test_a_backend_given_by_the_user_replaces_the_presets():
    resolved = resolve_backends("stub", {"detector": "onnx:x.onnx"})
    assert str(resolved["detector"]) == "onnx:x.onnx"
    assert str(resolved["matcher"]) == "stub"


def test_an_unknown_preset_is_refused_with_near_names():
    with pytest.raises(ConfigError, match=r"Unknown preset 'stbu'. Did you mean 'stub'\? Presets:"):
        resolve_backends("stbu")


def scenes(folder):
    value = true_scenes.clevr(("table.png", true_scenes.TABLE))
    return true_scenes.write(folder / "scenes.json", value)


def test_true_perception_serves_the_vision_roles(tmp_path):
    path = scenes(tmp_path)
    resolved = resolve_backends(f"truth:{path}")
    assert list(resolved) == ["detector", "matcher", "depth", "answerer"]
    assert {str(ref) for ref in resolved.values()} == {f"truth:{path}"}


def test_true_perception_serves_no_depth_that_the_file_does_not_tell():
    assert "depth" not in resolve_backends(f"truth:{true_scenes.GRAPHS}")


def test_one_role_alone_may_be_served_by_the_truth(tmp_path):
    resolved = resolve_backends("stub", {"depth": f"truth:{scenes(tmp_path)}"})
    assert (resolved["depth"].name, resolved["detector"].name) == ("truth", "stub")


def test_a_relative_file_of_scenes_is_looked_for_here_then_in_the_data(tmp_path, monkeypatch):
    here, data = tmp_path / "here", tmp_path / "data"
    scenes(data)
    monkeypatch.chdir(tmp_path)
    here.mkdir()
    monkeypatch.chdir(here)
    ref = "truth:scenes.json"
    for resolved in (
        resolve_backends(ref, data_folder=data),
        resolve_backends("none", {"depth": ref}, data),
    ):
        assert resolved["depth"].reference == str(data / "scenes.json")
    scenes(here)
    assert resolve_backends(ref, data_folder=data)["depth"].reference == "scenes.json"


def test_a_file_of_scenes_that_is_nowhere_is_refused_with_both_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"There is no file 'scenes.json'"):
        resolve_backends("truth:scenes.json")
    with pytest.raises(
        ConfigError, match=r"There is no file 'scenes.json', and no .*scenes.json' in"
    ):
        resolve_backends("truth:scenes.json", data_folder=tmp_path / "data")


@pytest.mark.parametrize("models", ["truth", "truth:"])
def test_true_perception_without_a_file_says_what_is_missing(models):
    with pytest.raises(ConfigError, match=r"truth:FILE"):
        resolve_backends(models)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"timeout_s": 0}, "timeout_s must be a number of seconds above 0, but got 0"),
        ({"model_call_s": -1}, "model_call_s must be a number of seconds above 0, but got -1"),
        ({"max_attempts": 0}, "max_attempts must be at least 1, but got 0"),
        ({"sandbox": "none"}, "sandbox must be 'full' or 'partial', but got 'none'"),
    ],
)
def test_values_out_of_range_are_refused(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        EngineConfig(backends={}, **values)
