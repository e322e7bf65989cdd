"""The how-to pages name backends, options and generators that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs.tooling.options_page import TABLES, with_tables
from viper.backends import option_models
from viper.backends.onnx_formats import NanoDet, Yolox
from viper.cli import cli
from viper.generate.registry import open_generators
from viper.models.registry import BackendRef, backends_for, parse_role
from viper.models.roles import ROLES

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in HOWTO.glob("*.md")}
MODELS = PAGES["own-models"]


def test_the_table_of_backends_is_complete():
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| .* \| (?:`\[([\w-]+)\]`)? ?\|$", MODELS, re.M)
    shown = {
        (role, name): extra or None
        for name, roles, extra in rows
        if name != "stub"
        for role in roles.split(", ")
    }
    there = {
        (role, name): entry.extra for role in ROLES for name, entry in backends_for(role).items()
    }
    assert shown == there


def test_the_tables_of_options_are_those_of_the_code():
    assert with_tables(MODELS) == MODELS, (
        "python -m docs.tooling.options_page docs/howto/own-models.md"
    )
    for one in (NanoDet, Yolox):
        assert f"| `{one.__name__.lower()}` |" in MODELS


def test_every_model_of_options_has_a_table():
    used = [option_models.__dict__[name] for name in option_models.__all__]
    bases = {base for model in used for base in model.__mro__[1:]}
    assert {model for model in used if model not in bases} == set(TABLES.values())


def test_options_are_listed_without_torch():
    code = "import sys, viper.backends.option_models; print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed == "False\n"


@pytest.mark.parametrize("page", PAGES)
def test_every_backend_on_the_page_can_be_read(page):
    for text in re.findall(r'--backend "?(\w+=[\w-]+(?::[^"\s`]*)?)', PAGES[page]):
        role, _, reference = text.partition("=")
        BackendRef.parse(parse_role(role), reference)


@pytest.mark.parametrize("page", PAGES)
def test_every_generator_on_the_page_can_be_opened(page, monkeypatch):
    monkeypatch.setenv("VIPER_LLM", "openai:qwen2.5-coder:7b")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1")
    for text in re.findall(r'--generator "?([\w]+(?::[^"\s`]+)?)', PAGES[page]):
        assert open_generators(text)


@pytest.mark.photos
def test_a_word_that_a_detector_does_not_know_is_refused_as_shown(photos, tmp_path, monkeypatch):
    weights = photos / "weights" / "yolox_nano.onnx"
    (tmp_path / "yolox_nano.onnx").symlink_to(weights)
    shutil.copytree(HOWTO.parents[1] / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    command, printed = re.search(r"```console\n\$ (viper ask .*)\n(.*\n)", MODELS).groups()
    result = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert result.exit_code == 1
    assert printed in result.stderr
