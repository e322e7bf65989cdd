"""Check results as values: their JSON, and the sentence that counts them."""

from __future__ import annotations

import pytest

from viper.doctor import CheckResult
from viper.doctor.check_result import gigabytes, summary


def made(*levels):
    return [CheckResult("machine", level, "torch", "is not there") for level in levels]


def test_a_check_result_becomes_json_with_its_fix_or_null_also_under_its_old_name_cure():
    fixable = CheckResult("machine", "problem", "torch", "is not there", "pip install torch")
    assert fixable.to_json() == {
        "topic": "machine",
        "level": "problem",
        "title": "torch",
        "found": "is not there",
        "cure": "pip install torch",
        "fix": "pip install torch",
    }
    assert made("ok")[0].to_json()["cure"] is made("ok")[0].to_json()["fix"] is None


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ((), "No problems found."),
        (("ok", "note"), "No problems found."),
        (("warning", "ok"), "1 warning found."),
        (("warning", "problem", "problem"), "2 problems and 1 warning found."),
    ],
)
def test_the_summary_counts_problems_and_warnings(levels, sentence):
    assert summary(made(*levels)) == sentence


def test_gigabytes_are_billions_of_bytes():
    assert gigabytes(25_349_000_000) == "25.3 GB"
