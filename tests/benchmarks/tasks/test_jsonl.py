from __future__ import annotations

import json

import pytest

from fakes import bench
from viper import Engine
from viper.errors import InputError
from viper_benchmarks.tasks.jsonl import JsonlSamples


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
    vqa, grounding = JsonlSamples(write(tmp_path, VQA, "", GROUNDING))
    assert (vqa.id, vqa.task, vqa.answer, vqa.choices) == ("7", "vqa", "no", ("yes", "no"))
    assert vqa.image == tmp_path / "a/cat.jpg"
    assert (grounding.task, grounding.box_xyxy) == ("grounding", (1.0, 2.0, 3.0, 4.0))


def test_a_null_box_means_that_nothing_fits(tmp_path):
    (row,) = JsonlSamples(write(tmp_path, {**GROUNDING, "box_xyxy": None}))
    assert row.box_xyxy is None


def test_a_file_can_be_read_again_and_again(tmp_path):
    samples = JsonlSamples(write(tmp_path, VQA, GROUNDING))
    assert len(samples) == 2
    assert list(samples) == list(samples)


def test_several_annotators_may_answer(tmp_path):
    (row,) = JsonlSamples(write(tmp_path, {**VQA, "answers": ["no", "no", "yes"]}))
    assert row.answers == ("no", "no", "yes")


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
        ({**VQA, "choices": "yes"}, r"'choices' must be a list, but got str"),
        ({**VQA, "program": 3}, r"'program' must be a text, but got int"),
        ({**VQA, "answer": None}, r"but no 'answer'"),
        (
            '{"id": 1, "image": "x", "query": "q", "box_xyxy": [1, 2, NaN, 4]}',
            r"holds NaN, which is not JSON",
        ),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(tmp_path, row, complaint):
    with pytest.raises(InputError, match=complaint):
        JsonlSamples(write(tmp_path, row))


@pytest.mark.parametrize(
    ("given", "text"),
    [(True, "yes"), (False, "no"), (2.0, "2"), (2, "2"), (-3.0, "-3"), (0.5, "0.5"), (-0.0, "0"),
     (1e300, "1e+300"), ("True", "True"), ("2.0", "2.0")],
)  # fmt: skip
def test_answers_that_are_no_texts_are_what_a_program_would_answer(tmp_path, given, text):
    row = {**VQA, "choices": [], "answer": given, "answers": [given, "no"]}
    (sample,) = JsonlSamples(write(tmp_path, row))
    assert (sample.answer, sample.answers) == (text, (text, "no"))


@pytest.mark.parametrize(
    ("choices", "text"),
    [(["yes", "no"], "yes"), (["True", "False"], "True"), (["true", "yes"], "yes"), (["a"], "yes"),
     ([True, False], "yes")],
)  # fmt: skip
def test_true_is_spelled_like_the_choice_that_says_it(tmp_path, choices, text):
    (sample,) = JsonlSamples(write(tmp_path, {**VQA, "choices": choices, "answer": True}))
    assert sample.answer == text


def test_a_program_that_answers_true_is_right_where_the_row_says_true(tmp_path):
    rows = [{**VQA, "id": n, "image": "a.png", "choices": [], "answer": answer,
             "program": f"def execute_command(image):\n    return {answer!r}"}
            for n, answer in enumerate((True, False, 2.0, 7))]  # fmt: skip
    file = bench.folder(tmp_path, rows)
    with Engine("stub") as engine:
        assert bench.score(file, engine)["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"answer": ["cat", "dog"]}, "'answer' must be one answer, but got a list.*in 'answers'"),
        ({"answer": []}, "'answer' must be one answer"),
        ({"answer": {"text": "cat"}}, "'answer' must be a text, number or boolean, but got dict"),
        ({"answers": ["cat", ["dog"]]}, "an entry of 'answers' must be .* but got list"),
        ({"answers": ["cat", None]}, "an entry of 'answers' must be .* but got NoneType"),
        ({"choices": [["cat"]]}, "an entry of 'choices' must be .* but got list"),
        ({"tags": [{}]}, "an entry of 'tags' must be .* but got dict"),
    ],
)
def test_what_is_no_answer_is_refused_with_its_line(tmp_path, more, complaint):
    with pytest.raises(InputError, match=rf"rows.jsonl:1: {complaint}"):
        JsonlSamples(write(tmp_path, {**VQA, **more}))


def test_a_repeated_id_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"rows.jsonl:2: the id '7' occurs twice"):
        JsonlSamples(write(tmp_path, VQA, VQA))


def test_a_missing_or_empty_file_says_what_it_should_hold(tmp_path):
    with pytest.raises(InputError, match="one object per line"):
        JsonlSamples(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="contains no samples"):
        JsonlSamples(write(tmp_path, ""))


def test_a_malformed_row_at_the_end_is_found_before_anything_is_asked(tmp_path):
    with pytest.raises(InputError, match=r"rows.jsonl:3 is not JSON"):
        JsonlSamples(write(tmp_path, VQA, GROUNDING, "{"))


def test_bytes_that_are_no_utf8_are_refused_with_their_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": "\xff"}')
    with pytest.raises(
        InputError, match=r"rows.jsonl:1 is not JSON: it is not UTF-8 text at byte 8"
    ):
        JsonlSamples(path)


@pytest.mark.parametrize("name", ["id", "image", "query"])
@pytest.mark.parametrize("wrong", [True, False, 1.5, [1], None], ids=str)
def test_names_are_texts_or_whole_numbers(tmp_path, name, wrong):
    with pytest.raises(InputError, match=f"has no '{name}'"):
        JsonlSamples(write(tmp_path, VQA | {name: wrong}))
