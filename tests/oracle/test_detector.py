from __future__ import annotations

import pytest

from fakes.true_scenes import TABLE, view
from viper.errors import ModelError
from viper.models.roles import DetectRequest
from viper.oracle.detector import OracleDetector

CUBE, BALL, CYLINDER, PEARL = (tuple(map(float, item["bbox_xyxy"])) for item in TABLE)


def find(file, phrase, where=None):
    seen = where or view()
    (found,) = OracleDetector(file).detect([DetectRequest(seen, (phrase,))])
    left, top, _, _ = seen.bounds
    assert all(detection.score == 1.0 and detection.phrase == phrase for detection in found)
    boxes = (detection.box_xyxy for detection in found)
    return [(x1 + left, y1 + top, x2 + left, y2 + top) for x1, y1, x2, y2 in boxes]


@pytest.mark.parametrize(
    ("phrase", "boxes"),
    [
        ("cube", [CUBE]),
        ("blocks", [CUBE]),
        ("balls", [BALL, PEARL]),
        ("object", [CUBE, BALL, CYLINDER, PEARL]),
        ("things", [CUBE, BALL, CYLINDER, PEARL]),
        ("red thing", [CUBE, CYLINDER]),
        ("the tiny shiny ball", [PEARL]),
        ("small matte object", [CYLINDER]),
        ("grey metallic sphere", [PEARL]),
        ("ball made of rubber", [BALL]),
        ("big spherical thing", [BALL]),
        ("green thing", []),
        ("small cube", []),
        ("unicorn", []),
        ("red unicorn", []),
        ("the", []),
    ],
)
def test_every_content_word_of_a_phrase_must_hold(table, phrase, boxes):
    assert find(table, phrase) == boxes


def test_an_object_is_in_a_view_that_holds_half_of_its_box(table):
    assert find(table, "cube", view((0, 0, 90, 320))) == [CUBE]
    assert find(table, "cube", view((0, 0, 89, 320))) == []


def test_a_box_is_whole_although_a_part_lies_outside_the_view(table):
    assert find(table, "cylinder", view((310, 0, 480, 320))) == [CYLINDER]


def test_objects_that_overlap_are_said_to_be_distinct(table):
    assert OracleDetector(table).has_distinct_detections


def test_a_picture_without_a_scene_is_an_error_that_names_it_and_the_file(table):
    with pytest.raises(
        ModelError, match=r"no scene for the image 'other.png': scenes.json holds 1"
    ):
        find(table, "cube", view(name="other.png"))


def test_equal_files_have_equal_fingerprints(table):
    assert OracleDetector(table).fingerprint.startswith("truth:")
    assert OracleDetector(table).fingerprint == OracleDetector(table).fingerprint
