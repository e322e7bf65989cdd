from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fakes import limber_world
from viper.limber.answerer import load_language
from viper.limber.model import LimberModel, SoftPrompts
from viper.limber.training import Lesson, new_map, train_map
from viper.limber.training_loop import TrainingConfig


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return limber_world.language(tmp_path_factory.mktemp("language") / "model")


@pytest.fixture
def loaded(language: Path):
    model, tokenizer, _ = load_language(str(language), torch.device("cpu"), torch.float32)
    return model, tokenizer


PREFIX = f"question: {limber_world.QUESTION} answer:"
FEATURES = torch.eye(2, 6)
LESSONS = [Lesson(0, limber_world.QUESTION, "red"), Lesson(1, limber_world.QUESTION, "blue")]


def test_the_map_is_linear_up_to_its_bias() -> None:
    torch.manual_seed(0)
    soft = SoftPrompts(5, 3, 4)
    soft.standardise(torch.randn(50, 5) * 7 + 2)
    one, two = torch.randn(1, 5), torch.randn(1, 5)
    zero = soft(torch.zeros(1, 5))
    together = soft(one + two)
    assert together.shape == (1, 3, 4)
    assert torch.allclose(together - zero, soft(one) + soft(two) - 2 * zero, atol=1e-5)


def test_standardised_features_have_mean_zero_and_deviation_one() -> None:
    features = torch.randn(200, 3) * torch.tensor([1.0, 5.0, 20.0]) + 4
    soft = SoftPrompts(3, 1, 2)
    soft.standardise(features)
    seen = (features - soft.mean) * soft.scale
    assert torch.allclose(seen.mean(dim=0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(seen.std(dim=0)[1:], torch.ones(2), atol=1e-4)


def test_features_that_never_change_are_not_blown_up() -> None:
    soft = SoftPrompts(2, 1, 2)
    soft.standardise(torch.tensor([[1.0, 3.0], [2.0, 3.0], [3.0, 3.0]]))
    assert torch.isfinite(soft.scale).all()
    assert soft.scale[1] <= 20 * soft.scale[0] + 1


def test_a_trained_map_makes_the_frozen_model_say_what_is_seen(loaded) -> None:
    language, tokenizer = loaded
    before = {name: value.clone() for name, value in language.state_dict().items()}
    model = LimberModel(language, tokenizer, new_map(FEATURES, 2, language, seed=0))
    losses: list[float] = []
    config = TrainingConfig(steps=150, batch=4, learning_rate=2e-2, warmup=5)
    train_map(model, FEATURES, LESSONS, config, on_step=lambda _, loss: losses.append(loss))
    assert losses[-1] < 0.1 < losses[0]
    assert model.write(FEATURES, [PREFIX, PREFIX], 4) == ["red", "blue"]
    after = language.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_answer_does_not_depend_on_the_questions_beside_it(loaded) -> None:
    language, tokenizer = loaded
    model = LimberModel(language, tokenizer, new_map(FEATURES, 2, language, seed=3))
    prefixes = [PREFIX, "question: answer:", PREFIX]
    rows = torch.cat([FEATURES, FEATURES[:1]])
    together = model.write(rows, prefixes, 4)
    alone = [model.write(rows[n : n + 1], prefixes[n : n + 1], 4)[0] for n in range(3)]
    assert together == alone
    assert model.write(rows[:0], [], 4) == []


def test_the_loss_of_a_batch_is_the_mean_over_its_words(loaded) -> None:
    language, tokenizer = loaded
    model = LimberModel(language, tokenizer, new_map(FEATURES, 2, language, seed=3))
    targets = ["red", "red blue red"]  # of different lengths, so that one is padded
    together = model.loss(FEATURES, ["", PREFIX], targets)
    lengths, sums = [], []
    for n, (prefix, target) in enumerate(zip(["", PREFIX], targets, strict=True)):
        said = target if not prefix else f" {target}"
        length = len(tokenizer(said, add_special_tokens=False)["input_ids"]) + 1
        lengths.append(length)
        sums.append(model.loss(FEATURES[n : n + 1], [prefix], [target]) * length)
    assert torch.allclose(together, sum(sums) / sum(lengths), atol=1e-4)


def test_training_goes_on_where_it_was_cut_off(loaded, tmp_path: Path) -> None:
    language, tokenizer = loaded

    def trained(steps: list[int], checkpoint: Path) -> torch.Tensor:
        for until in steps:
            model = LimberModel(language, tokenizer, new_map(FEATURES, 2, language, seed=1))
            config = TrainingConfig(steps=until, batch=2, warmup=100, save_every=2)
            train_map(model, FEATURES, LESSONS, config, checkpoint=checkpoint)
        return model.soft.linear.weight

    whole = trained([4], tmp_path / "whole.pt")
    in_parts = trained([2, 4], tmp_path / "parts.pt")
    assert torch.allclose(whole, in_parts, atol=1e-6)
