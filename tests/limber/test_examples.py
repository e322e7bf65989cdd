from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from viper.errors import InputError
from viper.limber.examples import read_examples, views_of


@pytest.fixture
def file(tmp_path: Path):
    Image.new("RGB", (40, 30), (9, 9, 9)).save(tmp_path / "a.png")

    def write(*rows) -> Path:
        path = tmp_path / "captions.jsonl"
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def test_captions_and_questions_are_read(file, tmp_path: Path) -> None:
    path = file(
        {"image": "a.png", "caption": "a  dark\nsquare"},
        "",
        {"image": "a.png", "box_xyxy": [1, 2, 9, 8], "question": "What is it?", "answer": "a box",
         "options": ["a box", "a ball"], "split": "test"},
    )  # fmt: skip
    caption, question = read_examples(path)
    assert (caption.question, caption.text, caption.split) == (None, "a dark square", "train")
    assert question.image == tmp_path / "a.png"
    assert question.options == ("a box", "a ball")
    views = list(views_of([caption, question]))
    assert [view.box_xyxy for view in views] == [(0, 0, 40, 30), (1, 2, 9, 8)]
    assert views[0].image is views[1].image  # opened once


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", r"captions\.jsonl:1 is not JSON"),
        ([1], r"captions\.jsonl:1 must be a JSON object, but got list"),
        ({"image": "a.png"}, r"must have a 'caption', or a 'question' and an 'answer'"),
        ({"image": "a.png", "caption": "x", "question": "y", "answer": "z"}, r"must have a 'caption', or"),
        ({"image": "a.png", "caption": " "}, r"caption must be a text, but got ' '"),
        ({"image": 3, "caption": "x"}, r"image must be a text, but got 3"),
        ({"image": "a.png", "caption": "x", "colour": 1}, r"unknown key 'colour'\. Known: image, "),
        ({"image": "a.png", "caption": "x", "split": "dev"}, r"split must be 'train' or 'test', but got 'd"),
        ({"image": "a.png", "caption": "x", "options": "red"}, r"options must be a list of texts"),
        ({"image": "a.png", "caption": "x", "box_xyxy": [3, 0, 1, 5]}, r"box_xyxy must be \[x1"),
        ({"image": "a.png", "caption": "x", "box_xyxy": [0, 0, True, 5]}, r"box_xyxy must be \[x1"),
        ({"image": "a.png", "caption": "x", "split": "test"}, r"holds no rows to train on"),
    ],
)  # fmt: skip
def test_a_malformed_row_is_refused_with_its_line(file, row, complaint) -> None:
    with pytest.raises(InputError, match=complaint):
        read_examples(file(row))


def test_a_missing_file_is_told_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*one object a line"):
        read_examples(tmp_path / "nothing.jsonl")


def test_a_box_outside_of_its_picture_is_refused(file) -> None:
    examples = read_examples(file({"image": "a.png", "caption": "x", "box_xyxy": [50, 0, 60, 9]}))
    with pytest.raises(InputError, match=r"lies outside of .*a\.png', which is 40×30"):
        list(views_of(examples))
