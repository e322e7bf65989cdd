"""Backends compute on CUDA what they compute on the CPU; `make gpu-check` runs these tests first.

`GPU_CHECK_DEVICE=cpu` tries the tests themselves where there is no GPU.
"""

from __future__ import annotations

import asyncio
import os

import numpy as np
import pytest
import torch

from fakes import tiny_models
from fakes.views import image, view
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import AnswerRequest
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient

DEVICE = os.environ.get("GPU_CHECK_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(), reason="there is no CUDA device"
    ),
]
VIEWS = [view(48, 32, 1), view(20, 90, 2), view(300, 20, 4)]
TEXTS = ["red mug", "blue cup", "a dog that stands left of the car"]


def both(role, folder, options=""):
    """Return the backend on the CPU and on the device."""
    return [
        open_backend(BackendRef.parse(role, f"transformers:{folder}?device={device}{options}"))
        for device in ("cpu", DEVICE)
    ]


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2"])
def test_a_matcher_multiplies_roughly_and_keeps_directions(tmp_path, family):
    on_cpu, on_device = both("matcher", getattr(tiny_models, family)(tmp_path / family))
    for method, inputs in (("embed_images", VIEWS), ("embed_texts", TEXTS)):
        pairs = zip(
            getattr(on_cpu, method)(inputs), getattr(on_device, method)(inputs), strict=True
        )
        assert min(float(left @ right) for left, right in pairs) > 0.999
    assert (on_cpu.fingerprint == on_device.fingerprint) == (DEVICE == "cpu")


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_a_matcher_in_full_precision_is_the_same(tmp_path, family):
    folder = getattr(tiny_models, family)(tmp_path / family)
    on_cpu, on_device = both("matcher", folder, "&dtype=float32")
    left, right = (np.stack(one.embed_images(VIEWS)) for one in (on_cpu, on_device))
    np.testing.assert_allclose(left, right, atol=2e-3)


def test_a_depth_model_is_the_same(tmp_path):
    images = [image(64, 48, 1), image(40, 90, 2)]
    on_cpu, on_device = both("depth", tiny_models.depth_anything(tmp_path / "depth"))
    for left, right in zip(on_cpu.estimate(images), on_device.estimate(images), strict=True):
        assert np.abs(left - right).max() <= 0.02 * np.ptp(left) + 1e-4


def test_an_answerer_in_full_precision_says_the_same(tmp_path):
    on_cpu, on_device = both("answerer", tiny_models.smolvlm(tmp_path / "vlm"), "&dtype=float32")
    requests = [AnswerRequest(one, "What colour is the mug?") for one in VIEWS]
    left, right = ([said.text for said in one.answer(requests)] for one in (on_cpu, on_device))
    assert left == right


@pytest.mark.skipif(DEVICE != "cuda", reason="memory is measured on CUDA only")
def test_the_memory_of_the_device_bounds_batches_as_soon_as_a_model_is_loaded(tmp_path):
    _, on_device = both("matcher", tiny_models.clip(tmp_path / "clip"))
    assert (on_device.largest_batch("embed_images") or 0) >= 1


@pytest.mark.skipif(
    DEVICE == "cuda" and torch.cuda.device_count() < 2, reason="there is one CUDA device"
)
def test_replicas_serve_one_queue(tmp_path):
    devices = "cpu,cpu" if DEVICE == "cpu" else "cuda:0,cuda:1"
    folder = tiny_models.clip(tmp_path / "clip")
    ref = BackendRef.parse("matcher", f"transformers:{folder}?device={devices}")
    pool = ModelPool({"matcher": ref})

    async def embedded():
        return await VisionClient(pool, model_call_s=60).embed(VIEWS, TEXTS)

    try:
        images, texts = asyncio.run(embedded())
        assert (len(images), len(texts)) == (len(VIEWS), len(TEXTS))
    finally:
        assert pool.close(60)
