from __future__ import annotations

import pytest
import torch

from fakes import tiny_models
from viper.backends import batch_gauge
from viper.backends.batch_gauge import BatchGauge, measured_batch
from viper.backends.placement import Placement
from viper.models.registry import BackendRef, open_backend

CPU = torch.device("cpu")


def network():
    return torch.nn.Sequential(
        torch.nn.Linear(100, 4_000), torch.nn.ReLU(), torch.nn.Linear(4_000, 5)
    )


def gauge(monkeypatch, free_bytes):
    monkeypatch.setattr(batch_gauge, "_free_ram", lambda: free_bytes)
    model = network()
    watched = BatchGauge(model, Placement(CPU, torch.float32))
    watched.measure(lambda items: pytest.fail("on a CPU nothing is run when a model is loaded"))
    return model, watched


def test_the_first_forward_tells_how_many_items_fit(monkeypatch):
    model, watched = gauge(monkeypatch, 20_000_000)
    assert watched.largest_batch == 8
    with watched.watched(3):
        model(torch.zeros(3, 100))
    # The ReLU holds 4,000 numbers twice; as much again lies beside it.
    assert watched.largest_batch == 20_000_000 // 4 // (2 * 2 * 4_000 * 4)
    assert not any(layer._forward_hooks for layer in model.modules())


def test_forwards_that_are_not_watched_count_for_nothing(monkeypatch):
    model, watched = gauge(monkeypatch, 20_000_000)
    model(torch.zeros(500, 100))  # texts, say
    with watched.watched(1):
        model(torch.zeros(1, 100))
    assert watched.largest_batch == 20_000_000 // 4 // (2 * 2 * 4_000 * 4)


@pytest.mark.parametrize("role", ["matcher", "depth"])
def test_a_backend_can_be_run_as_soon_as_its_memory_is_measured(role, monkeypatch, tmp_path):
    """As on CUDA, where that is done while the backend is made."""
    runs = []

    def measured(run, device):
        for items in (1, 1, 4):
            runs.append(items)
            run(items)
        return 17

    monkeypatch.setattr(batch_gauge, "measured_batch", measured)
    build = {"matcher": tiny_models.clip, "depth": tiny_models.depth_anything}[role]
    backend = open_backend(
        BackendRef.parse(role, f"transformers:{build(tmp_path / role)}?device=cpu")
    )
    assert runs == [1, 1, 4]
    method = {"matcher": "embed_images", "depth": "estimate"}[role]
    assert 1 <= backend.largest_batch(method) != 8
    if role == "matcher":
        assert backend.largest_batch("embed_texts") is None


def test_later_forwards_are_not_watched(monkeypatch):
    model, watched = gauge(monkeypatch, 20_000_000)
    for items in (1, 64):
        with watched.watched(items):
            model(torch.zeros(items, 100))
    assert watched.largest_batch == 20_000_000 // 4 // (2 * 2 * 4_000 * 4)


def test_a_single_item_is_always_tried(monkeypatch):
    model, watched = gauge(monkeypatch, 10)
    with watched.watched(1):
        model(torch.zeros(1, 100))
    assert watched.largest_batch == 1


def test_a_forward_that_fails_teaches_nothing(monkeypatch):
    model, watched = gauge(monkeypatch, 20_000_000)
    with pytest.raises(RuntimeError), watched.watched(1):
        model(torch.zeros(1, 7))
    assert watched.largest_batch == 8


def test_the_free_memory_of_this_machine_is_known_or_guessed():
    assert batch_gauge._free_ram() > 1_000_000


def test_only_cuda_is_asked_by_running():
    assert measured_batch(lambda items: pytest.fail("not run"), CPU) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_cuda_memory_is_measured_when_the_model_is_loaded():
    device = torch.device("cuda")
    model = network().to(device)
    found = measured_batch(lambda items: model(torch.zeros(items, 100, device=device)), device)
    assert found is not None
    assert found >= 1
