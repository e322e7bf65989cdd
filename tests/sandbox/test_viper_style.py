"""Programs as ViperGPT's users and language models write them: accepted, and running."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from fakes.viper_style import programs
from viper_sandbox.examine import examine
from viper_sandbox.execute import Done, execute
from viper_sandbox.namespace import Printer
from viper_sandbox.program_session import ProgramSession

PROGRAMS = list(programs())
GIVEN = {"query": "What is there?", "possible_answers": ["a dog", "a cat"]}


@pytest.fixture
def run(api, image_ref, stub_result):
    """Run a text as a model wrote it; return the outcome, or the findings."""

    def run(text):
        def ask(name, receiver, arguments, line):
            if name.endswith("simple_query") and re.match(
                "how many|in what year", arguments[0], re.I
            ):
                return "about 1999"
            return stub_result(name, receiver, arguments)

        examined = examine(text, api, list(GIVEN))
        if examined.code is None:
            return examined.findings
        session = ProgramSession(
            api, image_ref, (image_ref.box_xyxy[2], image_ref.box_xyxy[3]), ask
        )
        return execute(examined, session, GIVEN, Printer(10_000), 1_000_000)

    return run


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_is_accepted_and_runs(run, program):
    assert isinstance(run(program.text), Done)


def test_there_are_hundreds_and_they_differ():
    assert len({program.text for program in PROGRAMS}) == len(PROGRAMS) >= 300


def test_a_language_models_programs_for_gqa_are_accepted_and_run(run):
    folder = os.environ.get("VIPER_TEST_DATA")
    path = Path(folder or "") / "programs" / "llm_gqa.jsonl"
    if not folder or not path.exists():
        pytest.skip("needs programs/llm_gqa.jsonl in $VIPER_TEST_DATA")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    outcomes = {row["id"]: run(row["completion"]) for row in rows}
    assert outcomes
    assert [id_ for id_, outcome in outcomes.items() if not isinstance(outcome, Done)] == []
