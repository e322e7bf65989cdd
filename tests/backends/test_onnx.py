from __future__ import annotations

import ast
import os
import sys
import time
import timeit

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data
from PIL import Image

from fakes import tiny_onnx
from viper.backends import onnx as onnx_backend
from viper.backends.coco import COCO_CLASSES
from viper.backends.onnx_session import open_session
from viper.errors import ConfigError
from viper.images.boxes import iou, nms
from viper.images.image import ImageRef, View
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import DetectRequest


def load(path, query=""):
    return open_backend(BackendRef.parse("detector", f"onnx:{path}?{query}"))


def picture(width, height, blue_xyxy=None):
    """Black, with one rectangle of pure blue."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    if blue_xyxy is not None:
        x1, y1, x2, y2 = blue_xyxy
        pixels[y1:y2, x1:x2, 2] = 255
    name = f"{width}x{height}{blue_xyxy}"
    image = ImageRef(name, (width, height), load=lambda: pixels)
    return View(image, (0.0, 0.0, float(width), float(height)))


def detect(detector, *views):
    return detector.detect([DetectRequest(one, ()) for one in views])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="module")
def names(folder):
    path = folder / "names.txt"
    path.write_text("sky\nsea\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def yolox(folder, names):
    return load(tiny_onnx.yolox(folder / "yolox.onnx"), f"classes={names}&score_threshold=0.9")


@pytest.fixture(scope="module")
def nanodet(folder, names):
    return load(tiny_onnx.nanodet(folder / "nanodet.onnx"), f"classes={names}&score_threshold=0.9")


def test_yolox_decodes_a_box_of_one_cell_in_pixels_of_the_crop(yolox):
    (found,) = detect(yolox, picture(64, 64, (16, 24, 24, 32)))
    assert [(d.box_xyxy, d.phrase) for d in found] == [((16.0, 24.0, 24.0, 32.0), "sky")]
    assert found[0].score == pytest.approx(1.0)


def test_yolox_puts_the_crop_at_the_top_left_and_scales_boxes_back(yolox):
    # 128×32 shrinks by two to 64×16: the cell (32, 8)–(40, 16) is (64, 16)–(80, 32) of the crop.
    (found,) = detect(yolox, picture(128, 32, (64, 16, 80, 32)))
    assert [d.box_xyxy for d in found] == [(64.0, 16.0, 80.0, 32.0)]


def test_yolox_enlarges_small_crops(yolox):
    (found,) = detect(yolox, picture(8, 8, (0, 0, 8, 8)))
    assert len(found) == 64
    assert {d.box_xyxy for d in found} >= {(0.0, 0.0, 1.0, 1.0), (7.0, 7.0, 8.0, 8.0)}


def test_yolox_sees_grey_where_the_crop_does_not_reach(folder, names):
    path = tiny_onnx.yolox(folder / "grey.onnx")
    detector = load(path, f"classes={names}&score_threshold=0.4")
    # Objectness of the grey is 114 / 255, but its boxes lie beyond the crop.
    assert detect(detector, picture(64, 16)) == [[]]


def test_nanodet_decodes_a_box_of_one_cell_in_pixels_of_the_crop(nanodet):
    (found,) = detect(nanodet, picture(64, 64, (16, 24, 24, 32)))
    assert [(d.box_xyxy, d.phrase) for d in found] == [((16.0, 24.0, 24.0, 32.0), "sky")]


def test_nanodet_puts_the_crop_in_the_middle(nanodet):
    # 64×16 lies at rows 24 … 40 of the canvas.
    (found,) = detect(nanodet, picture(64, 16, (8, 8, 16, 16)))
    assert [d.box_xyxy for d in found] == [(8.0, 8.0, 16.0, 16.0)]


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (1, 64)], ids=str)
def test_crops_of_extreme_shape_are_served(folder, names, nanodet, size):
    # One blue column of a cell, the rest grey: objectness 0.5.
    detector = load(tiny_onnx.yolox(folder / "thin.onnx"), f"classes={names}&score_threshold=0.5")
    one_view = picture(*size, (0, 0, *size))
    (found,) = detect(detector, one_view)
    assert found
    for detection in found:
        x1, y1, x2, y2 = detection.box_xyxy
        assert 0 <= x1 < x2 <= size[0]
        assert 0 <= y1 < y2 <= size[1]
    assert len(detect(nanodet, one_view)) == 1


@pytest.mark.parametrize("batch", [1, "batch", 2], ids=["one", "any", "two"])
def test_a_batch_gives_what_its_requests_give_one_by_one(folder, names, batch):
    path = tiny_onnx.yolox(folder / f"batch_{batch}.onnx", batch=batch)
    detector = load(path, f"classes={names}&score_threshold=0.9")
    views = [picture(64, 64, (8 * n, 0, 8 * n + 8, 8)) for n in range(3)]
    together = detect(detector, *views)
    assert [found[0].box_xyxy for found in together] == [
        (0.0, 0.0, 8.0, 8.0),
        (8.0, 0.0, 16.0, 8.0),
        (16.0, 0.0, 24.0, 8.0),
    ]
    assert together == [detect(detector, one)[0] for one in views]
    assert detect(detector) == []


def test_pixels_are_read_from_the_box_of_a_view(yolox):
    whole = picture(200, 100, (120, 40, 128, 48)).image
    (found,) = detect(yolox, View(whole, (104.0, 24.0, 168.0, 88.0)))
    assert [d.box_xyxy for d in found] == [(16.0, 16.0, 24.0, 24.0)]


def test_a_free_input_size_is_640_unless_it_is_given(folder, names):
    path = tiny_onnx.yolox(folder / "free.onnx", side="free")
    assert "size=640x640" in load(path, f"classes={names}").fingerprint
    small = load(path, f"classes={names}&size=96&score_threshold=0.9")
    (found,) = detect(small, picture(96, 96, (80, 80, 88, 88)))
    assert [d.box_xyxy for d in found] == [(80.0, 80.0, 88.0, 88.0)]


def declared(path, shape):
    """A graph of a few bytes that declares the shape of its images, and answers nothing."""
    images, output = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("images", "out")
    )
    graph = helper.make_graph(
        [helper.make_node("Identity", ["images"], ["out"])], "g", [images], [output]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ((1, 3, 40_000, 40_000), "with the height 40,000; a detector takes 1 to 4,096"),
        ((1, 3, 64, 4_097), "with the width 4,097"),
        ((1, 3, 0, 64), "with the height 0"),
        ((10**9, 3, 64, 64), "with the batch 1,000,000,000; a detector takes 1 to 64"),
        ((65, 3, 64, 64), "with the batch 65"),
    ],
)
def test_a_shape_that_no_detector_has_is_refused_at_once(folder, shape, complaint):
    path = declared(folder / "large.onnx", shape)
    assert path.stat().st_size < 300
    started_s = time.process_time()
    with pytest.raises(ConfigError, match=complaint):
        load(path)
    assert time.process_time() - started_s < 5


def test_control_the_largest_shapes_are_run(folder):
    for shape in ((1, 3, 64, 4_096), (64, 3, 64, 64), (1, 3, -1, 64)):
        with pytest.raises(
            ConfigError, match=r"not understood|outputs|no detector|is no"
        ) as raised:
            load(declared(folder / "usual.onnx", shape))
        assert "a detector takes" not in str(raised.value)


def test_a_fourth_stride_is_recognised_by_the_number_of_cells(folder, names):
    path = tiny_onnx.yolox(folder / "p6.onnx", strides=(8, 16, 32, 64))
    detector = load(path, f"classes={names}&score_threshold=0.9")
    (found,) = detect(detector, picture(64, 64, (0, 8, 8, 16)))
    assert [d.box_xyxy for d in found] == [(0.0, 8.0, 8.0, 16.0)]


def test_at_most_a_thousand_boxes_come_back(folder, names):
    path = tiny_onnx.yolox(folder / "many.onnx", side=512)
    (found,) = detect(load(path, f"classes={names}"), picture(512, 512, (0, 0, 512, 512)))
    assert len(found) == 1000  # of 4,096 blue cells


def test_a_byte_order_mark_is_no_part_of_the_first_name(folder):
    marked = folder / "marked.txt"
    marked.write_text("sky\nsea\n", encoding="utf-8-sig")
    path = tiny_onnx.yolox(folder / "marked.onnx")
    assert load(path, f"classes={marked}").vocabulary == ("sky", "sea")


def test_eighty_classes_are_those_of_coco(folder):
    detector = load(tiny_onnx.yolox(folder / "coco.onnx", classes=80))
    assert detector.vocabulary == COCO_CLASSES
    assert len(set(COCO_CLASSES)) == 80
    assert COCO_CLASSES[0] == "person"
    assert COCO_CLASSES[-1] == "toothbrush"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{0: 'cat', 1: \"dog's toy\"}", ("cat", "dog's toy")),
        (r"{0: 'dog\'s', 1: 'cat, 2: x'}", ("dog's", "cat, 2: x")),
        ('{"1": "dog", "0": "cat"}', ("cat", "dog")),
        ('["cat", "dog"]', ("cat", "dog")),
    ],
    ids=["literal", "escapes", "json object", "json list"],
)
def test_class_names_are_read_from_the_metadata(folder, written, expected):
    path = tiny_onnx.yolox(folder / "named.onnx", names=written)
    assert load(path).vocabulary == expected


@pytest.mark.parametrize("written", [None, "{0: 'cat'}", "__import__('os')", "{0: 'a', 2: 'b'}"])
def test_unknown_class_names_are_asked_for(folder, written):
    path = tiny_onnx.yolox(folder / "unnamed.onnx", names=written)
    with pytest.raises(ConfigError, match=r"has 2 classes.*onnx:PATH\?classes=FILE"):
        load(path)


def test_a_classes_file_of_another_length_is_refused(folder):
    short = folder / "short.txt"
    short.write_text("sky\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"names 1 classes, but .* has 2"):
        load(tiny_onnx.yolox(folder / "two.onnx"), f"classes={short}")
    with pytest.raises(ConfigError, match=r"missing\.txt' cannot be read"):
        load(folder / "two.onnx", f"classes={folder / 'missing.txt'}")


def test_a_missing_file_is_refused_and_a_near_one_named(folder):
    tiny_onnx.yolox(folder / "detector.onnx")
    with pytest.raises(ConfigError, match=r"There is no file .* mean 'detector\.onnx'"):
        load(folder / "detektor.onnx")


def test_a_folder_is_refused(folder):
    with pytest.raises(ConfigError, match="is a folder"):
        load(folder)


def test_an_empty_reference_is_refused():
    with pytest.raises(ConfigError, match="onnx:PATH"):
        load("")


def test_a_file_of_another_kind_is_refused(folder):
    path = folder / "text.onnx"
    path.write_text("This is no graph.", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read as an ONNX graph"):
        load(path)


def test_a_graph_that_is_not_understood_is_described(folder):
    path = tiny_onnx.foreign(folder / "foreign.onnx")
    with pytest.raises(
        ConfigError, match=r"outputs of shape 1×3×1×1 .* Supported: yolox .* nanodet"
    ):
        load(path)


def test_the_wanted_format_is_insisted_on(folder):
    with pytest.raises(ConfigError, match="which is not nanodet"):
        load(tiny_onnx.yolox(folder / "wanted.onnx", classes=80), "format=nanodet")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("format=yolo", "mean 'yolox'"),
        ("score=1", "Unknown option 'score'"),
        ("score_threshold=high", "a number from 0 to 1"),
        ("device=cuda", "cannot run on device=cuda"),
    ],
)
def test_wrong_options_are_refused(folder, query, message):
    path = tiny_onnx.yolox(folder / "options.onnx", classes=80)
    with pytest.raises(ConfigError, match=message):
        load(path, query)


def test_the_fingerprint_names_the_file_and_the_settings(folder):
    first = load(tiny_onnx.yolox(folder / "a.onnx", classes=80)).fingerprint
    assert load(folder / "a.onnx").fingerprint == first
    assert load(folder / "a.onnx", "score_threshold=0.5").fingerprint != first
    other = tiny_onnx.yolox(folder / "a.onnx", classes=80, batch="N")
    assert load(other).fingerprint != first


def photo(path):
    pixels = np.asarray(Image.open(path).convert("RGB"))
    height, width = pixels.shape[:2]
    image = ImageRef(path.name, (width, height), load=lambda: pixels)
    return View(image, (0.0, 0.0, float(width), float(height)))


def labelled_boxes(path, width, height):
    """Rows of a YOLO label file as (class name, box in pixels)."""
    for line in path.read_text().splitlines():
        number, x, y, w, h = map(float, line.split())
        box = (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
        yield COCO_CLASSES[int(number)], box


@pytest.mark.photos
@pytest.mark.parametrize(
    ("weights", "score_threshold", "least_precision", "least_recall"),
    [("yolox_nano.onnx", 0.25, 0.55, 0.35), ("nanodet_m.onnx", 0.35, 0.55, 0.35)],
    ids=["yolox", "nanodet"],
)
def test_objects_in_photographs_are_found(
    photos, weights, score_threshold, least_precision, least_recall
):
    detector = load(photos / "weights" / weights, f"score_threshold={score_threshold}")
    hits = reported = labelled = 0
    for path in sorted((photos / "coco128" / "images").rglob("*.jpg")):
        one_view = photo(path)
        label_file = photos / "coco128" / "labels" / f"{path.stem}.txt"
        truth = (
            list(labelled_boxes(label_file, *one_view.image.size)) if label_file.is_file() else []
        )
        (found,) = detect(detector, one_view)
        for name in {d.phrase for d in found}:
            same = [d for d in found if d.phrase == name]
            kept = nms([d.box_xyxy for d in same], [d.score for d in same], 0.5)
            reported += len(kept)
            left = [box for label, box in truth if label == name]
            for index in kept:
                best = max(left, key=lambda box: iou(box, same[index].box_xyxy), default=None)
                if best is not None and iou(best, same[index].box_xyxy) >= 0.5:
                    hits += 1
                    left.remove(best)
        labelled += len(truth)
    assert hits / reported >= least_precision
    assert hits / labelled >= least_recall


def test_weights_beside_the_graph_are_read_and_those_outside_of_its_folder_are_not(tmp_path, names):
    inside = tmp_path / "model"
    inside.mkdir()
    graph = onnx.load(tiny_onnx.yolox(inside / "whole.onnx"))
    weights = [one for one in graph.graph.initializer if one.data_type == onnx.TensorProto.FLOAT]
    for one in weights:
        set_external_data(one, "w.bin")
    assert weights
    onnx.save(graph, inside / "apart.onnx")
    assert load(inside / "apart.onnx", f"classes={names}").fingerprint  # control
    (inside / "w.bin").rename(tmp_path / "w.bin")
    apart = onnx.load(inside / "apart.onnx", load_external_data=False)
    for one in apart.graph.initializer:
        for entry in one.external_data:
            if entry.key == "location":
                entry.value = "../w.bin"
    (inside / "outside.onnx").write_bytes(apart.SerializeToString())
    with pytest.raises(ConfigError, match="cannot be read as an ONNX graph"):
        load(inside / "outside.onnx", f"classes={names}")


HOSTILE_NAMES = {
    "a long number as a key": "{" + "1" * 40_000 + ": 'a'}",
    "a long number as a name": "{0: " + "1" * 40_000 + "}",
    "long numbers in hexadecimal": "{" + "".join(f"{n}: 0x{'f' * 9000}," for n in range(100)) + "}",
    "brackets": "[" * 100_000 + "]" * 100_000,
    "signs": "[" + "-" * 100_000 + "1]",
    "sums": "[" + "1j+" * 100_000 + "1]",
    "joined texts": "['a'" + " 'a'" * 100_000 + "]",
    "a text without an end": "['" + "a" * 1_000_000 + "]",
    "a long name": "['" + "a" * 100_000 + "']",
    "backslashes": "['" + "\\\\" * 100_000 + "]",
    "blanks": "[" + " " * 1_000_000 + "'a']",
    "code": "[__import__('os').getcwd()]",
    "a format": "[f'{1}']",
    "a gap": "{0: 'a', 2: 'b'}",
    "twice": "{0: 'a', 0: 'b'}",
    "a key in a list": "[0: 'a']",
    "no key in a table": "{'a'}",
    "something behind": "{0: 'a'}} {",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_class_names_are_no_names(name):
    assert onnx_backend._names_in_metadata(HOSTILE_NAMES[name]) == ()


def test_the_time_for_class_names_is_linear():
    def seconds(n):
        text = "{" + ", ".join(f"{k}: 'name {k}'" for k in range(n)) + "}"
        assert len(onnx_backend._names_in_metadata(text)) == n
        return min(timeit.repeat(lambda: onnx_backend._names_in_metadata(text), number=1, repeat=3))

    assert seconds(4000) < 16 * seconds(1000)


@pytest.mark.parametrize("name", ["brackets", "signs", "sums"])
def test_control_the_standard_library_runs_out_of_something(name):
    with pytest.raises((MemoryError, RecursionError, SyntaxError)):
        ast.literal_eval(HOSTILE_NAMES[name])


def test_control_a_long_number_takes_quadratic_time():
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # as PYTHONINTMAXSTRDIGITS=0 does
    try:
        short, long = (
            min(timeit.repeat(lambda n=n: int("1" * n), number=1, repeat=5)) for n in (8000, 64_000)
        )
        assert long > 16 * short  # 8 times as many
    finally:
        sys.set_int_max_str_digits(before)


def external(path, location):
    """A graph whose weights are in another file."""
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[4], data_location=1)
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    image = onnx.helper.make_tensor_value_info("images", 1, [1, 3, 2, 2])
    output = onnx.helper.make_tensor_value_info("y", 1, [4])
    node = onnx.helper.make_node("Identity", ["w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [image], [output], [tensor])
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    "location", ["../secret", "{}/secret", "link", "a/../../secret", "/dev/zero", "fifo"]
)
def test_weights_outside_of_the_folder_are_not_read(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(range(16)))
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "fifo")
    with pytest.raises(ConfigError, match="cannot be read as an ONNX graph"):
        open_session(external(folder / "a.onnx", location.format(tmp_path)), advice="")
    (folder / "beside").write_bytes(bytes(16))
    open_session(external(folder / "a.onnx", "beside"), advice="")  # control
