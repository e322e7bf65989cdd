from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import bench, true_scenes
from viper import Engine
from viper.cli import cli
from viper_benchmarks.baselines import Baselines, Prior
from viper_benchmarks.run_folder import read_rows
from viper_benchmarks.scorer import Scorer


def rows_of(tmp_path, rows, *options):
    """Score rows with baselines; return the report, and the rows by id."""
    output = tmp_path / "out"
    data = bench.folder(tmp_path, rows)
    arguments = [
        "bench",
        "jsonl",
        "--data",
        str(data),
        "--baselines",
        "--json",
        "--output",
        str(output),
    ]
    result = CliRunner().invoke(cli, [*arguments, *options])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), {row.id: row for row in read_rows(output / "samples.jsonl")}


@pytest.fixture
def stubbed(tmp_path):
    return rows_of(tmp_path, bench.ROWS, "--models", "stub")


def test_the_commonest_answer_is_counted_over_the_samples_that_are_scored(stubbed):
    report, rows = stubbed
    # "no" is right twice, "3" and "yes" once.
    assert rows["wrong"].baselines["commonest"].prediction == "no"
    assert rows["wrong"].baselines["commonest"].correct
    assert report["baselines"]["commonest"]["accuracy"] == pytest.approx(2 / 3, abs=1e-3)


def test_a_sample_whose_picture_cannot_be_read_has_no_baselines(stubbed):
    assert stubbed[1]["gone"].baselines == {}


@pytest.mark.parametrize(
    ("choices", "expected"), [((), "no"), (("Yes", "maybe"), "Yes"), (("red", "blue"), "red")]
)
def test_with_choices_the_commonest_is_one_of_them(choices, expected):
    assert Prior(("no", "3", "yes")).commonest(choices) == expected


def test_single_models_answer_the_question_as_it_stands(stubbed):
    _, rows = stubbed
    assert rows["count"].baselines["answerer"].prediction == "stub"
    boxes = {name: result.box_xyxy for name, result in rows["box"].baselines.items()}
    assert boxes["detector"] == boxes["matcher"] == (0.0, 0.0, 30.0, 80.0)


def test_a_matcher_chooses_among_the_choices(tmp_path):
    row = {**bench.ROWS[0], "choices": ["5", "3"]}
    _, rows = rows_of(tmp_path, [row], "--models", "stub")
    assert rows["count"].baselines["matcher"].prediction == "5"  # the stub takes the first


def test_the_ceiling_is_the_box_nearest_to_the_right_one(tmp_path):
    row = {**bench.ROWS[4], "box_xyxy": [58, 0, 90, 80]}
    report, rows = rows_of(tmp_path, [row], "--models", "stub")
    ceiling = rows["box"].baselines["ceiling"]
    assert ceiling.box_xyxy == (60.0, 0.0, 90.0, 80.0)
    assert ceiling.correct
    assert not rows["box"].correct
    assert (report["found"]["n"], report["found"]["value"]) == (1, 0.0)


def test_the_random_box_is_the_same_in_every_run(stubbed, tmp_path_factory):
    _, rows = stubbed
    _, again = rows_of(tmp_path_factory.mktemp("again"), bench.ROWS, "--models", "stub")
    assert rows["box"].baselines["random"] == again["box"].baselines["random"]
    assert rows["box"].baselines["random"].box_xyxy is not None


def test_where_nothing_fits_no_box_is_the_ceiling(stubbed):
    assert stubbed[1]["none"].baselines["ceiling"].correct


def test_a_blind_program_gets_a_gray_image(tmp_path):
    data = true_scenes.picture(tmp_path / "cubes.png")
    row = {"id": "1", "image": "cubes.png", "query": "How many cubes are there?", "answer": "0"}
    assert data
    _, rows = rows_of(tmp_path, [row], "--models", "builtin", "--best-effort")
    blind = rows["1"].baselines["blind"]
    assert blind.failure is None
    assert blind.prediction == "0"


def test_a_baseline_without_its_role_is_omitted_with_the_reason(tmp_path):
    with Engine("none", backends={"detector": "stub"}) as engine:
        baselines = Baselines(engine, Scorer(), Prior(("no",)))
        assert baselines.omitted() == {"matcher": "no matcher", "answerer": "no answerer"}
    with Engine("none", backends={"detector": "stub", "matcher": "colors"}) as engine:
        baselines = Baselines(engine, Scorer(), Prior(("no",)))
        assert baselines.omitted()["matcher"] == "no matcher"


def test_the_oracle_is_never_blind(tmp_path):
    scenes = true_scenes.clevr(
        ("a.png", [true_scenes.clevr_object("small red metal cube", (0, 0, 30, 80))])
    )
    true_scenes.write(tmp_path / "scenes.json", scenes)
    row = {"id": "1", "image": "a.png", "query": "How many cubes are there?", "answer": "1"}
    report, rows = rows_of(tmp_path, [row], "--models", "truth:scenes.json")
    assert "blind" not in rows["1"].baselines
    assert "does not use the image" in report["baselines_left_out"]["blind"]


def test_a_closed_vocabulary_is_asked_for_all_its_classes(photos, tmp_path):
    weights = photos / "weights" / "yolox_nano.onnx"
    with Engine("none", backends={"detector": f"onnx:{weights}"}) as engine:
        baselines = Baselines(engine, Scorer(), Prior(()))
    assert "'person', 'bicycle'" in baselines._all_boxes
