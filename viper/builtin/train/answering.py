"""Trains the map from the features of a view to the language model, and measures the answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viper.builtin.language import LanguageGraph
from viper.builtin.questions import kind_of_question
from viper.builtin.sight import Viewer
from viper.builtin.train.captions import ATTRIBUTES
from viper.builtin.train.data import IMAGE_SIZE, read_image
from viper.builtin.train.texts import MAX_OBJECTS, question_about
from viper.images.boxes import Box
from viper.limber.evaluation import Trial, choose, score, write_answers
from viper.limber.folder import Wiring, write_map
from viper.limber.model import LimberModel
from viper.limber.prompt import prefix_of
from viper.limber.training import Lesson, blinded, new_map, train_map
from viper.limber.training_loop import TrainingConfig

__all__ = ["Views", "compare", "read_views", "train_answerer"]

_PROMPTS = 8
_CHUNK = 256
_MAX_NEW_TOKENS = 8
_LESSONS_PER_VIEW = 6
_JITTER = 0.05
# Standard deviation of errors of a view's edges, as a share of the object: about that of the detector.


@dataclass(frozen=True, slots=True)
class Views:
    """The features of many views, and the objects in them."""

    features: Tensor
    """Shape (N, DESCRIBED)."""
    embeddings: NDArray[np.float32]
    """The matcher's vectors, shape (N, 64)."""
    objects: list[list[dict[str, Any]]]
    """The objects of each view."""


def read_views(
    images: Path,
    count: int,
    viewer: Viewer,
    *,
    seed: int,
    on_image: Callable[[int], None] | None = None,
) -> Views:
    """Compute the features of each object in the first images of a folder, and of each whole image.

    Args:
        images: Folder of `data.draw_images`.
        count: Number of its images.
        viewer: Of the trained network.
        seed: Seed of the random errors of the views' edges.
        on_image: Called with the number of finished images.
    """
    rng = random.Random(seed)
    rows: list[NDArray[np.float32]] = []
    embeddings: list[NDArray[np.float32]] = []
    objects: list[list[dict[str, Any]]] = []
    for number in range(count):
        drawn = read_image(images, number)
        sight = viewer.look_at(drawn.pixels)
        boxes: list[Box] = [_jittered(item["bbox_xyxy"], rng) for item in drawn.objects]
        objects += [[item] for item in drawn.objects]
        if 2 <= len(drawn.objects) <= MAX_OBJECTS:
            boxes.append((0.0, 0.0, float(IMAGE_SIZE[0]), float(IMAGE_SIZE[1])))
            objects.append(drawn.objects)
        rows.append(viewer.describe(sight, boxes))
        embeddings.append(viewer.embed_boxes(sight, boxes))
        if on_image is not None:
            on_image(number + 1)
    return Views(torch.from_numpy(np.concatenate(rows)), np.concatenate(embeddings), objects)


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
        folder: Gets the map; the checkpoint of an interrupted run is beside it.
        steps: Steps, of 96 questions.
        blind: Train the control instead, with equal features for all views; it is not written.
        on_step: Called with the number of finished steps and the last loss.
    """
    rng = random.Random(3)
    lessons = [
        Lesson(row, *question_about(objects, rng))
        for row, objects in enumerate(views.objects)
        for _ in range(_LESSONS_PER_VIEW)
    ]
    config = TrainingConfig(steps, batch=96, learning_rate=2e-3, warmup=100, seed=3, noise=0.1)
    soft = new_map(views.features, _PROMPTS, language, config.seed)
    model = LimberModel(language, tokenizer, soft)
    features = blinded(views.features) if blind else views.features
    checkpoint = folder.with_name(f"{folder.name}{'-blind' if blind else ''}.pt")
    train_map(model, features, lessons, config, checkpoint=checkpoint, on_step=on_step)
    if not blind:
        wiring = Wiring("builtin", "language", views.features.shape[1], _PROMPTS, soft.width)
        write_map(folder, wiring, soft)
    return model


def compare(
    views: Views, limber: LanguageGraph, blind: LimberModel, viewer: Viewer
) -> dict[str, Any]:
    """Ask questions about views and count the right answers, by kind of question.

    Returns:
        Accuracy by kind for "limber" and "blind", and for "best_text_match": the matcher's choice among the
        options, where a question has options.
    """
    rng = random.Random(4)
    rows: list[int] = []
    trials: list[Trial] = []
    for row, objects in enumerate(views.objects):
        for _ in range(2):
            rows.append(row)
            trials.append(Trial(*question_about(objects, rng)))
    kinds = [kind_of_question(trial.question) or "other" for trial in trials]
    prefixes = [prefix_of(trial.question) for trial in trials]
    figures: dict[str, Any] = {}
    write = partial(write_answers, prefixes=prefixes, chunk=_CHUNK, max_new_tokens=_MAX_NEW_TOKENS)
    described: NDArray[np.float32] = views.features.numpy()
    answers_of = {
        "limber": write(limber, described[rows]),
        "blind": write(blind, blinded(views.features)[rows]),
    }
    for name, answers in answers_of.items():
        figures[name] = _by_kind(trials, answers, kinds)
    closed = [n for n, kind in enumerate(kinds) if kind in ATTRIBUTES]
    texts = [option for options in ATTRIBUTES.values() for option in options]
    vectors = dict(zip(texts, viewer.embed_texts(texts), strict=True))
    chosen = choose(
        [views.embeddings[rows[n]] for n in closed], [ATTRIBUTES[kinds[n]] for n in closed], vectors
    )
    figures["best_text_match"] = _by_kind(
        [trials[n] for n in closed], chosen, [kinds[n] for n in closed]
    )
    return figures


def _by_kind(
    trials: Sequence[Trial], answers: Sequence[str], kinds: Sequence[str]
) -> dict[str, dict[str, float]]:
    figures = {}
    for kind in sorted(set(kinds)):
        rows = [number for number, other in enumerate(kinds) if other == kind]
        counted = score([trials[n] for n in rows], [answers[n] for n in rows])
        figures[kind] = {"accuracy": round(counted.accuracy, 4), "n": counted.n}
    return figures


def _jittered(box: Sequence[float], rng: random.Random) -> Box:
    x1, y1, x2, y2 = box
    sides = (x2 - x1, y2 - y1) * 2
    left, top, right, bottom = (
        edge + rng.gauss(0, _JITTER) * side for edge, side in zip(box, sides, strict=True)
    )
    left, top = max(0.0, left), max(0.0, top)
    width, height = IMAGE_SIZE
    return left, top, max(left + 1, min(right, width)), max(top + 1, min(bottom, height))
