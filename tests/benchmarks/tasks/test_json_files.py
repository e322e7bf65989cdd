"""Official JSON files are read whole, and others cannot fill the memory."""

from __future__ import annotations

import pytest

from viper.errors import InputError
from viper_benchmarks.tasks import json_files
from viper_benchmarks.tasks.json_files import Expected, Row

EXPECTED = Expected("an object", "nowhere")


def written(tmp_path, text):
    path = tmp_path / "questions.json"
    path.write_text(text)
    return path


def test_a_file_of_empty_lists_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    bomb = '{"a":[' + "[]," * 1_200_000 + "[]]}"
    with pytest.raises(InputError, match="it holds more than 1,000,000 values"):
        EXPECTED.json(written(tmp_path, bomb))
    monkeypatch.setattr(json_files, "_VALUES_OF_ANY_FILE", 10**9)  # the control
    assert len(EXPECTED.json(written(tmp_path, bomb))["a"]) == 1_200_001


def test_a_large_file_of_values_like_those_of_outlines_is_read(tmp_path, monkeypatch):
    """The densest part of an official file: the outlines of COCO's `instances.json`."""
    monkeypatch.setattr(json_files, "_VALUES_OF_ANY_FILE", 100)
    outline = ",".join(["239.97", "60.24", "510.66"] * 30)
    text = '{"annotations": [' + ", ".join(f'{{"segmentation":[[{outline}]]}}' for _ in range(200))
    assert len(EXPECTED.json(written(tmp_path, text + "]}"))["annotations"]) == 200


def test_a_text_is_bounded():
    assert Row({"a": "x" * 10_000}, "row 1").text("a")
    with pytest.raises(InputError, match=r"row 1 has a 'a' of 10,001 characters; 10,000 at most"):
        Row({"a": "x" * 10_001}, "row 1").text("a")
