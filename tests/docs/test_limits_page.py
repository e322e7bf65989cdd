"""docs/reference/limits.md against the code: its numbers are those of the constants."""

from pathlib import Path

import pytest

from viper.generate import prompt
from viper.methods import image_patch, matching
from viper.models import request_limits
from viper.scheduling import metrics
from viper_sandbox import Limits, findings
from viper_sandbox.limits import MAX_ARGUMENT_VALUES

PAGE = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("beginning", "number"),
    [
        ("| names of objects", request_limits.PHRASE_CHARACTERS),
        ("| questions of `simple_query`", request_limits.QUESTION_CHARACTERS),
        ("| prompts of `llm_query`", request_limits.PROMPT_CHARACTERS),
        ("| any text for a language model", request_limits.LONGEST_PROMPT_CHARACTERS),
        ("| texts for a method of a module", request_limits.text_characters("reader")),
        ("| the question of the user", request_limits.QUESTION_CHARACTERS),
        ("| each answer to choose from", request_limits.PHRASE_CHARACTERS),
        ("| each answer to choose from, at most ", request_limits.MOST_CHOICES),
        ("| values in one argument", MAX_ARGUMENT_VALUES),
        ("| values in all calls", Limits().values),
        ("Equal patches in a list", matching._SLICE),
        ("number of its patches. An answer keeps", metrics.MOST_ARRAY_BYTES // 1_000_000),
        ("| a message of a failure", findings._MAX_MESSAGE),
        ("| a message of a failure", findings._KEPT_END),
        ("| the messages of several findings", findings._MAX_JOINED),
        ("| findings of a program", findings.MAX_FINDINGS),
        ("| findings of a program", findings.MAX_NOTES),
        ("| a failed program in the prompt", prompt._SOURCE_CHARACTERS),
        ("| a reply of an answerer", image_patch._LONGEST_REPLY_CHARACTERS),
    ],
)
def test_the_page_has_the_numbers_of_the_code(beginning, number):
    (line,) = [line for line in PAGE.splitlines() if line.startswith(beginning)]
    assert f"{number:,}" in line
