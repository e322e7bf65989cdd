from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import official
from viper.cli import cli
from viper.errors import InputError
from viper_benchmarks.registry import load_task


def read(folder, name="vqav2", split="val"):
    return load_task(name).read(folder, split)


def test_questions_are_read_with_the_answers_of_all_annotators(tmp_path):
    first, second = read(official.vqa(tmp_path))
    assert (first.id, first.query) == ("297147000", "How many cups are there?")
    assert first.answers == ("3",) * 10
    assert (second.answer, second.answers.count("cup")) == ("unknown", 2)
    assert second.image == tmp_path / "val2014" / "COCO_val2014_000000297147.jpg"
    assert second.image.is_file()


def test_tags_are_the_types_of_question_and_answer(tmp_path):
    first, _ = read(official.vqa(tmp_path))
    assert first.tags == ("type:how many", "answer:number")


def test_okvqa_has_no_prefix_and_says_what_was_said_before_stemming(tmp_path):
    first, _ = read(official.vqa(tmp_path, prefix="", stemmed=True), "okvqa")
    assert first.answer == "3s"


def test_okvqa_names_its_types_of_questions_in_the_file(tmp_path):
    folder = official.vqa(tmp_path, prefix="")
    path = folder / "mscoco_val2014_annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["question_type"] = "one"
    path.write_text(
        json.dumps({**content, "question_types": {"one": "Vehicles and Transportation"}})
    )
    first, _ = read(folder, "okvqa")
    assert first.tags[0] == "type:Vehicles and Transportation"


@pytest.mark.parametrize(
    "name", ["v2_OpenEnded_mscoco_val2014_questions", "v2_mscoco_val2014_annotations"]
)
def test_a_missing_file_says_what_it_should_hold_and_where_it_comes_from(tmp_path, name):
    folder = official.vqa(tmp_path)
    (folder / f"{name}.json").unlink()
    with pytest.raises(InputError, match=rf"{name}.json'.*'question_id'.*visualqa.org"):
        read(folder)


def test_a_question_without_annotation_is_refused(tmp_path):
    folder = official.vqa(tmp_path)
    path = folder / "v2_mscoco_val2014_annotations.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"annotations": content["annotations"][:1]}))
    with pytest.raises(InputError, match="question 1 has the question_id 297147001, which"):
        read(folder)


def test_bench_scores_by_the_accuracy_of_vqa(tmp_path):
    arguments = [
        "bench",
        "vqav2",
        "--data",
        str(official.vqa(tmp_path)),
        "--models",
        "stub",
        "--json",
    ]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    # "3" of all ten annotators; the stub answers the other question with "stub".
    assert report["metrics"]["vqa-soft"]["value"] == report["accuracy"] == 0.5
    result = CliRunner().invoke(cli, [*arguments, "--metric", "exact"])
    assert json.loads(result.stdout)["accuracy"] == 0.5
