from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from viper.builtin import answerer, depth, detector, matcher
from viper.builtin.graphs import Graphs
from viper.builtin.sight import Viewer
from viper.builtin.train import losses
from viper.builtin.train.__main__ import main
from viper.builtin.train.batches import Batch, Images, collate
from viper.builtin.train.data import draw_images
from viper.builtin.train.evaluate import evaluate
from viper.builtin.train.export import export_network
from viper.builtin.train.network import Dense, WorldNetwork
from viper.builtin.train.perception import train_perception
from viper.images.decoding import open_image
from viper.images.image import View
from viper.limber.training_loop import TrainingConfig


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_images(folder, 4, first_seed=500)
    return folder


@pytest.fixture
def batch(drawn: Path) -> Batch:
    dataset = Images(drawn, 4, None)
    return collate([dataset[number] for number in range(4)])


def perfect(batch: Batch) -> Dense:
    """What a network that sees everything would say."""
    centers = torch.where(batch.centers >= 0.9999, 20.0, -20.0)
    edges = batch.edges.clamp(min=0.1)
    return Dense(torch.zeros(4, 64, *centers.shape[1:]), centers, edges, batch.log_depth)


def test_a_perfect_prediction_costs_nothing(batch: Batch) -> None:
    dense = perfect(batch)
    assert losses.center_loss(dense, batch) < 1e-3
    assert losses.edge_loss(dense, batch) < 1e-3
    assert losses.depth_loss(dense, batch) == 0


def test_a_wrong_prediction_costs_more(batch: Batch) -> None:
    right = perfect(batch)
    wrong = Dense(right.features, -right.centers, right.edges * 2, right.log_depth + 1)
    assert losses.center_loss(wrong, batch) > 1
    assert losses.edge_loss(wrong, batch) > 0.1
    assert losses.depth_loss(wrong, batch) > 0.5


def test_vectors_that_tell_what_is_true_cost_less_than_random_ones(batch: Batch) -> None:
    texts = torch.eye(len(batch.captions))
    said = torch.tensor([float(len(c.conditions)) for c in batch.captions])
    knowing = torch.nn.functional.normalize(batch.fits.float() * said.exp(), dim=1)
    torch.manual_seed(0)
    guessing = torch.nn.functional.normalize(torch.randn_like(knowing), dim=1)
    scale = torch.tensor(2.0)
    known = losses.contrastive_loss(knowing, texts, scale, batch)
    assert known < losses.contrastive_loss(guessing, texts, scale, batch)


def test_training_goes_on_where_it_was_cut_off(drawn: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    for until in (1, 2):
        config = TrainingConfig(steps=until, batch=2, warmup=1, save_every=1)
        train_perception(
            drawn, 4, tmp_path, config, workers=0, on_step=lambda step, _: steps.append(step)
        )
    assert steps == [1, 2]


def test_figures_of_an_untrained_network_are_shares(drawn: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    export_network(WorldNetwork().eval(), tmp_path)
    viewer = Viewer(Graphs(tmp_path))
    scene = json.loads((drawn / "scenes" / "000000.json").read_text())
    pixels = np.zeros((256, 384, 3), np.uint8)
    figures = evaluate([(pixels, scene["objects"])], viewer)
    shares = [
        *figures.ap50.values(),
        *figures.attributes.values(),
        figures.depth_order,
        figures.find_precision,
        figures.find_recall,
    ]
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_trains_everything_and_its_folder_serves_every_role(tmp_path: Path) -> None:
    arguments = [
        str(tmp_path), "--images", "16", "--validation", "4", "--steps", "2",
        "--text-steps", "2", "--map-steps", "2", "--views-of", "4",
    ]  # fmt: skip
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert sum(path.stat().st_size for path in tmp_path.glob("*.onnx")) < 15_000_000
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) == {
        "pictures", "ap50", "attributes", "depth_order", "find_precision", "find_recall", "answers",
    }  # fmt: skip
    assert "| AP50 of all things |" in (tmp_path / "card.md").read_text()
    assert set(figures["answers"]) == {"limber", "blind", "best_text_match"}
    pixels = np.full((256, 384, 3), 128, np.uint8)
    image = open_image(pixels)
    view = View(image, (0.0, 0.0, 384.0, 256.0))
    for module in (detector, matcher, depth, answerer):
        module.load(str(tmp_path), {})
    assert depth.load(str(tmp_path), {}).measure([view])[0] > 0
    again = CliRunner().invoke(main, arguments)  # all is there: nothing is trained anew
    assert again.exit_code == 0
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
