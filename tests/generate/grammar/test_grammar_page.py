"""The examples of docs/grammar.md are what the grammar does."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import get_args

import pytest

from viper.generate.grammar import logical_form, parse, write_program
from viper.models.capabilities import Capabilities
from viper.programs.program import AnswerKind

PAGE = (Path(__file__).parents[3] / "docs" / "grammar.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\w+) \| ([^|]+) \| `(.+)` \|$", re.MULTILINE)
ROWS = [(node, text, form.replace(r"\|", "|")) for node, text, form in ROW.findall(PAGE)]
PORTRAYED = "What animal is lying on the green bench?"


@pytest.mark.parametrize(("node", "text", "form"), ROWS)
def test_an_example_has_the_form_shown(node: str, text: str, form: str) -> None:
    parsed = parse(text, "grounding" if form.startswith("refer(") else "vqa")
    assert str(parsed) == form
    assert node in {type(part).__name__ for part in logical_form.walk(parsed)}


def test_every_node_has_an_example() -> None:
    nodes = {*get_args(logical_form.Query), *get_args(logical_form.Condition)}
    shown = {node for node, _, _ in ROWS}
    assert {node.__name__ for node in nodes} - shown == set()


def test_the_tree_shown_is_the_one_that_explain_prints() -> None:
    form = parse(PORTRAYED)
    assert f"\n{form}\n{form.explain()}\n" in PAGE


def test_the_program_shown_is_the_one_that_is_written() -> None:
    source = write_program(parse(PORTRAYED), Capabilities.everything(), "grammar").source
    body = textwrap.dedent(source.partition("    image_patch = ImagePatch(image)\n")[2])
    (shown,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(body))  # but for the quotation marks


def test_the_kinds_of_answers_are_explained() -> None:
    kinds = set(get_args(AnswerKind)) - {"text"}  # what a language model's program may answer with
    assert kinds <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
