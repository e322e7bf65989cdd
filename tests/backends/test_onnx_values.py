"""Graphs with the shape of YOLOX and another meaning are recognized or refused, never misread."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes import rewired_onnx
from fakes.rewired_onnx import rewired
from viper.backends.onnx_formats import recognise
from viper.backends.onnx_values import probe_image, settled
from viper.errors import ConfigError, ModelError
from viper.images.image import ImageRef, View
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import DetectRequest

SIDE = 416
CLASSES = 7


def load(path: Path, query: str = "") -> object:
    return open_backend(BackendRef.parse("detector", f"onnx:{path}?{query}"))


@pytest.fixture(scope="module")
def weights(photos: Path) -> Path:
    return photos / "weights" / "yolox_nano.onnx"


@pytest.fixture(scope="module")
def photo(photos: Path) -> View:
    path = sorted((photos / "coco128" / "images").rglob("*.jpg"))[0]
    pixels = np.asarray(Image.open(path).convert("RGB"))
    height, width = pixels.shape[:2]
    image = ImageRef(path.name, (width, height), load=lambda: pixels)
    return View(image, (0.0, 0.0, float(width), float(height)))


def found(detector: object, photo: View) -> list[tuple[str, list[float]]]:
    """Return what a detector finds, best first: each class with its score and box, rounded."""
    (detections,) = detector.detect([DetectRequest(photo, ())])
    return [(one.phrase, [round(n, 1) for n in (one.score, *one.box_xyxy)]) for one in detections]


@pytest.mark.photos
@pytest.mark.parametrize("meaning", ["decoded", "corners"])
def test_boxes_in_pixels_are_recognized(
    meaning: str, weights: Path, photo: View, tmp_path: Path
) -> None:
    right = load(weights)
    other = load(rewired(weights, tmp_path / "other.onnx", after=getattr(rewired_onnx, meaning)))
    assert found(right, photo)
    assert found(other, photo) == found(right, photo)
    assert other.fingerprint != right.fingerprint


@pytest.mark.photos
@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        ("top_left", "a corner and a size in place of a center"),
        ("shares", "in shares of the picture"),
        ("rows_first", "the row before the column"),
        ("plain_sizes", "no logarithms"),
        ("logits", "no probabilities from 0 to 1"),
        ("softmax", "sum up to 1"),
        ("multiplied", "never below the score of a class"),
        ("no_objectness", "no objectness"),
    ],
)
def test_outputs_of_another_meaning_are_refused(
    meaning: str, message: str, weights: Path, tmp_path: Path
) -> None:
    path = rewired(weights, tmp_path / "other.onnx", after=getattr(rewired_onnx, meaning))
    with pytest.raises(ConfigError, match=message):
        load(path)


@pytest.mark.photos
@pytest.mark.parametrize("kind", ["rgb1", "bgr1", "imagenet"])
def test_another_input_is_refused_and_can_be_named(
    kind: str, weights: Path, photo: View, tmp_path: Path
) -> None:
    path = rewired(weights, tmp_path / "other.onnx", before=getattr(rewired_onnx, f"takes_{kind}"))
    with pytest.raises(ConfigError, match=f"input={kind}"):
        load(path)
    assert found(load(path, f"input={kind}"), photo) == found(load(weights), photo)


@pytest.mark.photos
def test_the_order_of_the_channels_can_be_named(weights: Path, photo: View, tmp_path: Path) -> None:
    path = rewired(weights, tmp_path / "other.onnx", before=rewired_onnx.takes_rgb255)
    assert found(load(path, "input=rgb255"), photo) == found(load(weights), photo)


@pytest.mark.photos
@pytest.mark.parametrize("query", ["input=rgb1", "input=bgr1", "input=imagenet", "decoded=true"])
def test_options_that_the_values_contradict_are_refused(query: str, weights: Path) -> None:
    with pytest.raises(ConfigError, match=r"next to nothing|not in pixels"):
        load(weights, query)


@pytest.mark.photos
def test_scores_that_are_all_nan_are_an_error(weights: Path, photo: View, tmp_path: Path) -> None:
    detector = load(rewired(weights, tmp_path / "nan.onnx", after=rewired_onnx.not_a_number))
    with pytest.raises(ModelError, match="NaN or infinity"):
        detector.detect([DetectRequest(photo, ())])


@pytest.mark.photos
@pytest.mark.parametrize("name", ["yolox_nano.onnx", "nanodet_m.onnx"])
def test_the_authors_own_exports_are_accepted(name: str, photos: Path) -> None:
    assert load(photos / "weights" / name)


def outputs(**changed: np.ndarray) -> np.ndarray:
    """Outputs as of a trained YOLOX in a picture without objects, (1, cells, 5 + classes)."""
    random = np.random.default_rng(1)
    cells = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
    parts = {
        "centers": random.normal(0.5, 0.7, (1, cells, 2)),
        "sizes": random.normal(1.7, 0.6, (1, cells, 2)),
        "objectness": random.beta(0.2, 60, (1, cells, 1)),
        "classes": random.beta(2, 5, (1, cells, CLASSES)),
    }
    return np.concatenate([*{**parts, **changed}.values()], axis=2).astype(np.float32)


def settled_from(values: np.ndarray, **options: object) -> object:
    format_ = recognise((SIDE, SIDE), [values.shape], **options)
    return settled(format_, lambda batch: [values], where="'a.onnx'")


def test_offsets_are_the_usual_meaning() -> None:
    assert settled_from(outputs()).layout == "offsets"


def test_a_picture_that_fills_many_cells_is_no_reason_to_refuse() -> None:
    many = np.full((1, outputs().shape[1], 1), 0.3)
    assert settled_from(outputs(objectness=many, classes=many + 0.4)).layout == "offsets"


@pytest.mark.parametrize("low_and_high", [(-3.0, 2.0), (0.0, 255.0)])
def test_scores_outside_of_0_to_1_are_refused(low_and_high: tuple[float, float]) -> None:
    low, high = low_and_high
    random = np.random.default_rng(2)
    scores = random.uniform(low, high, (1, outputs().shape[1], CLASSES))
    with pytest.raises(ConfigError, match=r"'a\.onnx' has the shape of yolox"):
        settled_from(outputs(classes=scores))


def test_the_same_is_asked_of_nanodet() -> None:
    shapes = [(1, (SIDE // s) ** 2, n) for n in (CLASSES, 32) for s in (8, 16, 32)]
    format_ = recognise((SIDE, SIDE), shapes)
    random = np.random.default_rng(3)

    def run(low: float, high: float) -> list[np.ndarray]:
        return [random.uniform(low, high, shape).astype(np.float32) for shape in shapes]

    assert settled(format_, lambda batch: run(0, 1), where="x") == format_
    with pytest.raises(ConfigError, match="no probabilities"):
        settled(format_, lambda batch: run(-4, 1), where="x")


def test_a_graph_that_fails_is_left_to_its_first_request() -> None:
    def fail(batch: np.ndarray) -> list[np.ndarray]:
        raise ModelError("NaN")

    format_ = recognise((SIDE, SIDE), [outputs().shape])
    assert settled(format_, fail, where="x") == format_
    assert dataclasses.is_dataclass(format_)


def test_the_picture_is_the_same_each_time_and_has_contrast() -> None:
    picture = probe_image(60, 40)
    np.testing.assert_array_equal(picture, probe_image(60, 40))
    assert picture.shape == (40, 60, 3)
    assert picture.std() > 20
