"""The grammar on real questions of GQA: how many it reads, what kind of answer it expects."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from viper.errors import GenerationError
from viper.generate.grammar import LogicalForm, parse, write_program
from viper.generate.grammar.logical_form import AskScene
from viper.generate.grammar.vocabulary.lexicon import COLORS
from viper.models.capabilities import Capabilities
from viper.programs.api_spec import load_spec
from viper.programs.program import Program
from viper_sandbox.api import Api
from viper_sandbox.examine import examine

pytestmark = pytest.mark.photos
FILES = ("gqa_questions_dev.jsonl", "gqa_testdev_questions_dev.jsonl")


class Read(NamedTuple):
    row: dict[str, Any]
    form: LogicalForm
    program: Program


def rows(photos: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (photos / name).read_text().splitlines()]


def read(questions: list[dict[str, Any]]) -> Iterator[Read]:
    for row in questions:
        found = written(row["question"])
        if found is not None:
            yield Read(row, *found)


@functools.cache  # several tests read the same thousands of questions
def written(question: str) -> tuple[LogicalForm, Program] | None:
    try:
        form = parse(question)
    except GenerationError:
        return None
    return form, write_program(form, Capabilities.everything(), "grammar")


def kind(row: dict[str, Any]) -> str:
    """Return the kind of the known answer."""
    answer, question = row["answer"].lower(), row["question"].lower()
    if answer in ("yes", "no"):
        return "yesno"
    if re.search(r"\bor\b", question):
        return "choice"
    if answer.isdigit():
        return "number"
    return {"left": "place", "right": "place"}.get(answer, "color" if answer in COLORS else "name")


@pytest.mark.parametrize("name", FILES)
def test_nearly_all_questions_become_programs_that_pass_the_check(photos: Path, name: str) -> None:
    api = Api.from_wire(load_spec().to_wire())
    questions = rows(photos, name)[::3]
    understood = list(read(questions))
    assert len(understood) / len(questions) >= 0.99
    for one in understood:
        assert examine(one.program.source, api).findings == (), one.row["question"]


@pytest.mark.parametrize("name", FILES)
def test_only_questions_about_the_scene_are_handed_on_whole(photos: Path, name: str) -> None:
    for one in read(rows(photos, name)):
        if not isinstance(one.form.query, AskScene):
            assert ".find(" in one.program.source, one.row["question"]


@pytest.mark.parametrize("name", FILES)
def test_hardly_a_word_of_a_question_is_without_a_part(photos: Path, name: str) -> None:
    understood = list(read(rows(photos, name)))
    assert sum(bool(one.form.unparsed) for one in understood) / len(understood) <= 0.01


def test_the_expected_kind_of_answer_is_that_of_the_known_one(photos: Path) -> None:
    understood = list(read(rows(photos, FILES[0])))
    agreeing = sum(one.program.answer_kind == kind(one.row) for one in understood)
    assert agreeing / len(understood) >= 0.99
