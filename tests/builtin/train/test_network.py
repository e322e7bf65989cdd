from __future__ import annotations

import pytest
import torch

from viper.builtin.graphs import EMBEDDING, STRIDE
from viper.builtin.train.network import Familiarity, WorldNetwork, summary
from viper.builtin.words import encode


@pytest.fixture(scope="module")
def network() -> WorldNetwork:
    torch.manual_seed(0)
    return WorldNetwork().eval()


@torch.inference_mode()
def test_maps_have_one_cell_per_stride(network: WorldNetwork) -> None:
    dense = network(torch.rand(2, 3, 64, 96))
    assert dense.features.shape[::2] == (2, 64 // STRIDE)
    assert dense.centers.shape == dense.log_depth.shape == (2, 64 // STRIDE, 96 // STRIDE)
    assert dense.edges.shape == (2, 4, 64 // STRIDE, 96 // STRIDE)
    assert (dense.edges > 0).all()


@torch.inference_mode()
def test_regions_and_texts_are_unit_vectors_of_one_space(network: WorldNetwork) -> None:
    features = network(torch.rand(1, 3, 64, 96)).features
    regions, log_distances = network.look_closer(
        features, torch.tensor([[0.0, 4, 4, 40, 40], [0, 0, 0, 96, 64]])
    )
    assert log_distances.shape == (2,)
    texts = network.embed_texts(torch.from_numpy(encode(["red cube", "thing"])))
    assert regions.shape == texts.shape == (2, EMBEDDING)
    for vectors in (regions, texts):
        assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)


@torch.inference_mode()
def test_a_text_does_not_depend_on_the_texts_beside_it(network: WorldNetwork) -> None:
    texts = ["red cube", "the small metal ball that is blue", "thing"]
    together = network.embed_texts(torch.from_numpy(encode(texts)))
    for text, vector in zip(texts, together, strict=True):
        (alone,) = network.embed_texts(torch.from_numpy(encode([text])))
        assert torch.allclose(alone, vector, atol=1e-5)


@torch.inference_mode()
def test_a_picture_does_not_depend_on_the_pictures_beside_it(network: WorldNetwork) -> None:
    pictures = torch.rand(2, 3, 64, 96)
    together = network(pictures)
    alone = network(pictures[1:])
    assert torch.allclose(together.centers[1], alone.centers[0], atol=1e-4)


def test_what_lies_beyond_the_training_pictures_is_unfamiliar() -> None:
    torch.manual_seed(0)
    spread = torch.rand(128) + 0.1
    familiarity = Familiarity()
    familiarity.fit(torch.randn(3000, 128) * spread, torch.randn(300, 128) * spread)
    maps = torch.randn(20, 64, 6, 8)
    alike = familiarity._distance(torch.randn(50, 128) * spread) / familiarity.limit
    assert (alike < 1).all()
    strange = familiarity(maps * 30 + 20)
    assert strange.shape == (20,)
    assert (strange > 1).all()


def test_before_it_is_measured_everything_is_familiar() -> None:
    assert (Familiarity()(torch.randn(2, 64, 3, 3) * 1e6) <= 1).all()


def test_a_summary_is_the_mean_and_the_deviation_of_every_channel() -> None:
    maps = torch.randn(3, 64, 5, 7)
    found = summary(maps)
    assert torch.allclose(found[:, :64], maps.mean(dim=(2, 3)), atol=1e-6)
    assert torch.allclose(found[1, 64:], maps[1].flatten(1).std(dim=1), atol=1e-5)
