from __future__ import annotations

import json

import pytest

from viper.errors import InputError
from viper_benchmarks.jsonl import read_jsonl


def write(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


VQA = {"id": 7, "image": "a/cat.jpg", "query": "Is it?", "choices": ["yes", "no"], "answer": "no"}
GROUNDING = {
    "id": "8",
    "task": "grounding",
    "image": "b.jpg",
    "query": "dog",
    "box_xyxy": [1, 2, 3, 4],
}


def test_rows_are_read_with_images_relative_to_the_file(tmp_path):
    vqa, grounding = read_jsonl(write(tmp_path, VQA, "", GROUNDING))
    assert (vqa.id, vqa.task, vqa.answer, vqa.choices) == ("7", "vqa", "no", ("yes", "no"))
    assert vqa.image == tmp_path / "a/cat.jpg"
    assert (grounding.task, grounding.box_xyxy) == ("grounding", (1.0, 2.0, 3.0, 4.0))


def test_a_null_box_means_that_nothing_fits(tmp_path):
    (row,) = read_jsonl(write(tmp_path, {**GROUNDING, "box_xyxy": None}))
    assert row.box_xyxy is None


def test_the_limit_is_kept(tmp_path):
    assert len(read_jsonl(write(tmp_path, VQA, GROUNDING), limit=1)) == 1


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{not json", r"rows.jsonl:1 is not JSON: .* at column 2"),
        ("[1]", r"rows.jsonl:1 must be a JSON object, but got list"),
        ({**VQA, "query": None}, r"rows.jsonl:1 has no 'query'"),
        ({**VQA, "task": "caption"}, r"task must be 'vqa' or 'grounding', but got 'caption'"),
        ({"id": 1, "image": "x", "query": "q"}, r"has the task 'vqa' but no 'answer'"),
        ({**GROUNDING, "box_xyxy": [3, 2, 1, 4]}, r"box_xyxy must be \[x1, y1, x2, y2\]"),
        ({**GROUNDING, "box_xyxy": [1, 2, 3]}, r"box_xyxy must be"),
        ('{"id": 1, "image": "x", "query": "q", "box_xyxy": [1, 2, NaN, 4]}', r"box_xyxy must be"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(tmp_path, row, complaint):
    with pytest.raises(InputError, match=complaint):
        read_jsonl(write(tmp_path, row))


def test_a_repeated_id_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"rows.jsonl:2: the id '7' occurs twice"):
        read_jsonl(write(tmp_path, VQA, VQA))


def test_a_missing_or_empty_file_says_what_it_should_hold(tmp_path):
    with pytest.raises(InputError, match="one object a line"):
        read_jsonl(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="holds no samples"):
        read_jsonl(write(tmp_path, ""))
