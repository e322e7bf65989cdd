from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import official
from viper.cli import cli
from viper.errors import InputError
from viper_benchmarks.tasks.gqa import GQA, read_gqa


def test_questions_are_read_with_their_pictures(tmp_path):
    first, second = read_gqa(official.gqa(tmp_path), "val")
    assert (first.id, first.query, first.answer) == ("05515938", "Is there a bus?", "yes")
    assert second.image == tmp_path / "images" / "900001.jpg"
    assert second.image.is_file()


def test_tags_are_the_types_the_kind_of_answer_and_the_hops(tmp_path):
    first, second = read_gqa(official.gqa(tmp_path), "val")
    assert first.tags == (
        "structural:verify", "semantic:obj", "detailed:existC", "answer:binary", "hops:2",
    )  # fmt: skip
    assert "answer:open" in second.tags


@pytest.mark.parametrize("split", ["val", "val_balanced"])
def test_a_split_without_a_suffix_is_the_balanced_one(tmp_path, split):
    assert len(read_gqa(official.gqa(tmp_path), split)) == 2


def test_all_questions_are_read_on_request(tmp_path):
    assert len(read_gqa(official.gqa(tmp_path, "testdev_all"), "testdev_all")) == 2


def test_all_of_train_is_a_folder_of_files(tmp_path):
    folder = official.gqa(tmp_path, "train_all")
    path = folder / "questions" / "train_all_questions.json"
    content = json.loads(path.read_text())
    path.unlink()
    for number, (key, value) in enumerate(content.items()):
        official.write_json(
            folder / "questions" / "train_all_questions" / f"train_all_questions_{number}.json",
            {key: value},
        )
    assert [sample.id for sample in read_gqa(folder, "train_all")] == ["05515938", "05515939"]


def test_scene_graphs_exist_for_val_but_not_for_testdev(tmp_path):
    folder = official.gqa(tmp_path)
    assert GQA.truth(folder, "val") == folder / "sceneGraphs" / "val_sceneGraphs.json"
    assert GQA.truth(folder, "val_all") == folder / "sceneGraphs" / "val_sceneGraphs.json"
    assert GQA.truth(folder, "testdev") is None


def test_a_missing_file_says_what_it_should_hold_and_where_it_comes_from(tmp_path):
    with pytest.raises(
        InputError, match=r"testdev_balanced_questions.json'.*'imageId'.*questions1.2.zip"
    ):
        read_gqa(tmp_path, "testdev")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"answer": None}, r"question '05515938' has no 'answer'.*--split testdev or val"),
        ({"imageId": 3}, r"has no 'imageId'"),
        ({"question": " "}, r"has no 'question'"),
    ],
)
def test_a_malformed_question_is_refused_with_its_id(tmp_path, more, complaint):
    with pytest.raises(InputError, match=complaint):
        read_gqa(official.gqa(tmp_path, **more), "val")


@pytest.mark.parametrize("content", ["[]", "{}", "3"])
def test_a_file_without_questions_is_refused(tmp_path, content):
    folder = official.gqa(tmp_path)
    (folder / "questions" / "val_balanced_questions.json").write_text(content)
    with pytest.raises(InputError, match=r"contains no (questions|JSON object)"):
        read_gqa(folder, "val")


def test_missing_images_are_refused_by_name_before_any_work(tmp_path):
    folder = official.gqa(tmp_path)
    image = folder / "images" / "900001.jpg"
    image.unlink()
    result = CliRunner().invoke(
        cli,
        ["bench", "gqa", "--data", str(folder), "--split", "val", "--models", "stub",
         "--output", str(tmp_path / "run")],
    )  # fmt: skip
    assert result.exit_code == 1
    assert f"1 of 1 images are missing: {str(image)!r}. They come from images.zip" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_questions_are_answered_by_the_best_effort_unless_the_user_says_otherwise(tmp_path):
    folder = official.gqa(tmp_path)
    command = [
        "bench",
        "gqa",
        "--data",
        str(folder),
        "--split",
        "val",
        "--models",
        "stub",
        "--json",
    ]
    by_default, without = (
        json.loads(CliRunner().invoke(cli, [*command, *more]).stdout)
        for more in ([], ["--no-best-effort"])
    )
    assert (by_default["best_effort"], without["best_effort"]) == (True, False)


def test_bench_answers_from_true_perception(tmp_path):
    result = CliRunner().invoke(
        cli,
        ["bench", "gqa", "--data", str(official.gqa(tmp_path)), "--split", "val", "--json",
         "--models", "truth:sceneGraphs/val_sceneGraphs.json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["n"], report["accuracy"]) == (2, 1.0)
    assert report["by_tag"]["hops:2"]["n"] == 2


def test_bench_attributes_errors_with_the_scene_graphs_of_the_split(tmp_path):
    result = CliRunner().invoke(
        cli,
        ["bench", "gqa", "--data", str(official.gqa(tmp_path)), "--split", "val", "--json",
         "--models", "stub", "--attribute-errors"],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    # The stub's bus is a third of the picture, and its colour "stub": truth in one role mends neither.
    assert report["accuracy"] == 0.5
    assert report["error_attribution"] == {"several": 1}


def test_without_scene_graphs_errors_cannot_be_attributed(tmp_path):
    folder = official.gqa(tmp_path, "testdev_balanced")
    (folder / "sceneGraphs" / "testdev_sceneGraphs.json").unlink()
    result = CliRunner().invoke(
        cli, ["bench", "gqa", "--data", str(folder), "--models", "stub", "--attribute-errors"]
    )
    assert result.exit_code == 1
    assert (
        "--attribute-errors needs the scenes of the images, but gqa testdev has no such file"
        in result.stderr
    )


def test_a_key_of_megabytes_is_cut_in_the_error(tmp_path):
    folder = official.gqa(tmp_path)
    path = folder / "questions" / "val_balanced_questions.json"
    official.write_json(path, {"k" * 3_000_000: {"question": 1}})
    with pytest.raises(InputError, match="question 'kkk") as caught:
        read_gqa(folder, "val")
    assert len(str(caught.value)) < 400
