"""The API's methods on the oracle: what a program is told is what the file says."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from fakes import true_scenes
from fakes.true_scenes import TABLE, clevr_object, view
from viper.images.region import Patch
from viper.methods import image_patch as methods
from viper.methods.method_call import MethodCall
from viper.models.registry import BackendRef
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper.vocabulary.attributes import KINDS

COLORS = ("gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow")
SPOKEN = {
    "large": ("large", "big"),
    "small": ("small", "tiny"),
    "metal": ("metal", "metallic", "shiny"),
    "rubber": ("rubber", "matte"),
    "cube": ("cube", "block"),
    "sphere": ("sphere", "ball"),
    "cylinder": ("cylinder",),
    **{color: (color,) for color in COLORS},
}


@pytest.fixture
def ask():
    """Calls methods on patches of the pictures of a scene file."""
    schedulers = []

    def ask_(path, calls):
        """Run (method, arguments after the call) calls; return their results."""
        roles = ("detector", "matcher", "depth", "answerer")
        pool = ModelPool({role: BackendRef(role, "truth", path) for role in roles})
        schedulers.append(pool)
        made = MethodCall(VisionClient(pool, model_call_s=30), None)

        async def run():
            return [await method(made, *arguments) for method, *arguments in calls]

        return asyncio.run(run())

    yield ask_
    for pool in schedulers:
        assert pool.close(5)


@pytest.fixture
def kinds(tmp_path):
    """A file with a picture for every colour, material, shape and size, called after them."""
    scenes = [
        (f"{size}-{color}-{material}-{shape}.png",
         [clevr_object(f"{size} {color} {material} {shape}", (10, 10, 50, 50))])
        for size, color, material, shape in itertools.product(
            ("large", "small"), ("red", "gray"), ("metal", "rubber"), ("cube", "sphere", "cylinder")
        )
    ]  # fmt: skip
    return true_scenes.write(tmp_path / "kinds.json", true_scenes.clevr(*scenes)), scenes


def test_a_property_is_verified_exactly_if_it_holds_however_it_and_the_object_are_called(
    ask, kinds
):
    path, scenes = kinds
    calls, expected = [], []
    for name, _ in scenes:
        holding = set(name.removesuffix(".png").split("-"))
        patch = Patch(view((10, 10, 50, 50), name=name))
        for term, spoken in SPOKEN.items():
            for word, called in itertools.product(
                spoken, ("cube", "ball", "thing", "unicorn", spoken[0])
            ):
                calls.append((methods.verify_property, patch, called, word))
                expected.append(term in holding)
    assert ask(path, calls) == expected


def test_the_best_of_all_values_of_a_kind_is_the_true_one(ask, kinds):
    path, scenes = kinds
    calls, expected = [], []
    for name, _ in scenes:
        size, color, material, shape = name.removesuffix(".png").split("-")
        patch = Patch(view((10, 10, 50, 50), name=name))
        for options, value in (
            (COLORS, color),
            (("rubber", "metal"), material),
            (("cylinder", "sphere", "cube"), shape),
            (("small", "large"), size),
        ):
            for prefix in (None, "object that is", f"{size} {shape} that is"):
                calls.append((methods.best_text_match, patch, list(options), prefix))
                expected.append(value)
    assert ask(path, calls) == expected


def test_the_best_patch_is_the_one_that_a_text_is_true_of(ask, tmp_path):
    path = true_scenes.write(tmp_path / "a.json", true_scenes.clevr(("table.png", TABLE)))
    patches = [Patch(view(item["bbox_xyxy"])) for item in TABLE]
    texts = ("red cube", "large blue thing", "small matte object", ["metal", "ball"])
    calls = [(methods.best_image_match, patches, text, True) for text in texts]
    assert ask(path, calls) == [0, 1, 2, 3]


def test_patches_that_were_found_lead_back_to_their_things(ask, tmp_path):
    # Boxes between the pixels, partly outside the crop that is searched.
    boxes = [(10.3, 20.7, 60.1, 70.9), (12.3, 22.7, 62.1, 72.9), (14.3, 24.7, 64.1, 74.9)]
    colors = ("red", "blue", "gray")
    objects = [
        clevr_object(f"large {color} metal cube", box, depth=depth)
        for color, box, depth in zip(colors, boxes, (9.0, 9.5, 8.5), strict=True)
    ]
    path = true_scenes.write(tmp_path / "a.json", true_scenes.clevr(("table.png", objects)))
    crop = Patch(view((25, 25, 480, 320)))
    (found,) = ask(path, [(methods.find, crop, "cube")])
    assert len(found) == 3
    calls = [(methods.compute_depth, patch) for patch in found]
    assert ask(path, calls) == [9.0, 9.5, 8.5]
    calls = [(methods.best_text_match, patch, list(COLORS), None) for patch in found]
    assert ask(path, calls) == list(colors)


def test_of_two_attributes_of_one_kind_both_are_verified(ask, tmp_path):
    thing = {"name": "cow", "x": 0, "y": 0, "w": 50, "h": 50, "attributes": ["black", "white"]}
    graph = {"cow": {"width": 100, "height": 80, "objects": {"1": thing}}}
    path = true_scenes.write(tmp_path / "graphs.json", graph)
    patch = Patch(view((0, 0, 50, 50), "cow.png", (100, 80)))
    words = [words[0] for words in KINDS["color"]]
    calls = [(methods.verify_property, patch, "cow", word) for word in words]
    assert [word for word, holds in zip(words, ask(path, calls), strict=True) if holds] == [
        "black",
        "white",
    ]
