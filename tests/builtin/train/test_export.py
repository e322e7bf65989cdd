"""An exported graph computes what the network computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from viper.builtin.graphs import DESCRIBED, EMBEDDING, STRIDE, Graphs
from viper.builtin.language import LanguageGraph
from viper.builtin.train.export import export_language, export_network
from viper.builtin.train.language import new_language, new_tokenizer
from viper.builtin.train.network import NECK, PLACE, WorldNetwork
from viper.builtin.words import encode
from viper.limber.model import LimberModel, SoftPrompts
from viper.limber.prompt import prefix_of


@pytest.fixture(scope="module")
def network() -> WorldNetwork:
    torch.manual_seed(0)
    network = WorldNetwork().eval().requires_grad_(False)
    network.familiarity.fit(torch.randn(300, 2 * NECK), torch.randn(100, 2 * NECK))
    return network


@pytest.fixture(scope="module")
def graphs(network, tmp_path_factory) -> Graphs:
    folder = tmp_path_factory.mktemp("graphs")
    export_network(network, folder)
    return Graphs(folder)


@pytest.mark.parametrize("size", [(64, 96), (96, 128), (256, 384), (32, 32)])
def test_maps_are_those_of_the_network_for_images_of_any_size(network, graphs, size):
    image = torch.rand(1, 3, *size)
    dense, maps = network(image), graphs.encode(image.numpy())
    assert np.allclose(maps.features, dense.features, atol=1e-4)
    assert np.allclose(maps.edges, dense.edges[0], atol=1e-4)
    assert np.allclose(maps.log_depth, dense.log_depth[0], atol=1e-4)
    assert maps.centers.shape == (size[0] // STRIDE, size[1] // STRIDE)
    certain = dense.centers[0].sigmoid().numpy()
    peaks = maps.centers > 0
    assert 0 < peaks.sum() < peaks.size
    assert np.allclose(maps.centers[peaks], certain[peaks], atol=1e-4)
    assert maps.strangeness == pytest.approx(network.familiarity(dense.features).item(), rel=1e-3)


@pytest.mark.parametrize("size", [(64, 96), (256, 384)])
def test_regions_are_those_of_the_network(network, graphs, size):
    features = torch.randn(1, NECK, size[0] // STRIDE, size[1] // STRIDE)
    boxes = torch.tensor([[1.0, 2, 30, 40], [-4, -3, 60, 50], [50, 40, 99, 80]])
    rows = torch.cat([torch.zeros(3, 1), boxes], dim=1)
    wanted = network.look_closer(features, rows)
    found = graphs.regions(features.numpy(), boxes.numpy())
    assert np.allclose(found.embeddings, wanted.embeddings, atol=1e-4)
    assert np.allclose(found.log_distances, wanted.log_distances, atol=1e-4)
    pooled = network.pool(features, rows)
    assert found.descriptions.shape == (3, DESCRIBED)
    assert np.allclose(found.descriptions[:, -PLACE:], pooled[:, -PLACE:], atol=1e-4)
    cells = pooled[:, :-PLACE].reshape(3, NECK, -1)
    means = found.descriptions[:, EMBEDDING : EMBEDDING + NECK]
    assert np.allclose(means, cells.mean(dim=2), atol=1e-4)


def test_texts_and_scales_are_those_of_the_network(network, graphs):
    words = encode(["red cube", "the small metal ball that is blue", "zebra", "thing"])
    wanted = network.embed_texts(torch.from_numpy(words))
    assert np.allclose(graphs.embed_texts(words), wanted, atol=1e-5)
    assert graphs.scales.logit_scale == pytest.approx(network.log_scale.exp().item())
    assert graphs.scales.match_scale == pytest.approx(network.match_scale.item())
    assert graphs.scales.match_bias == pytest.approx(network.match_bias.item())


def test_nothing_gives_nothing(graphs):
    none = graphs.regions(np.zeros((1, NECK, 8, 8), np.float32), np.zeros((0, 4), np.float32))
    assert none.embeddings.shape == (0, EMBEDDING)
    assert none.descriptions.shape == (0, DESCRIBED)
    assert graphs.embed_texts(encode([])).shape == (0, EMBEDDING)


def test_an_exported_language_model_writes_the_same_texts(tmp_path):
    torch.manual_seed(1)
    tokenizer = new_tokenizer()
    language = new_language(tokenizer)
    with torch.no_grad():  # larger weights, so that answers differ
        for weights in language.parameters():
            weights.mul_(3)
    model = LimberModel(language, tokenizer, SoftPrompts(DESCRIBED, 8, 96, spread=3.0))
    export_language(model, tmp_path)
    exported = LanguageGraph(tmp_path)
    questions = ["what color is it", "what is the small red thing made of", "what is this"] * 4
    prefixes = [prefix_of(question) for question in questions]
    features = torch.randn(len(prefixes), DESCRIBED)
    wanted = model.write(features, prefixes, 8)
    assert exported.write(features.numpy(), prefixes, 8) == wanted
    assert len(set(wanted)) > 1
    assert exported.write(features.numpy()[:0], [], 8) == []
