"""Memory, lookahead and batches change no answer: real architectures in float32 on the CPU."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import tiny_detectors, tiny_models
from viper import Engine
from viper.engine.query import Query

PROGRAMS = (
    "def execute_command(image):\n"
    "    return [p.verify_property('mug', 'red') for p in image.find('mug')]\n",
    "def execute_command(image):\n"
    "    mugs = image.find('mug')\n"
    "    dogs = image.find('dog')\n"
    "    return [p.best_text_match(['red', 'blue', 'black']) for p in mugs + dogs]\n",
    "def execute_command(image):\n"
    "    dogs = sorted(image.find('dog'), key=lambda dog: dog.compute_depth())\n"
    "    return [round(dog.left, 3) for dog in dogs]\n",
    "def execute_command(image):\n"
    "    return best_image_match(image.find('cat'), ['a red mug', 'dog'], return_index=True)\n",
    "def execute_command(image):\n    return [len(p.find('dog')) for p in image.find('mug')]\n",
)


@pytest.fixture(scope="module")
def backends(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    threshold = "score_threshold=0.3&dtype=float32"
    return {
        "detector": f"transformers:{tiny_detectors.owlv2(folder / 'owlv2')}?{threshold}",
        "matcher": f"transformers:{tiny_models.clip(folder / 'clip')}?dtype=float32",
        "depth": f"transformers:{tiny_models.depth_anything(folder / 'depth')}?dtype=float32",
    }


@pytest.fixture(scope="module")
def queries():
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 255, (60, 90, 3), dtype=np.uint8) for _ in range(3)]
    return [Query(picture, "", program=source) for picture in pictures for source in PROGRAMS]


def outcomes(answers):
    """Everything that an answer says, and the scores behind it."""
    said = [(a.text, a.failure, [p.box_xyxy for p in a.patches]) for a in answers]
    scores = [call.score or 0.0 for a in answers for call in a.trace.calls]
    return said, np.array(scores)


def test_answers_are_the_same_one_by_one_and_all_at_once(backends, queries):
    plain_options = {"cache_mb": 0, "lookahead": False, "max_batch": 1}
    with Engine("none", backends=backends, **plain_options) as engine:
        plain = engine.batch(queries, concurrency=1)
        plain_forwards = sum(load.forwards for load in engine.load().values())
    with Engine("none", backends=backends) as engine:
        clever = engine.batch(queries, concurrency=8)
        forwards = sum(load.forwards for load in engine.load().values())
    said, scores = outcomes(plain)
    said_at_once, scores_at_once = outcomes(clever)
    assert all(failure is None for _, failure, _ in said)
    assert said_at_once == said
    np.testing.assert_allclose(scores_at_once, scores, atol=1e-5)
    assert sum(a.trace.prefetch["items"] for a in clever) > 0
    assert forwards * 3 < plain_forwards
