from __future__ import annotations

import json
import subprocess
import sys

import pytest

from viper.backends.coco import COCO_CLASSES
from viper.errors import InputError
from viper_benchmarks.label_questions import label_questions
from viper_benchmarks.tasks.jsonl import JsonlSamples


@pytest.fixture
def labelled(tmp_path):
    (tmp_path / "labels").mkdir()
    lines = [f"{COCO_CLASSES.index(name)} 0.5 0.5 0.1 0.1" for name in ("person", "person", "skis")]
    (tmp_path / "labels" / "7.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_labelled_classes_are_asked_for_and_counted_and_as_many_others_asked_for(labelled):
    rows = list(label_questions(labelled))
    asked = {row["query"]: row["answer"] for row in rows if row["tags"] != ["not there"]}
    assert asked == {
        "Is there a person?": "yes", "How many people are there?": "2", "Are there any skis?": "yes",
    }  # fmt: skip
    others = [row for row in rows if row["tags"] == ["not there"]]
    assert len(others) == 2
    assert all(row["answer"] == "no" for row in others)
    assert not any("person" in row["query"] or "skis" in row["query"] for row in others)


def test_the_rows_are_those_of_the_task_jsonl_and_always_the_same(labelled):
    file = labelled / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in label_questions(labelled)))
    assert len(JsonlSamples(file)) == 5
    assert next(iter(JsonlSamples(file))).image == labelled / "images" / "7.jpg"
    assert list(label_questions(labelled)) == list(label_questions(labelled))


@pytest.mark.parametrize("line", ["80 0 0 1 1", "dog 0 0 1 1", "-1 0 0 1 1", ""])
def test_a_line_that_is_no_label_is_named(labelled, line):
    (labelled / "labels" / "8.txt").write_text(f"0 0 0 1 1\n{line}\n")
    with pytest.raises(InputError, match=r"8.txt':2 must begin with the index of a class"):
        list(label_questions(labelled))


def test_only_line_feeds_end_a_line_of_labels(labelled):
    (labelled / "labels" / "8.txt").write_text("0 0\u2028\x85\x0c1\ncat\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"8.txt':2 must begin"):
        list(label_questions(labelled))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [([], 2, "Give the folder"), (["nowhere"], 1, "There are no files 'nowhere/labels/*.txt'")],
)
def test_a_command_without_labels_says_what_to_give(arguments, status, message):
    command = [sys.executable, "-m", "viper_benchmarks.label_questions", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr.startswith(f"viper: {message}")


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(InputError, match="no files"):
        list(label_questions(tmp_path))
