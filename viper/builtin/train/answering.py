"""Trains the map from what the network sees of a view to the language model, and measures the answers."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viper.builtin.questions import kind_of_question
from viper.builtin.sight import Viewer
from viper.builtin.train.data import IMAGE_SIZE, read_picture
from viper.builtin.train.texts import MOST, question_about
from viper.images.boxes import Box
from viper.limber.evaluation import Trial, choose, score
from viper.limber.folder import Wiring, write_map
from viper.limber.model import LimberModel
from viper.limber.training import Lesson, TrainingConfig, new_map, prefix_of, train_map

__all__ = ["Views", "compare", "look_at_views", "train_answerer"]

_PROMPTS = 8
_LESSONS_PER_VIEW = 6
_SHAKEN = 0.05
# Standard deviation of the edges of a view, as a share of the thing: a detector's boxes are as good.
_OPTIONS = {
    "color": ("gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"),
    "shape": ("cube", "sphere", "cylinder"),
    "material": ("rubber", "metal"),
    "size": ("small", "large"),
}


@dataclass(frozen=True, slots=True)
class Views:
    """What the network sees of many views, and what is in them."""

    features: Tensor
    """Shape (N, DESCRIBED)."""
    embeddings: NDArray[np.float32]
    """The matcher's vectors of the same, shape (N, 64)."""
    things: list[list[dict[str, Any]]]
    """The things of each view."""


def look_at_views(
    pictures: Path,
    count: int,
    viewer: Viewer,
    *,
    seed: int,
    on_seen: Callable[[int], None] | None = None,
) -> Views:
    """Look at every thing of the first pictures of a folder, and at each picture as a whole.

    Args:
        pictures: Folder of `data.draw_pictures`.
        count: How many of its pictures.
        viewer: Sees.
        seed: Of the small errors of the views' edges.
        on_seen: Called with the number of pictures that were looked at.
    """
    dice = random.Random(seed)
    rows: list[NDArray[np.float32]] = []
    embeddings: list[NDArray[np.float32]] = []
    things: list[list[dict[str, Any]]] = []
    for number in range(count):
        picture = read_picture(pictures, number)
        sight = viewer.look_at(picture.pixels)
        boxes: list[Box] = [_shaken(thing["bbox_xyxy"], dice) for thing in picture.objects]
        things += [[thing] for thing in picture.objects]
        if 2 <= len(picture.objects) <= MOST:
            boxes.append((0.0, 0.0, float(IMAGE_SIZE[0]), float(IMAGE_SIZE[1])))
            things.append(picture.objects)
        rows.append(viewer.describe(sight, boxes))
        embeddings.append(viewer.embed_boxes(sight, boxes))
        if on_seen is not None:
            on_seen(number + 1)
    return Views(torch.from_numpy(np.concatenate(rows)), np.concatenate(embeddings), things)


def train_answerer(
    views: Views,
    language: Any,
    tokenizer: Any,
    folder: Path,
    steps: int,
    *,
    blind: bool = False,
    on_step: Callable[[int, float], None] | None = None,
) -> LimberModel:
    """Train the map and write it into a folder.

    Args:
        views: To learn from.
        language: The trained language model of transformers.
        tokenizer: Its tokenizer.
        folder: Gets the map; beside it lies the checkpoint of an interrupted run.
        steps: Of 96 questions.
        blind: Train the control instead, for which all views look the same; it is not written.
        on_step: Called with the number of finished steps and the loss of the last.
    """
    dice = random.Random(3)
    lessons = [
        Lesson(row, *question_about(things, dice))
        for row, things in enumerate(views.things)
        for _ in range(_LESSONS_PER_VIEW)
    ]
    recipe = TrainingConfig(
        steps=steps, batch=96, learning_rate=2e-3, warmup=100, seed=3, noise=0.1
    )
    features = _blinded(views.features) if blind else views.features
    model = LimberModel(
        language, tokenizer, new_map(views.features, _PROMPTS, language, recipe.seed)
    )
    checkpoint = folder.with_name(f"{folder.name}{'-blind' if blind else ''}.pt")
    train_map(model, features, lessons, recipe, checkpoint=checkpoint, on_step=on_step)
    if not blind:
        wiring = Wiring("builtin", "language", views.features.shape[1], _PROMPTS, model.soft.width)
        write_map(folder, wiring, model.soft)
    return model


def compare(
    views: Views, seeing: LimberModel, blind: LimberModel, viewer: Viewer
) -> dict[str, Any]:
    """Ask questions about views and count the right answers, by kind of question.

    Returns:
        For "limber" and "blind" accuracy by kind; for "best_text_match", the matcher's choice among
        the options, the same where a question has options.
    """
    dice = random.Random(4)
    asked = [
        (row, *question_about(things, dice))
        for row, things in enumerate(views.things)
        for _ in "ab"
    ]
    trials = [Trial(question, answer) for _, question, answer in asked]
    kinds = [kind_of_question(question) or "other" for _, question, _ in asked]
    rows = [row for row, _, _ in asked]
    features = {"limber": views.features, "blind": _blinded(views.features)}
    figures: dict[str, Any] = {}
    for name, model in (("limber", seeing), ("blind", blind)):
        answers: list[str] = []
        for start in range(0, len(trials), 256):
            part = slice(start, start + 256)
            prefixes = [prefix_of(trial.question) for trial in trials[part]]
            answers += model.write(features[name][rows[part]], prefixes, 8)
        figures[name] = _by_kind(trials, answers, kinds)
    closed = [n for n, kind in enumerate(kinds) if kind in _OPTIONS]
    texts = [option for options in _OPTIONS.values() for option in options]
    vectors = dict(zip(texts, viewer.embed_texts(texts), strict=True))
    chosen = choose(
        [views.embeddings[rows[n]] for n in closed], [_OPTIONS[kinds[n]] for n in closed], vectors
    )
    figures["best_text_match"] = _by_kind(
        [trials[n] for n in closed], chosen, [kinds[n] for n in closed]
    )
    return figures


def _by_kind(
    trials: Sequence[Trial], answers: Sequence[str], kinds: Sequence[str]
) -> dict[str, dict[str, float]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for number, kind in enumerate(kinds):
        rows[kind].append(number)
    figures = {}
    for kind, numbers in sorted(rows.items()):
        counted = score([trials[n] for n in numbers], [answers[n] for n in numbers])
        figures[kind] = {"accuracy": round(counted.accuracy, 4), "n": counted.n}
    return figures


def _blinded(features: Tensor) -> Tensor:
    """Return the mean of features in the place of each, so that nothing can be told from them."""
    return features.mean(dim=0, keepdim=True).expand_as(features)


def _shaken(box: Sequence[float], dice: random.Random) -> Box:
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    left, top = x1 + dice.gauss(0, _SHAKEN) * w, y1 + dice.gauss(0, _SHAKEN) * h
    right, bottom = x2 + dice.gauss(0, _SHAKEN) * w, y2 + dice.gauss(0, _SHAKEN) * h
    left, top = max(0.0, left), max(0.0, top)
    return (
        left,
        top,
        max(left + 1, min(right, IMAGE_SIZE[0])),
        max(top + 1, min(bottom, IMAGE_SIZE[1])),
    )
