"""The whole engine on real photographs, with a small real detector."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from viper import Engine
from viper.backends.coco import COCO_CLASSES
from viper.cli import cli
from viper.images.decoding import open_image

pytestmark = pytest.mark.photos


@pytest.fixture(scope="module")
def weights(photos):
    pytest.importorskip("onnxruntime")
    return photos / "weights" / "yolox_nano.onnx"


@pytest.fixture(scope="module")
def engine(weights):
    with Engine(backends={"detector": f"onnx:{weights}"}) as engine:
        yield engine


def count_people(output, size_wh, canvas=416, threshold=0.25, nms_iou=0.45):
    """Decode YOLOX's output (1, 3549, 85) from its published formula; return how many people."""
    offsets, strides = [], []
    for stride in (8, 16, 32):
        side = canvas // stride
        ys, xs = np.mgrid[0:side, 0:side]
        offsets.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((side * side, 1), stride))
    grid, stride = np.concatenate(offsets), np.concatenate(strides)
    rows = output[0].astype(np.float64)
    centres, sizes = (rows[:, :2] + grid) * stride, np.exp(rows[:, 2:4]) * stride
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    boxes /= min(canvas / size_wh[0], canvas / size_wh[1])
    boxes = boxes.clip(0, [size_wh[0], size_wh[1]] * 2)
    scores = rows[:, 4:5] * rows[:, 5:]
    mine = np.flatnonzero((scores[:, 0] >= threshold) & (scores.argmax(axis=1) == 0))
    kept: list[int] = []
    for index in sorted(mine, key=lambda i: -scores[i, 0]):
        x1, y1, x2, y2 = boxes[index]
        overlaps = []
        for other in kept:
            a1, b1, a2, b2 = boxes[other]
            shared = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
            overlaps.append(shared / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared))
        if all(overlap <= nms_iou for overlap in overlaps):
            kept.append(index)
    return len(kept)


def test_the_number_of_people_equals_an_independent_decode(photos, engine, weights):
    import onnxruntime

    assert COCO_CLASSES[0] == "person"
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    detector = engine._loop.run(engine.pool.backend("detector"))
    reported, expected = [], []
    for path in sorted((photos / "coco128" / "images").glob("*.jpg"))[::6][:20]:
        image = open_image(path)
        tensor = detector.format.prepare(image.pixels())[0][None]
        (output,) = session.run(None, {session.get_inputs()[0].name: tensor})
        expected.append(count_people(output, image.size))
        answer = engine.ask(path, "How many people are there?")
        reported.append(answer.value)
        assert len(answer.patches) == answer.value
    assert reported == expected
    assert sum(expected) > 20  # the photographs do show people


@pytest.mark.parametrize(
    ("task", "question"),
    [
        ("vqa", "Is there a person?"),
        ("vqa", "How many people are there?"),
        ("vqa", "Are there more people than cars?"),
        ("vqa", "Is there a dog and a cat?"),
        ("vqa", "Is there a dog or a person?"),
        ("vqa", "Are there no bicycles?"),
        ("vqa", "Is the person left of the car?"),
        ("vqa", "Is the cup on the table?"),
        ("vqa", "Is there a person behind the car?"),
        ("vqa", "Is it a cat or a dog?"),
        ("vqa", "How many people are next to the biggest car?"),
        ("vqa", "The person is to the right of the chair."),
        ("grounding", "leftmost person"),
        ("grounding", "the biggest person"),
        ("grounding", "second person from the right"),
        ("grounding", "person closest to the camera"),
        ("grounding", "the person between the two chairs"),
        ("grounding", "the cup next to the laptop"),
    ],
)
def test_the_best_effort_answers_what_a_detector_and_geometry_can_answer(
    photos, engine, task, question
):
    for path in sorted((photos / "coco128" / "images").glob("*.jpg"))[20:24]:
        answer = engine.ask(path, question, task=task, best_effort=True)
        assert answer.failure is None, answer.failure
        width, height = open_image(path).size
        for patch in answer.patches:
            x1, y1, x2, y2 = patch.box_xyxy
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
        # One for the whole question, and none if an earlier one has looked at the photograph.
        assert answer.trace.forwards in ({"detector": 1}, {})


@pytest.mark.parametrize("name", ["blink_spatial_dev", "vsr_dev", "refcocos_dev"])
def test_the_files_can_be_scored(photos, weights, name):
    result = CliRunner().invoke(
        cli,
        ["bench", "jsonl", "--data", str(photos / f"{name}.jsonl"), "--limit", "6", "--json",
         "--concurrency", "2", "--backend", f"detector=onnx:{weights}"],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["n"] == 6
    assert set(report["failures"]) <= {"model", "absent"}
    assert report["accuracy_ci95"][0] <= report["accuracy"] <= report["accuracy_ci95"][1]
