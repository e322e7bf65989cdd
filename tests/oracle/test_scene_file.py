from __future__ import annotations

import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import true_scenes
from fakes.true_scenes import TABLE, clevr, clevr_object
from viper.errors import ConfigError
from viper.oracle import scene_file as reading
from viper.oracle.scene_file import open_scenes

GRAPH = {
    "width": 100,
    "height": 80,
    "objects": {"1": {"name": "cup", "x": 1, "y": 2, "w": 3, "h": 4}},
}
BOX = (10, 10, 20, 20)


def open_(tmp_path, value):
    return open_scenes(true_scenes.write(tmp_path / "scenes.json", value))


def cube(**changed):
    value = clevr_object("large red metal cube", BOX)
    return {key: item for key, item in {**value, **changed}.items() if item is not ...}


def graph(**changed):
    value = {**GRAPH["objects"]["1"], **changed}
    return {"7": {**GRAPH, "objects": {"1": {k: v for k, v in value.items() if v is not ...}}}}


def test_the_kind_of_file_is_told_by_its_content(tmp_path):
    assert open_(tmp_path, clevr(("table.png", TABLE))).has_depth
    assert not open_scenes(true_scenes.write(tmp_path / "graphs.json", {"7": GRAPH})).has_depth


@pytest.mark.parametrize("value", ["", "{", "\x00", "[" * 100_000, '{"a": ' + "1" * 5000 + "}"])
def test_what_is_no_json_is_refused(tmp_path, value):
    with pytest.raises(
        ConfigError, match=r"scenes.json' is not a JSON file .*Give CLEVR scenes or GQA"
    ):
        open_(tmp_path, value)


@pytest.mark.parametrize(
    "value", [[], {}, None, 3, "scenes", {"scenes": {}}, {"scenes": None}, {"7": []}, {"7": {}}]
)
def test_json_of_another_kind_is_refused(tmp_path, value):
    with pytest.raises(ConfigError, match=r"holds neither CLEVR scenes.*nor GQA scene graphs"):
        open_(tmp_path, json.dumps(value))


