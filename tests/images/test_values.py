"""Values of programs are walked through and written in one way."""

from __future__ import annotations

import pytest

from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.images.values import (
    by_category,
    dict_items,
    iterate_values,
    json_patches,
    map_value,
    patch_of,
    to_json_value,
)

IMAGE = ImageRef("hash", (100, 80))
CUP = Patch(View(IMAGE, (1.0, 1.0, 9.0, 9.0)), "cup", 0.9)
DOG = Patch(View(IMAGE, (20.0, 1.0, 29.0, 9.0)), "dog", 0.8)
RECORD = {
    "type": "patch", "image": 0, "box_xyxy": [1, 2.5, 30, 40], "score": 0.5, "category": "cup",
}  # fmt: skip


def test_every_part_is_replaced_and_containers_keep_their_kind():
    value = {1: [2, (3, {4})]}
    assert map_value(value, str) == {"1": ["2", ("3", {"4"})]}


def test_parts_come_in_order_and_those_of_sets_by_their_boxes():
    value = ["a", {"key": {DOG, CUP}}, (1,)]
    assert list(iterate_values(value)) == ["a", CUP, DOG, 1]
    assert list(iterate_values({"key": 1}, keys=True)) == ["key", 1]


def test_patches_become_their_categories():
    assert by_category({CUP: (DOG, 1), (1, DOG): {2}}) == {"cup": ["dog", 1], "[1, 'dog']": [2]}


def test_a_value_becomes_json_with_exact_patches():
    narrow = Patch(View(IMAGE, (1 / 64, 0.0, 2.0, 2.0)), "cup", 0.5)
    assert to_json_value({"a": (1, {"y", "x"}), 2: [narrow], CUP: None}) == {
        "type": "dict",
        "items": [["a", [1, ["x", "y"]]], ["2", [narrow.to_record()]], ["cup", None]],
    }


def test_a_dict_of_a_program_never_passes_for_a_patch():
    written = to_json_value({"a": dict(RECORD)})
    assert list(json_patches(written)) == []
    assert list(json_patches(to_json_value({"a": [CUP]}))) == [CUP.to_record()]
    ((key, inner),) = dict_items(written)
    assert (key, dict(dict_items(inner))) == ("a", RECORD)


def test_a_patch_is_read_on_its_image():
    assert patch_of(RECORD, [IMAGE]) == Patch(View(IMAGE, (1.0, 2.5, 30.0, 40.0)), "cup", 0.5)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "object"}, {"image": 1}, {"image": -1}, {"image": True}, {"category": 1},
        {"score": "1"}, {"box_xyxy": [0, 0, 101, 5]}, {"box_xyxy": [5, 0, 1, 5]},
        {"box_xyxy": [0, 0, 5]}, {"box_xyxy": [0, 0, 5, float("nan")]}, {"box_xyxy": [0, 0, True, 5]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_a_patch_on_the_image_is_refused(change):
    with pytest.raises(ValueError, match="not a patch"):
        patch_of(RECORD | change, [IMAGE])
