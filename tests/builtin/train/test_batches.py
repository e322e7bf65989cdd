from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from viper.builtin.graphs import STRIDE
from viper.builtin.train.batches import Images, collate
from viper.builtin.train.captions import Caption, caption_of, random_caption
from viper.builtin.train.data import IMAGE_SIZE, draw_images, ground_depth, read_image
from viper.builtin.words import refusal
from viper.builtin.world.scene import Camera

SEED = 77
COUNT = 3


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    draw_images(folder, COUNT, first_seed=SEED)
    return folder


def test_only_what_is_missing_is_drawn(drawn: Path) -> None:
    picture = drawn / "images" / "000001.jpg"
    before = picture.stat().st_mtime_ns
    (drawn / "scenes" / "000002.json").unlink()
    seen: list[None] = []
    draw_images(drawn, COUNT, first_seed=SEED, on_drawn=lambda: seen.append(None))
    assert len(seen) == COUNT
    assert picture.stat().st_mtime_ns == before
    assert (drawn / "scenes" / "000002.json").exists()


def test_a_picture_comes_back_with_its_things(drawn: Path) -> None:
    picture = read_image(drawn, 0)
    assert picture.pixels.shape == (IMAGE_SIZE[1], IMAGE_SIZE[0], 3)
    for index, item in enumerate(picture.objects):
        rows, columns = np.nonzero(picture.object_map == index)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert item["bbox_xyxy"] == box
        # An object hides the ground behind it, so it is nearer than that.
        cell = rows.min() // STRIDE, columns[rows.argmin()] // STRIDE
        assert item["pixel_coords"][2] < picture.ground_depth[cell]


def test_the_ground_below_a_camera_is_as_far_as_geometry_says() -> None:
    camera = Camera.looking_at((8.0, 0.0, 6.0), (0.0, 0.0, 0.0))
    depth = ground_depth(camera, (96 * STRIDE, 64 * STRIDE))
    # The viewing axis meets the ground at the target, 10 away.
    assert depth[31:33, 47:49].mean() == pytest.approx(10, rel=0.01)
    assert depth[0].min() > depth[-1].max()


def test_targets_agree_with_the_boxes(drawn: Path) -> None:
    dataset = Images(drawn, COUNT, None)
    batch = collate([dataset[number] for number in range(COUNT)])
    for number in range(COUNT):
        picture = read_image(drawn, number)
        peaks = torch.nonzero(batch.centers[number] >= 0.9999).tolist()
        middles = {
            (int((y1 + y2) / 2 / STRIDE), int((x1 + x2) / 2 / STRIDE))
            for x1, y1, x2, y2 in (item["bbox_xyxy"] for item in picture.objects)
        }
        assert {tuple(peak) for peak in peaks} == middles
        for row, column in torch.nonzero(batch.inside[number]).tolist():
            left, top, right, bottom = (batch.edges[number, :, row, column] * STRIDE).tolist()
            x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
            box = [round(edge) for edge in (x - left, y - top, x + right, y + bottom)]
            assert box in [item["bbox_xyxy"] for item in picture.objects]
    assert batch.fits.shape == (len(batch.regions), len(batch.captions))
    assert batch.fits.any(dim=1).all()  # every object is described


def test_a_mirrored_picture_keeps_its_things_and_their_boxes(drawn: Path) -> None:
    dataset = Images(drawn, COUNT, seed=3)
    plain = read_image(drawn, 0)
    for epoch in range(6):  # mirrored in some of them
        dataset.epoch = epoch
        example = dataset[0]
        width = plain.object_map.shape[1]
        boxes = [item["bbox_xyxy"] for item in example["objects"]]
        mirrored = [[width - b[2], b[1], width - b[0], b[3]] for b in boxes]
        assert [t["bbox_xyxy"] for t in plain.objects] in (boxes, mirrored)
        assert [t["color"] for t in example["objects"]] == [t["color"] for t in plain.objects]


def test_examples_are_the_same_for_the_same_seed_and_epoch(drawn: Path) -> None:
    first, second = Images(drawn, COUNT, 5)[1], Images(drawn, COUNT, 5)[1]
    assert torch.equal(first["image"], second["image"])
    assert first["boxes"] == second["boxes"]
    assert first["captions"] == second["captions"]


@given(st.integers(0, 2**32))
def test_captions_are_true_and_in_words_that_the_models_know(seed: int) -> None:
    dice = random.Random(seed)
    item = {"size": "small", "color": "gray", "material": "metal", "shape": "sphere"}
    caption = caption_of(item, dice)
    assert caption.fits(item)
    assert refusal(caption.text) is None
    assert refusal(random_caption(dice).text) is None


def test_a_caption_fits_only_what_fulfils_all_its_conditions() -> None:
    caption = Caption("red cube", (("color", "red"), ("shape", "cube")))
    assert caption.fits({"color": "red", "shape": "cube", "size": "small"})
    assert not caption.fits({"color": "red", "shape": "sphere", "size": "small"})
