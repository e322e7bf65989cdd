from __future__ import annotations

import numpy as np
import pytest

from fakes.true_scenes import GRAPH_SIZES, GRAPHS, view
from viper.errors import ConfigError
from viper.models.roles import DetectRequest
from viper.oracle.depth import load as load_depth
from viper.oracle.detector import OracleDetector
from viper.oracle.matcher import OracleMatcher

STREET, KITCHEN, BEACH = GRAPH_SIZES


def whole(name):
    return view(name=f"{name}.jpg", size=GRAPH_SIZES[name])


def found(graphs, name, phrase):
    """Names of the things that are found, in the graph's order."""
    request = DetectRequest(whole(name), (phrase,))
    (detections,) = OracleDetector(graphs).detect([request])
    boxes = {thing.box_xyxy: thing.name for thing in graphs.scenes[name].objects}
    return [boxes[detection.box_xyxy] for detection in detections]


def best(graphs, name, thing, texts):
    """The text that fits a thing's patch best."""
    boxes = {thing.name: thing.box_xyxy for thing in graphs.scenes[name].objects}
    where = view(boxes[thing], f"{name}.jpg", GRAPH_SIZES[name]) if thing else whole(name)
    matcher = OracleMatcher(graphs)
    (image,) = matcher.embed_images([where])
    return texts[int(np.argmax([image @ text for text in matcher.embed_texts(texts)]))]


@pytest.mark.parametrize(
    ("name", "phrase", "names"),
    [
        (STREET, "bus", ["bus"]),
        (STREET, "buses", ["bus"]),
        (STREET, "taxi", ["taxis"]),
        (STREET, "tree", ["trees"]),
        (STREET, "person", ["man"]),
        (STREET, "people", ["man"]),
        (BEACH, "person", ["people"]),
        (STREET, "vehicle", []),
        (STREET, "light", []),
        (STREET, "traffic light", ["traffic light"]),
        (STREET, "old man holding an umbrella", ["man"]),
        (STREET, "man holding a light blue umbrella", ["man"]),
        (STREET, "man holding a black umbrella", []),
        (STREET, "man holding", ["man"]),
        (STREET, "person to the left of the bus", ["man"]),
        (STREET, "man to the right of the bus", []),
        (KITCHEN, "orange", ["orange"]),
        (KITCHEN, "orange shirt", ["shirt"]),
        (KITCHEN, "orange thing", ["orange", "shirt"]),
        (KITCHEN, "glass", ["glass"]),
        (KITCHEN, "glasses", ["glasses"]),
        (KITCHEN, "black and white cat", ["cat"]),
        (KITCHEN, "wooden table", ["table"]),
        (KITCHEN, "thing on the table", ["cup", "bowl"]),
        (KITCHEN, "thing on the wooden table", ["cup", "bowl"]),
        (KITCHEN, "thing on the plastic table", []),
        (BEACH, "white dog", ["dog"]),
    ],
)
def test_names_attributes_and_relations_must_hold(graphs, name, phrase, names):
    assert found(graphs, name, phrase) == names


@pytest.mark.parametrize(
    ("name", "thing", "texts", "text"),
    [
        (STREET, "umbrella", ["open umbrella", "closed umbrella"], "open umbrella"),
        (STREET, "umbrella", ["blue", "light blue", "red"], "light blue"),
        (STREET, "man", ["man wearing a jacket", "man wearing a shirt", "man"], "man wearing a jacket"),
        (STREET, "man", ["man holding a jacket", "man holding a bus", "man"], "man"),
        (STREET, "jacket", ["wood", "metal", "leather"], "leather"),
        (STREET, None, ["sunny", "cloudy"], "cloudy"),
        (BEACH, None, ["kitchen", "beach", "street"], "beach"),
        (KITCHEN, "cat", ["cat that is standing", "cat that is sitting on a chair"],
         "cat that is sitting on a chair"),
        (KITCHEN, "table", ["table that is wooden", "table that is metal"], "table that is wooden"),
    ],
)  # fmt: skip
def test_the_true_text_fits_best(graphs, name, thing, texts, text):
    assert best(graphs, name, thing, texts) == text


def test_the_weather_is_the_whole_pictures_alone(graphs):
    scene = graphs.scenes[STREET]
    assert "cloudy" in scene.terms(whole(STREET))
    corner = view((0, 0, 90, 90), f"{STREET}.jpg", GRAPH_SIZES[STREET])
    assert "cloudy" not in scene.terms(corner)


def test_graphs_tell_no_depth():
    with pytest.raises(ConfigError, match=r"gqa_scene_graphs.json has no depth.*Leave the role"):
        load_depth(GRAPHS, {})
