"""Many patches in one call: equal ones are compared once, others in slices, and little is kept."""

import asyncio
import tracemalloc

import numpy as np
import pytest

from fakes.backends import FakeMatcher, blank_image
from viper.images.image import View
from viper.images.region import Patch
from viper.methods import matching
from viper.methods.image_patch import best_image_match
from viper.methods.matching import logits_of
from viper.methods.method_call import MethodCall
from viper.models.registry import BackendRef
from viper.scheduling import metrics as metrics_module
from viper.scheduling.metrics import AnswerMetrics
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.operation import Served
from viper.scheduling.vision_client import VisionClient

IMAGE = blank_image(4_000, 100)


def patch(n):
    return Patch(View(IMAGE, (float(n), 0.0, float(n) + 1.0, 50.0)), "cup", 0.5)


class Counting(FakeMatcher):
    """Remembers the largest number of views in a forward and all that it has seen; vectors are wide."""

    width = 4_096

    def __init__(self):
        super().__init__()
        self.seen = []

    def embed_images(self, views):
        self.image_batches.append(len(views))
        self.seen += [view.box_xyxy for view in views]
        vectors = []
        for view in views:
            vector = np.zeros(self.width, np.float32)
            vector[int(view.box_xyxy[0]) % 7] = 1.0
            vectors.append(vector)
        return vectors

    def embed_texts(self, texts):
        self.text_batches.append(list(texts))
        vector = np.zeros(self.width, np.float32)
        vector[5] = 1.0
        return [vector.copy() for _ in texts]


@pytest.fixture
def served():
    matcher = Counting()
    ref = BackendRef("matcher", "fake", "matcher")
    pool = ModelPool({"matcher": ref}, opener=lambda _: matcher)
    client = VisionClient(pool, model_call_s=20, prefetch=False)
    yield matcher, client
    assert pool.close(5)


EQUAL = {
    "one patch": [patch(5)] * 1_000,
    "two patches in turn": [patch(3), patch(5)] * 400,
    "equal boxes with other categories": [
        Patch(patch(5).view, f"name {n}", n / 1_000) for n in range(500)
    ],
    "equal patches that are not identical": [patch(5) for _ in range(500)],
    "the best one last": [patch(1)] * 999 + [patch(5)],
}


@pytest.mark.parametrize("patches", EQUAL.values(), ids=EQUAL)
def test_equal_patches_are_embedded_once_and_the_answer_is_the_same(served, patches):
    matcher, client = served
    views = list(dict.fromkeys(p.view for p in patches))
    call = MethodCall(client, patch(0))
    index = asyncio.run(best_image_match(call, patches, "dog", True))
    assert matcher.seen == [view.box_xyxy for view in views]
    wanted = [7 * 10 if p.view.box_xyxy[0] == 5 else 0 for p in patches]
    assert index == int(np.argmax(wanted))
    means = np.array([100.0 if p.view.box_xyxy[0] == 5 else 0.0 for p in patches])
    shares = np.exp(means - means.max())
    assert call.score == pytest.approx(shares[index] / shares.sum())


def test_control_different_patches_are_each_embedded(served):
    matcher, client = served
    asyncio.run(
        best_image_match(MethodCall(client, patch(0)), [patch(n) for n in range(50)], "dog", True)
    )
    assert len(matcher.seen) == len(set(matcher.seen)) == 50


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 700])
def test_slices_change_no_logit_and_no_number_of_forwards(served, count, monkeypatch):
    matcher, client = served
    patches = [patch(n) for n in range(count)]
    sliced = asyncio.run(logits_of(client, patches, ["dog", "cat"]))
    assert sum(matcher.image_batches) == count
    assert len(matcher.image_batches) <= -(-count // 64) + 1  # the first forward may begin early
    monkeypatch.setattr(matching, "_SLICE", 10**9)
    np.testing.assert_array_equal(sliced, asyncio.run(logits_of(client, patches, ["dog", "cat"])))
    assert sliced.shape == (count, 2)


@pytest.mark.parametrize("is_bounded", [True, False], ids=["bounded", "control"])
def test_memory_of_vectors_does_not_grow_with_their_number(served, monkeypatch, is_bounded):
    _, client = served
    monkeypatch.setattr(metrics_module, "MOST_ARRAY_BYTES", 1_000_000)
    if not is_bounded:
        monkeypatch.setattr(metrics_module, "MOST_ARRAY_BYTES", 10**12)
        monkeypatch.setattr(matching, "_SLICE", 10**9)
    asyncio.run(logits_of(client, [patch(3_999)], ["dog"]))  # imports and tables

    def peak(start, count):
        client.metrics.results.clear()
        client.metrics._array_bytes.clear()
        tracemalloc.start()
        try:
            asyncio.run(logits_of(client, [patch(start + n) for n in range(count)], ["dog"]))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(0, 256), peak(1_000, 1_024)
    assert (many < 2 * few) is is_bounded


@pytest.mark.parametrize("is_bounded", [True, False], ids=["bounded", "control"])
@pytest.mark.parametrize(("count", "floats"), [(100, 25_000), (5_000, 500), (3, 1_000_000)])
def test_an_answer_keeps_a_bounded_size_of_arrays(monkeypatch, count, floats, is_bounded):
    monkeypatch.setattr(metrics_module, "MOST_ARRAY_BYTES", 4_000_000 if is_bounded else 10**12)
    metrics = AnswerMetrics()
    for n in range(count):
        metrics.keep({str(n).encode(): Served(np.zeros(floats, np.float32))})
    metrics.keep({b"text": Served("text")})
    kept = [r.value.nbytes for r in metrics.results.values() if isinstance(r.value, np.ndarray)]
    assert (sum(kept) <= 4_000_000) is is_bounded
    assert str(count - 1).encode() in metrics.results
    assert b"text" in metrics.results


def test_a_result_that_was_dropped_is_requested_again(served, monkeypatch):
    matcher, client = served
    monkeypatch.setattr(metrics_module, "MOST_ARRAY_BYTES", 40_000)
    patches = [patch(n) for n in range(20)]
    first = asyncio.run(logits_of(client, patches, ["dog"]))
    np.testing.assert_array_equal(first, asyncio.run(logits_of(client, patches, ["dog"])))
    assert 20 < len(matcher.seen) <= 40
