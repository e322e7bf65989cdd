from __future__ import annotations

import pytest

from viper.config import EngineConfig, presets, resolve_backends
from viper.errors import ConfigError
from viper.vision.registry import backends_for
from viper.vision.roles import ROLES


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


@pytest.mark.parametrize("name", presets())
def test_presets_name_only_known_roles_and_backends(name):
    table = dict(presets()[name])
    assert table.pop("description").endswith(".")
    assert set(table) <= set(ROLES)
    for role, text in table.items():
        assert text == "stub" or text.partition(":")[0] in backends_for(role)


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
