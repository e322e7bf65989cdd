"""docs/plugins.md against the code: its module is built as the page says, and does what the page says."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from viper import Engine
from viper.modules.scaffold import new_module
from viper.modules.stub import read_stub
from viper.plugins import GROUPS
from viper.testing.module_check import check_module

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"Write\s+`([\w./]+)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def symmetry(tmp_path, monkeypatch):
    """The module of the page, made by following it."""
    folder = new_module("symmetry", tmp_path)[0].parent
    assert set(FILES) == {
        f"src/symmetry/{name}" for name in ("api.pyi", "model.py", "module.py")
    } | {"program.py"}
    for place, text in FILES.items():
        (folder / place).write_text(text)
    monkeypatch.syspath_prepend(folder / "src")
    yield importlib.import_module("symmetry.module").MODULE
    for name in [name for name in sys.modules if name.partition(".")[0] == "symmetry"]:
        del sys.modules[name]


def test_the_module_of_the_tutorial_keeps_its_contract(symmetry):
    assert [verdict.told for verdict in check_module(symmetry) if verdict.state == "FAIL"] == []


def test_the_program_of_the_tutorial_runs(symmetry):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30] = 255
    with Engine("none", modules=[symmetry]) as engine:
        assert engine.run_program(FILES["program.py"], picture).text == "0, 1"


def test_the_example_of_objects_can_be_part_of_the_contract():
    (stub,) = re.findall(r"```python\n(class Mask:.*?)```", PAGE, re.DOTALL)
    api = read_stub(stub, "api.pyi", ["segmenter"])
    assert [entry.name for entry in api.callables] == ["mask", "mask_overlap"]


def test_the_page_names_every_group():
    assert all(f"`{group}`" in PAGE for group in GROUPS)
