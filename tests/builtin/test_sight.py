from __future__ import annotations

import numpy as np
import pytest

from viper.builtin import sight
from viper.builtin.graphs import STRIDE, Graphs, Maps, Scales
from viper.builtin.loading import SHIPPED
from viper.builtin.sight import CENTER_THRESHOLD, Viewer
from viper.images.image import ImageRef, View


class OneThing:
    """A network that sees one thing, with its middle in the middle of its input."""

    scales = Scales(10.0, 10.0, -5.0)

    def __init__(self, certainty: float = 0.9) -> None:
        self.certainty = certainty
        self.looked = 0

    def encode(self, picture):
        self.looked += 1
        height, width = picture.shape[-2] // STRIDE, picture.shape[-1] // STRIDE
        centers = np.zeros((height, width), np.float32)
        centers[height // 2, width // 2] = self.certainty
        edges = np.full((4, height, width), 3.0, np.float32)
        features = np.zeros((1, 64, height, width), np.float32)
        return Maps(features, centers, edges, np.zeros_like(centers), 0.3)


def image(width: int, height: int, name: str = "x") -> ImageRef:
    pixels = np.zeros((height, width, 3), np.uint8)
    return ImageRef(name, (width, height), name, lambda: pixels)


def test_boxes_are_in_pixels_of_the_picture_whatever_its_size() -> None:
    # 384×256 goes in as it is, 768×512 at half its size.
    small = Viewer(OneThing()).look(image(384, 256))
    large = Viewer(OneThing()).look(image(768, 512))
    assert small.boxes_xyxy.tolist() == [[182.0, 118.0, 206.0, 142.0]]  # cell (32, 48), 3 cells out
    assert large.boxes_xyxy.tolist() == [[364.0, 236.0, 412.0, 284.0]]
    assert small.scores == pytest.approx([0.9])


@pytest.mark.parametrize("size", [(320, 240), (100, 400), (500, 90), (7, 5), (1, 1)])
def test_pictures_of_any_shape_are_looked_at(size: tuple[int, int]) -> None:
    sight = Viewer(Graphs(SHIPPED)).look(image(*size))
    width, height = size
    assert ((sight.boxes_xyxy[:, 2] <= width) & (sight.boxes_xyxy[:, 3] <= height)).all()
    rows, columns = sight.log_depth.shape
    assert rows * STRIDE >= height * sight.scale
    assert columns * STRIDE >= width * sight.scale - 1


def test_what_is_less_sure_than_the_threshold_is_not_seen() -> None:
    assert len(Viewer(OneThing(CENTER_THRESHOLD - 0.01)).look(image(384, 256)).scores) == 0
    assert len(Viewer(OneThing(CENTER_THRESHOLD + 0.01)).look(image(384, 256)).scores) == 1


def test_a_picture_is_looked_at_once() -> None:
    network = OneThing()
    viewer = Viewer(network)
    for _ in range(3):
        viewer.look(image(384, 256, "one"))
    viewer.look(image(384, 256, "two"))
    assert network.looked == 2


def test_texts_are_surely_true_where_the_similarity_is_high() -> None:
    viewer = Viewer(OneThing())
    same = np.eye(2, 64, dtype=np.float32)
    shares = viewer.match(same, same)
    assert shares.shape == (2, 2)
    assert shares[0, 0] > 0.9 > 0.1 > shares[0, 1]


def test_how_strange_a_picture_was_is_kept_longer_than_what_was_seen(monkeypatch) -> None:
    monkeypatch.setattr("viper.builtin.sight._CACHED", 1)
    network = OneThing()
    viewer = Viewer(network)
    first, second = image(64, 64, "one"), image(64, 64, "two")
    strange = viewer.look(first).strangeness
    viewer.look(second)
    assert viewer.strangeness(first) == strange
    assert network.looked == 2
    assert viewer.strangeness(image(64, 64, "three")) >= 0  # looked at, if it was not
    assert network.looked == 3


def test_views_are_grouped_by_their_images_in_order() -> None:
    viewer = Viewer(OneThing())
    one, two = image(64, 64, "one"), image(80, 64, "two")
    views = [View(picture, (0.0, 0.0, 9.0, 9.0)) for picture in (one, two, one)]
    grouped = list(viewer.by_image(views))
    assert [numbers for _, numbers in grouped] == [[0, 2], [1]]
    assert grouped[0][0] is viewer.look(one)


def test_an_untrained_network_does_not_compare_all_cells_with_each_other(monkeypatch):
    compared = []

    def counted(boxes, *rest):
        compared.append(len(boxes))
        return nms(boxes, *rest)

    nms = sight.nms
    monkeypatch.setattr(sight, "nms", counted)
    maps = OneThing().encode(np.zeros((1, 3, 384, 512)))
    maps.centers[:], maps.edges[:] = 0.5, 1.0
    boxes, scores = sight._objects(maps)
    assert compared == [1000]  # of 12,288, each as likely as the next
    assert len(boxes) == len(scores) == 100
