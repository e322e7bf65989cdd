"""Values of a record are read by the type that their method has."""

from __future__ import annotations

import pytest

from viper.errors import InputError
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.replay.values import value_of

IMAGE = ImageRef("hash", (100, 80))
PATCH = {"type": "patch", "image": 0, "box_xyxy": [1, 2.5, 30, 40], "score": 0.5, "category": "cup"}
READ = Patch(View(IMAGE, (1.0, 2.5, 30.0, 40.0)), "cup", 0.5)


@pytest.mark.parametrize(
    ("type_text", "value", "read"),
    [
        ("float", 1, 1.0),
        ("int", 1, 1),
        ("bool", True, True),
        ("str | None", None, None),
        ("Optional[str]", "a", "a"),
        ("ImagePatch | int | None", PATCH, READ),
        ("list[ImagePatch]", [PATCH, PATCH], [READ, READ]),
        ("dict[str, list[float]]", {"a": [1, 2.5]}, {"a": [1.0, 2.5]}),
        ("dict[str, int]", {"box_xyxy": 1, "score": 2, "category": 3},
         {"box_xyxy": 1, "score": 2, "category": 3}),
        ("dict[str, int]", {"type": "dict", "items": [["type", 1]]}, {"type": 1}),
        ("Literal['a', 'b']", "b", "b"),
    ],
)  # fmt: skip
def test_values_of_each_type_are_read(type_text, value, read):
    found = value_of(value, type_text, IMAGE, "x")
    assert found == read
    assert repr(found) == repr(read)


@pytest.mark.parametrize(
    ("type_text", "value", "told"),
    [
        ("int", True, "x must be int, but is true"),
        ("int", 1.0, "x must be int, but is 1.0"),
        ("bool", 1, "x must be bool, but is 1"),
        ("float", "1", "x must be float, but is '1'"),
        ("list[str]", "abc", r"x must be list\[str\], but is 'abc'"),
        ("Literal['a']", "c", "but is 'c'"),
        ("ImagePatch", {**PATCH, "box_xyxy": [0, 0, 101, 5]}, "but is an object of 5 keys"),
        ("ImagePatch", {**PATCH, "score": "1"}, "but is an object of 5 keys"),
        ("Track", {}, "type Track, which this API does not have"),
    ],
)
def test_values_of_another_type_are_refused(type_text, value, told):
    with pytest.raises(InputError, match=told):
        value_of(value, type_text, IMAGE, "x")
