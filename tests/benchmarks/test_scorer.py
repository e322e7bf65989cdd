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


@pytest.mark.parametrize(
    ("answers", "score", "correct"),
    [
        (("cat",), 1.0, True),  # one annotator gives the right answer
        (("cat", "cat"), 1 / 3, True),
        (("cat", "dog"), 1 / 6, True),
        (("dog", "dog"), 0.0, False),
        (("cat",) * 3, 2 / 3, True),
        (("cat", "dog", "dog"), 2 / 9, False),
        (("cat",) * 4, 1.0, True),
        (("cat", "dog", "dog", "dog"), 0.25, False),
    ],
)
def test_few_annotators_are_scored_by_the_same_formula(scores, answers, score, correct):
    result = scores(vqa("cat", answers=answers), "return 'cat'")
    assert result.score == pytest.approx(score)
    assert result.correct == correct


@pytest.mark.parametrize("metric", ["exact", "normalised", "vqa-soft", "viper-original"])
def test_composed_and_decomposed_letters_are_equal_by_every_metric(scores, metric):
    composed, apart = "caf\u00e9", "cafe\u0301"
    for right, answer in ((composed, apart), (apart, composed)):
        sample = vqa(right, answers=(right,) * 10)
        assert scores(sample, f"return {answer!r}").scores[metric] == 1.0
        if metric == "viper-original":
            assert scores(vqa(right), f"return {answer!r}").scores[metric] == 1.0


NOTHING = replace(GROUNDING, box_xyxy=None)


@pytest.mark.parametrize(("sample", "score"), [(NOTHING, 1.0), (GROUNDING, 0.0)])
def test_absent_is_the_answer_that_nothing_fits(scores, sample, score):
    result = scores(sample, "return absent('cup')")
    assert (result.failure, result.prediction) == (None, "no such object")
    assert (result.outcome, result.box_xyxy) == ("answered", None)
    assert (result.score, result.iou, result.scores["iou50"]) == (score, score, score)
    assert result.message == "No cup was found, so nothing can be said of it."


@pytest.mark.parametrize("body", ["unsure('Both fit.')", "return [][0]"])
def test_other_failures_are_no_answer_even_where_nothing_fits(scores, body):
    result = scores(NOTHING, body)
    assert (result.outcome, result.score, result.prediction) == ("no_answer", 0.0, None)


def test_a_question_about_what_is_absent_is_not_answered(scores):
    result = scores(vqa("red"), "return absent('cup').simple_query('What color?')")
    assert (result.failure, result.outcome, result.score) == ("absent", "no_answer", 0.0)


def test_a_row_says_what_the_answer_hangs_on_and_what_was_found(engine, image):
    sample = vqa("yes")
    answer = engine.run_program(
        "def execute_command(image):\n    return len(ImagePatch(image).find('cup')) > 2", image
    )
    row = Scorer().result(sample, answer)
    assert row.how == "program"
    assert len(row.found) == 3
    assert {box.category for box in row.found} == {"cup"}
    assert row.weakest is None or 0 <= row.weakest.margin <= 1


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
