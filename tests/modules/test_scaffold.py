from __future__ import annotations

import importlib
import sys
import tomllib

import pytest

from viper.errors import ConfigError
from viper.modules.scaffold import new_module
from viper.testing.module_check import check_module


def test_a_new_module_passes_its_check_as_it_is(tmp_path, monkeypatch):
    written = new_module("street-signs", tmp_path)
    folder = tmp_path / "viper-street-signs"
    assert {path.relative_to(folder).as_posix() for path in written} == {
        "pyproject.toml",
        "README.md",
        "src/street_signs/__init__.py",
        "src/street_signs/api.pyi",
        "src/street_signs/model.py",
        "src/street_signs/module.py",
        "tests/test_street_signs.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {
        "viper.modules": {"street-signs": "street_signs.module:MODULE"}
    }
    assert not any("{{" in path.read_text() for path in written)
    monkeypatch.syspath_prepend(folder / "src")
    try:
        module = importlib.import_module("street_signs.module").MODULE
        assert module.name == "street-signs"
        assert [
            verdict.description for verdict in check_module(module) if verdict.state == "FAIL"
        ] == []
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "street_signs"]:
            del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Street", "must be at most 24 lower-case letters"),
        ("../x", "must be at most 24 lower-case letters"),
        ("a" * 25, "must be at most 24 lower-case letters"),
        ("import", "'import' is a Python keyword"),
        ("find", "The name 'find' is taken: api.pyi:"),
    ],
)
def test_a_name_that_cannot_be_used_writes_nothing(tmp_path, name, complaint):
    with pytest.raises(ConfigError, match=complaint):
        new_module(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_written_over(tmp_path):
    new_module("reading", tmp_path)
    with pytest.raises(ConfigError, match="exists already; nothing was written"):
        new_module("reading", tmp_path)