def test_a_missing_file_is_an_error_of_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match=r"The oracle has no scenes\. There is no file"):
        open_scenes(str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match=r"is a folder"):
        open_scenes(str(tmp_path))
    with pytest.raises(ConfigError, match=r"needs a scene file: truth:FILE"):
        open_scenes("")
    with pytest.raises(ConfigError, match=r"cannot be read"):
        open_scenes("a\x00b")


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        (3, r"scene 0, object 0 must be an object, but got 3\."),
        (cube(color=...), r"scenes.json: scene 0, object 0 has no 'color'\."),
        (cube(color=5), r"object 0, color must be a text, but got 5\."),
        (
            cube(shape="cone"),
            r"object 0, shape must be one of cube, sphere, cylinder, but got 'cone'",
        ),
        (cube(material="wood"), r"material must be one of metal, rubber, but got 'wood'"),
        (cube(size="huge"), r"size must be one of large, small, but got 'huge'"),
        (cube(pixel_coords=[1, 2]), r"pixel_coords must be a list of 3 numbers, but got \[1, 2\]"),
        (cube(pixel_coords=[1, 2, "3"]), r"pixel_coords must be a list of 3 numbers"),
        (
            cube(pixel_coords=[1, 2, 10**400]),
            r"is not a JSON file \(it holds a number of [0-9,]+ digits\)",
        ),
        (cube(bbox_xyxy=[20, 10, 10, 20]), r"bbox_xyxy must be \[x1, y1, x2, y2\] in pixels"),
        (cube(bbox_xyxy=[10, 10, True, 20]), r"bbox_xyxy must be a list of 4 numbers"),
    ],
)
def test_a_malformed_object_of_a_clevr_scene_is_named(tmp_path, item, complaint):
    with pytest.raises(ConfigError, match=complaint):
        open_(tmp_path, clevr(("table.png", [item])))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(tmp_path, text):
    scenes = json.dumps(clevr(("table.png", [cube(bbox_xyxy=[1, 2, 3, 44444])])))
    with pytest.raises(
        ConfigError, match=r"is not a JSON file \(it holds (NaN|-?Infinity|the number 1e999)"
    ):
        open_(tmp_path, scenes.replace("44444", text))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (clevr(), r"scenes.json holds no scenes"),
        ({"scenes": [4]}, r"scene 0 must be an object"),
        ({"scenes": [{"image_filename": 4}]}, r"scene 0, image_filename must be a text"),
        ({"scenes": [{"image_filename": "a.png", "objects": 1}]}, r"objects must be a list"),
        (clevr(("a.png", []), ("a.png", [])), r"'a' occurs in an earlier scene already"),
        (clevr(("a.png", []), width=4.5, height=3), r"width must be a whole number above 0"),
    ],
)
def test_a_malformed_clevr_scene_is_named(tmp_path, value, complaint):
    with pytest.raises(ConfigError, match=complaint):
        open_(tmp_path, value)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (
            {"7": {**GRAPH, "width": 0}},
            r"image '7', width must be a whole number above 0, but got 0",
        ),
        ({"7": {**GRAPH, "objects": []}}, r"image '7', objects must be an object"),
        ({"7": GRAPH, "8": 3}, r"scenes.json: image '8' must be an object, but got 3"),
        (graph(name=...), r"scenes.json: image '7', object '1' has no 'name'"),
        (graph(name="the"), r"name must be a text with a word in it, but got 'the'"),
        (graph(x="1"), r"x must be a number, but got '1'"),
        (graph(w=-1), r"w must be a number of pixels, 0 or more, but got -1"),
        (graph(attributes="red"), r"attributes must be a list, but got 'red'"),
        (graph(attributes=[4]), r"attribute 0 must be a text, but got 4"),
        (graph(relations=[{"name": "on"}]), r"relation 0 has no 'object'"),
        (graph(relations=[{"object": "1"}]), r"relation 0 has no 'name'"),
        (
            graph(relations=[{"name": "on", "object": "2"}]),
            r"relation 0: the image has no object '2'",
        ),
        (graph(relations=[{"name": "on", "object": []}]), r"object must be a text, but got \[\]"),
    ],
)
def test_a_malformed_graph_is_named(tmp_path, value, complaint):
    with pytest.raises(ConfigError, match=complaint):
        open_(tmp_path, value)


def test_a_box_of_a_graph_is_kept_inside_the_picture_and_at_least_a_pixel_wide(tmp_path):
    for x, w, expected in (
        (90, 50, (90, 100)),
        (5, 0, (5, 6)),
        (100, 0, (99, 100)),
        (-9, 4, (0, 1)),
    ):
        (thing,) = open_(tmp_path, graph(x=x, w=w)).scenes["7"].objects
        assert (thing.box_xyxy[0], thing.box_xyxy[2]) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(field=st.sampled_from([*cube(), None]), value=JSON)
def test_no_value_in_a_clevr_scene_makes_it_crash(tmp_path_factory, field, value):
    item = value if field is None else cube(**{field: value})
    expect_a_file_or_a_config_error(tmp_path_factory, clevr(("a.png", [item])))


@given(field=st.sampled_from([*GRAPH["objects"]["1"], "attributes", "relations"]), value=JSON)
def test_no_value_in_a_graph_makes_it_crash(tmp_path_factory, field, value):
    expect_a_file_or_a_config_error(tmp_path_factory, graph(**{field: value}))


def expect_a_file_or_a_config_error(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    # Its length differs from example to example or not: only what is read afresh is tested.
    reading._read.cache_clear()
    try:
        assert open_scenes(true_scenes.write(path, value)).scenes
    except ConfigError as error:
        # An infinite number is no JSON, and any other fault is one of a scene.
        assert re.match(r"hostile\.json|'.*hostile\.json' is not a JSON file", str(error))  # noqa: PT017  # either outcome is right


def test_a_file_is_read_once_and_again_when_it_has_changed(tmp_path):
    first = open_(tmp_path, {"7": GRAPH})
    path = tmp_path / "scenes.json"
    assert open_scenes(str(path)) is first
    second = open_(tmp_path, {"8": GRAPH})
    os.utime(path, ns=(1, 1))
    assert list(open_scenes(str(path)).scenes) == ["8"]
    assert second is not first
    assert second.fingerprint != first.fingerprint
