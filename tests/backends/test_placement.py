"""Number formats on a GPU, tried on the CPU: torch has autocast there too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fakes import tiny_detectors, tiny_models
from fakes.views import view
from viper.backends import placement as module
from viper.backends.option_models import PlacementOptions
from viper.backends.placement import Placement, on_gpu, read_placement
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import DetectRequest

CPU = Placement(torch.device("cpu"), torch.float32)
CUDA = Placement(torch.device("cuda"), torch.float32)
ROUGH = replace(CPU, autocast=torch.bfloat16)


def test_fingerprints_tell_number_formats_and_devices_apart():
    rough = replace(CUDA, autocast=torch.bfloat16)
    assert len({str(CPU), str(CUDA), str(rough), str(replace(CPU, dtype=torch.bfloat16))}) == 4
    assert str(CPU) == "torch.float32"


@pytest.mark.parametrize(
    ("device", "dtype", "autocast"),
    [("cpu", "auto", None), ("cuda", "auto", torch.bfloat16), ("cuda", "float32", None)],
)
def test_products_are_rough_on_cuda_unless_a_format_is_named(monkeypatch, device, dtype, autocast):
    monkeypatch.setattr(module, "resolve_device", lambda _: torch.device(device))
    read = read_placement(PlacementOptions.read({"dtype": dtype}, "a test"))
    assert (read.dtype, read.autocast) == (torch.float32, autocast)
    assert read.exact.autocast is None


@pytest.mark.parametrize(("device", "used"), [("cpu", False), ("mps", False), ("cuda:1", True)])
def test_pictures_are_resized_on_cuda_only(device, used):
    assert bool(on_gpu(torch.device(device))) is used


def opened(monkeypatch, role, folder, placement):
    """Open a model as if it were placed there."""
    for name in ("matcher", "detector", "depth"):
        monkeypatch.setattr(
            f"viper.backends.transformers_{name}.read_placement", lambda _: placement
        )
    return open_backend(BackendRef.parse(role, f"transformers:{folder}?device=cpu"))


def test_vectors_with_rough_products_point_nearly_the_same_way(monkeypatch, tmp_path):
    folder = tiny_models.clip(tmp_path / "clip")
    exact, rough = (opened(monkeypatch, "matcher", folder, place) for place in (CPU, ROUGH))
    views = [view(50, 40, n) for n in range(3)]
    for method, items in (("embed_images", views), ("embed_texts", ["red mug", "dog"])):
        one, two = np.stack(getattr(exact, method)(items)), np.stack(getattr(rough, method)(items))
        assert two.dtype == np.float32
        assert (one * two).sum(axis=1).min() > 0.99
        assert not np.array_equal(one, two)
    assert exact.fingerprint != rough.fingerprint


def test_owl_encodes_roughly_and_reads_boxes_and_scores_off_exactly(monkeypatch, tmp_path):
    detector = opened(monkeypatch, "detector", tiny_detectors.owlv2(tmp_path / "owlv2"), ROUGH)
    model = detector.family.model
    seen = {}

    def watch(name):
        method = getattr(model, name)

        def watched(first, *rest):
            seen[name] = (torch.is_autocast_enabled("cpu"), first.dtype)
            return method(first, *rest)

        monkeypatch.setattr(model, name, watched)

    for name in ("image_embedder", "box_predictor", "class_predictor"):
        watch(name)
    detector.detect([DetectRequest(view(500, 400), ("dog",))])
    assert seen == {
        "image_embedder": (True, torch.float32),
        "box_predictor": (False, torch.float32),
        "class_predictor": (False, torch.float32),
    }


@pytest.mark.parametrize("role", ["detector", "depth"])
def test_what_gives_boxes_or_depth_takes_exact_products(monkeypatch, role, tmp_path):
    build = {"detector": tiny_detectors.grounding_dino, "depth": tiny_models.depth_anything}[role]
    backend = opened(monkeypatch, role, build(tmp_path / role), ROUGH)
    place = backend.family.placement if role == "detector" else backend.placement
    assert place.autocast is None
