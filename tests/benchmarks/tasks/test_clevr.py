from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import true_scenes
from viper.cli import cli
from viper.errors import InputError
from viper_benchmarks.tasks.clevr import CLEVR, read_clevr

SCENE = {"function": "scene", "inputs": []}
ROWS = [
    {"question": "How many cubes are there?", "answer": "1", "program": [SCENE, {"function": "count"}]},
    {"question": "Is there a green ball?", "answer": False, "program": [SCENE, {"type": "exist"}]},
    {"question": "How many things are there?", "answer": 4, "template_filename": "zero_hop.json"},
    {"question": "Are there more cubes than balls?", "answer": "no",
     "program": [{"function": "greater_than"}]},
]  # fmt: skip


def write(folder, rows=ROWS, split="val", **more):
    rows = [
        {"image_filename": "table.png", "image_index": 0, "question_index": index, "split": split}
        | row | more
        for index, row in enumerate(rows)
    ]  # fmt: skip
    path = folder / "questions" / f"CLEVR_{split}_questions.json"
    true_scenes.write(path, {"info": {}, "questions": rows})
    scenes = true_scenes.clevr(("table.png", true_scenes.TABLE))
    true_scenes.write(folder / "scenes" / f"CLEVR_{split}_scenes.json", scenes)
    true_scenes.picture(folder / "images" / split / "table.png")
    return folder


def test_answers_may_be_texts_numbers_and_truth_values(tmp_path):
    samples = read_clevr(write(tmp_path), "val")
    assert [sample.answer for sample in samples] == ["1", "no", "4", "no"]
    assert samples[0].image == tmp_path / "images" / "val" / "table.png"


def test_tags_are_the_question_type_and_the_template(tmp_path):
    samples = read_clevr(write(tmp_path), "val")
    tags = [
        ("count", "hops:0"),
        ("exist", "hops:0"),
        ("zero_hop.json",),
        ("compare_integer", "hops:0"),
    ]
    assert [sample.tags for sample in samples] == tags


def test_hops_are_the_relations_of_the_program(tmp_path):
    program = [SCENE, {"function": "relate"}, {"type": "relate"}, {"function": "count"}]
    rows = [{"question": "How many?", "answer": "1", "program": program}]
    (sample,) = read_clevr(write(tmp_path, rows), "val")
    assert "hops:2" in sample.tags


def test_the_scenes_of_a_split_are_found_for_true_perception(tmp_path):
    assert CLEVR.truth(write(tmp_path), "val") == tmp_path / "scenes" / "CLEVR_val_scenes.json"
    assert CLEVR.truth(tmp_path, "train") is None


def test_a_missing_file_names_the_path_and_what_it_should_hold(tmp_path):
    with pytest.raises(
        InputError, match=r"CLEVR_val_questions.json'.*--split.*a list 'questions'.*CLEVR_v1.0.zip"
    ):
        read_clevr(tmp_path, "val")


@pytest.mark.parametrize("content", ["[]", "{}", '{"questions": []}', '{"questions": 3}', "null"])
def test_a_file_without_questions_is_refused(tmp_path, content):
    true_scenes.write(tmp_path / "questions" / "CLEVR_val_questions.json", content)
    with pytest.raises(
        InputError, match=r"contains no (questions|JSON object).*\. It should contain"
    ):
        read_clevr(tmp_path, "val")


@pytest.mark.parametrize("content", ["", "{", "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_is_refused(tmp_path, content):
    true_scenes.write(tmp_path / "questions" / "CLEVR_val_questions.json", content)
    with pytest.raises(InputError, match="is not a JSON file"):
        read_clevr(tmp_path, "val")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ([1], r"question 0 must be an object, but got list"),
        ({"question": "Is it?"}, r"question 0 has no 'image_filename'"),
        ({"image_filename": "a.png", "question": 7}, r"question 0 has no 'question'"),
        (
            {"image_filename": "a.png", "question": "Is it?"},
            r"no 'answer': a split without answers",
        ),
    ],
)
def test_a_malformed_question_is_refused_with_its_position(tmp_path, row, complaint):
    path = tmp_path / "questions" / "CLEVR_val_questions.json"
    true_scenes.write(path, {"questions": [row]})
    with pytest.raises(InputError, match=complaint):
        read_clevr(tmp_path, "val")


def test_a_repeated_index_is_refused(tmp_path):
    with pytest.raises(InputError, match="question 1 repeats the question_index 3"):
        read_clevr(write(tmp_path, question_index=3), "val")


def test_an_image_outside_the_folder_is_not_reached(tmp_path):
    (sample, *_) = read_clevr(write(tmp_path, image_filename="../../../etc/passwd"), "val")
    assert sample.image == tmp_path / "images" / "val" / "passwd"


def test_bench_scores_the_split_with_scenes_relative_to_the_data(tmp_path):
    result = CliRunner().invoke(
        cli,
        ["bench", "clevr", "--data", str(write(tmp_path)), "--split", "val", "--json", "--models",
         "truth:scenes/CLEVR_val_scenes.json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["task"], report["n"], report["accuracy"]) == ("clevr", 4, 1.0)
    assert report["by_tag"]["count"]["accuracy"] == 1.0


def test_bench_says_in_one_line_what_is_missing(tmp_path):
    result = CliRunner().invoke(cli, ["bench", "clevr", "--data", str(tmp_path), "--split", "test"])
    assert result.exit_code == 1
    assert "CLEVR_test_questions.json" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_bench_says_how_many_samples_the_official_files_hold(tmp_path):
    arguments = ["bench", "clevr", "--data", str(write(tmp_path)), "--models", "stub"]
    result = CliRunner().invoke(cli, arguments)
    assert "the official files contain 149,991 samples, these 4." in result.stderr
    assert "official" not in CliRunner().invoke(cli, [*arguments, "--limit", "2"]).stderr
