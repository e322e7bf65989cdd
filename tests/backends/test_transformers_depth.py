from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForDepthEstimation

from fakes import tiny_models
from fakes.views import image
from viper.backends import transformers_depth
from viper.errors import ConfigError, ModelError
from viper.models.registry import BackendRef, open_backend

FAMILIES = {
    "depth_anything": tiny_models.depth_anything,
    "depth_anything_metric": lambda folder: tiny_models.depth_anything(folder, metric=True),
    "dpt": tiny_models.dpt,
    "dpt_dinov2": tiny_models.dpt_dinov2,
    "glpn": tiny_models.glpn,
    "zoedepth": tiny_models.zoedepth,
    "depth_pro": tiny_models.depth_pro,
}
INVERSE = {"depth_anything", "dpt"}
"""Families whose maps grow towards the camera, by their papers and model cards."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: build(tmp_path_factory.mktemp("models") / name) for name, build in FAMILIES.items()
    }


@pytest.fixture(params=FAMILIES)
def folder(request, folders):
    return folders[request.param]


def load(folder, query=""):
    return open_backend(BackendRef.parse("depth", f"transformers:{folder}?device=cpu{query}"))


def test_gives_one_finite_map_of_the_size_of_each_image(folder):
    model = load(folder)
    images = [image(64, 48, 1), image(40, 90, 2), image(64, 48, 3), image(1, 1, 4), image(300, 3)]
    together = model.estimate(images)
    assert len(together) == len(images)
    for depth, one in zip(together, images, strict=True):
        assert depth.shape == one.size[::-1]
        assert depth.dtype == np.float32
        assert np.isfinite(depth).all()
        tolerance = 1e-3 * np.ptp(depth) + 1e-5 * np.abs(depth).max()
        np.testing.assert_allclose(depth, model.estimate([one])[0], atol=tolerance)
    assert model.estimate([]) == []


def test_larger_is_farther(folder):
    """The order of the pixels is the library's, turned over where it gives inverse depth."""
    seen = image(64, 48, 1)
    processor = AutoImageProcessor.from_pretrained(folder)
    network = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    inputs = processor(images=Image.fromarray(np.array(seen.pixels())), return_tensors="pt")
    sizes = {"target_sizes": [(48, 64)]}
    if folder.name == "zoedepth":
        sizes["source_sizes"] = [(48, 64)]
    with torch.inference_mode():
        outputs = network(pixel_values=inputs["pixel_values"])
        (expected,) = processor.post_process_depth_estimation(outputs, **sizes)
    theirs = expected["predicted_depth"].numpy()
    (ours,) = load(folder).estimate([seen])
    if folder.name in INVERSE:
        np.testing.assert_allclose(ours, theirs.max() - theirs, atol=1e-4 * np.ptp(theirs))
        assert ours.min() == 0
    else:
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.ptp(theirs))
    assert np.ptp(ours) > 100 * np.abs(ours).max() * np.finfo(np.float32).eps


def test_the_polarity_can_be_given(folders):
    seen = [image(64, 48, 1)]
    (usual,) = load(folders["dpt"]).estimate(seen)
    (turned,) = load(folders["dpt"], "&polarity=depth").estimate(seen)
    np.testing.assert_allclose(usual, turned.max() - turned, atol=1e-4 * np.ptp(turned))
    assert load(folders["dpt"]).fingerprint == load(folders["dpt"], "&polarity=inverse").fingerprint
    assert load(folders["dpt"]).fingerprint != load(folders["dpt"], "&polarity=depth").fingerprint


def test_images_that_end_up_with_one_size_share_a_forward(folders):
    model = load(folders["dpt"])
    batches = []
    inner = model.model.forward

    def spy(pixel_values):
        batches.append(len(pixel_values))
        return inner(pixel_values=pixel_values)

    model.model.forward = spy
    model.estimate([image(64, 48, 1), image(40, 90, 2), image(33, 33, 3)])
    assert batches == [3]


def test_an_extremely_long_image_does_not_explode(folders):
    model = load(folders["depth_anything"])
    sizes = []
    inner = model.model.forward

    def spy(pixel_values):
        sizes.append(pixel_values.shape[-2:])
        return inner(pixel_values=pixel_values)

    model.model.forward = spy
    (depth,) = model.estimate([image(20_000, 10)])
    assert depth.shape == (10, 20_000)
    assert max(sizes[0]) <= 4 * 42


def test_a_family_of_unknown_polarity_is_refused_until_it_is_told(folders, monkeypatch):
    monkeypatch.delitem(transformers_depth._POLARITY, "dpt")
    expected = r"\(dpt\) mean\. Add polarity=depth \(larger = farther\) or polarity=inverse"
    with pytest.raises(ConfigError, match=expected):
        load(folders["dpt"])
    assert load(folders["dpt"], "&polarity=depth").estimate([image(32, 32)])


def test_values_that_are_no_numbers_are_an_error_of_the_model(folders):
    model = load(folders["dpt"])
    for parameter in model.model.head.parameters():
        parameter.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="returned NaN or infinity"):
        model.estimate([image(32, 32)])


@pytest.mark.parametrize("wrong", [np.inf, -np.inf])
def test_infinite_values_are_an_error_of_the_model(folders, wrong):
    model = load(folders["glpn"])
    with pytest.raises(ModelError, match="returned NaN or infinity"):
        model._oriented(np.array([[1.0, wrong], [2.0, 3.0]]))


def test_a_model_of_another_kind_is_refused(tmp_path):
    folder = tiny_models.clip(tmp_path / "clip")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(folder)


def test_a_processor_that_makes_no_depth_maps_is_refused(folders, tmp_path):
    for file in folders["dpt"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "preprocessor_config.json").read_text())
    config["image_processor_type"] = "ViTImageProcessor"
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=r"ViTImageProcessor\w*, which makes no depth maps"):
        load(tmp_path)


def test_an_unknown_polarity_is_refused(folders):
    with pytest.raises(ConfigError, match=r"polarity='invers' .*Did you mean 'inverse'"):
        load(folders["dpt"], "&polarity=invers")
