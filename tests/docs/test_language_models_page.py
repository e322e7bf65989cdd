"""The page on language models says what the code accepts."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from viper.generate.local import LocalGenerator, LocalSettings
from viper.generate.openai import OpenAIGenerator
from viper.generate.prompt import PromptStyle
from viper.generate.registry import open_generator

PAGE = (Path(__file__).parents[2] / "docs" / "language-models.md").read_text(encoding="utf-8")
QUOTED = re.findall(r'--generator "((?:openai|local):[^"…]+)"', PAGE)


@pytest.mark.parametrize("reference", QUOTED)
def test_every_generator_on_the_page_can_be_opened(reference, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert isinstance(open_generator(reference), (OpenAIGenerator, LocalGenerator))


def test_the_page_shows_three_servers_and_two_local_models():
    kinds = [reference.partition(":")[0] for reference in QUOTED]
    assert kinds.count("openai") == 3
    assert kinds.count("local") == 2


def test_the_table_of_options_is_complete_and_its_defaults_are_right():
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]*) \|", PAGE, re.MULTILINE)
    table = {
        name: default.strip("` ")
        for names, defaults in rows
        for name, default in zip(
            re.findall(r"`(\w+)`", names), defaults.replace(" ", "").split(","), strict=True
        )
    }
    settings = {field.name for field in fields(LocalSettings)} - {"reference", "style"}
    style = {field.name for field in fields(PromptStyle)}
    assert set(table) == settings | style
    defaults = LocalSettings("m")
    for name in settings - {"revision"}:
        assert str(getattr(defaults, name)).lower() == table[name].lower() or (
            float(table[name]) == getattr(defaults, name)
        )
    assert (table["examples"], table["api"]) == (str(PromptStyle().examples), PromptStyle().api)
