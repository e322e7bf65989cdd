from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes.bench import vqa
from viper import Engine
from viper.errors import InputError
from viper_benchmarks.sample import Sample
from viper_benchmarks.scorer import Scorer, grounding_iou


@pytest.fixture(scope="module")
def engine():
    with Engine("stub") as engine:
        yield engine


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "a.png"
    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def scores(engine, image):
    """Scores of what a program answers to a sample."""

    def score(sample, body, metric="default"):
        source = f"def execute_command(image):\n    {body}"
        answer = engine.run_program(source, image, task=sample.task, choices=sample.choices)
        return Scorer(metric).result(sample, answer)

    return score


GROUNDING = Sample("1", "grounding", Path("a.png"), "cup", box_xyxy=(0.0, 0.0, 30.0, 80.0))
LEFT = "return ImagePatch(image).find('cup')[0]"
ALL = "return ImagePatch(image).find('cup')"


def test_nothing_fits_is_right_only_without_a_patch():
    assert grounding_iou(None, None) == 1
    assert grounding_iou((0, 0, 1, 1), None) == 0
    assert grounding_iou(None, (0, 0, 1, 1)) == 0
    assert grounding_iou((0, 0, 2, 2), (0, 0, 2, 1)) == 0.5


def test_conventions_differ_and_are_all_reported(scores):
    found = scores(vqa("A dog"), "return 'dog.'").scores
    assert found == {"exact": 0.0, "normalised": 1.0, "viper-original": 0.0}
    # ViperGPT normalises the prediction only.
    assert scores(vqa("dog"), "return 'The dog.'").scores["viper-original"] == 1.0


def test_the_metric_decides_what_is_correct(scores):
    assert scores(vqa("A dog"), "return 'dog'").correct
    assert not scores(vqa("A dog"), "return 'dog'", "exact").correct


def test_a_failure_scores_nothing_except_by_the_original_convention(scores):
    result = scores(vqa("no"), "return [][0]")
    assert result.failure == "runtime"
    assert (result.score, result.correct) == (0.0, False)
    # There, no result is the answer "no".
    assert result.scores == {"exact": 0.0, "normalised": 0.0, "viper-original": 1.0}


@pytest.mark.parametrize(
    ("body", "answer"),
    [("return True", "yes"), ("return []", "no"), ("return ['cup', 'dog']", "cup"), ("return 3", "3"),
     ("return None", "no"), ("return 'True'", "yes"), ("return 'two'", "2")],
)  # fmt: skip
def test_the_original_convention_reads_values_in_its_own_way(scores, body, answer):
    assert scores(vqa(answer), body).scores["viper-original"] == 1.0


def test_several_annotators_are_scored_by_the_accuracy_of_vqa(scores):
    sample = vqa("cup", answers=("cup",) * 2 + ("mug",) * 8)
    result = scores(sample, "return 'cup'")
    assert result.score == result.scores["vqa-soft"] == pytest.approx(0.6)
    assert result.scores["normalised"] == 1.0  # with the answer that is given as the right one


def test_boxes_are_scored_at_both_thresholds(scores):
    wide = replace(GROUNDING, box_xyxy=(0.0, 0.0, 50.0, 80.0))
    result = scores(wide, LEFT)
    assert result.iou == pytest.approx(0.6)
    assert result.scores["iou50"] == 1.0
    assert result.scores["iou70"] == 0.0


def test_the_original_convention_gives_nothing_for_a_list_of_patches(scores):
    assert scores(GROUNDING, LEFT).scores["viper-original"] == 1.0
    assert scores(GROUNDING, ALL).scores["iou50"] == 1.0
    assert scores(GROUNDING, ALL).scores["viper-original"] == 0.0


def test_the_original_convention_answers_a_constant_box_where_there_is_none(scores):
    # (50.9, 39.1, 493.5, 356.5) with y up, in a picture of 80 pixels: y from -276.5 to 40.9.
    sample = replace(GROUNDING, box_xyxy=(50.9, -276.5, 493.5, 40.9))
    for body in ("return None", "return [][0]"):
        result = scores(sample, body)
        assert result.scores["viper-original-iou"] == pytest.approx(1.0)
        assert result.score == 0.0


def test_a_picture_is_named_relative_to_the_data():
    sample = replace(vqa(), image=Path("/data/pictures/a.png"))
    failure = type("F", (), {"kind": "input", "message": "gone"})
    assert Scorer(data_folder=Path("/data")).failed(sample, failure).image == "pictures/a.png"
    assert (
        Scorer(data_folder=Path("/other")).failed(sample, failure).image == "/data/pictures/a.png"
    )


@pytest.mark.parametrize("metric", ["iou50", "iou70"])
def test_a_metric_of_another_task_is_refused(metric):
    with pytest.raises(
        InputError, match=r"does not fit sample '1' of the task vqa. Fitting: exact"
    ):
        Scorer(metric).check(vqa())


def test_the_accuracy_of_vqa_needs_several_annotators():
    with pytest.raises(InputError, match="needs the answers of several annotators"):
        Scorer("vqa-soft").check(vqa())
