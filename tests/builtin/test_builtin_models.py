"""Questions answered by the models that ship: question → grammar → sandbox → network → answer.

On pictures of our own renderer always; on official CLEVR renders, which nothing was trained on, where the
data are.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from viper import Engine
from viper.builtin.world import render, sample_scene
from viper.engine.query import Query
from viper.images.boxes import iou

SEED = 88_000_003


@pytest.fixture(scope="module")
def engine():
    with Engine("builtin") as engine:
        yield engine


def test_counts_of_everything_agree_with_the_scene(engine):
    right = asked = 0
    for seed in range(SEED, SEED + 6):
        scene = sample_scene(seed, size=(480, 320), randomised=False)
        pixels = render(scene).pixels
        for noun, shape in (("cubes", "cube"), ("spheres", "sphere"), ("cylinders", "cylinder")):
            answer = engine.ask(pixels, f"How many {noun} are there?")
            assert answer.failure is None
            right += answer.value == sum(thing.shape == shape for thing in scene.objects)
            asked += 1
    assert right >= asked - 1


def test_one_forward_serves_all_calls_about_a_picture(engine):
    pixels = render(sample_scene(SEED, size=(480, 320), randomised=False)).pixels
    answer = engine.ask(pixels, "Are there more metal things than rubber things?")
    assert answer.failure is None
    assert answer.trace.forwards["detector"] == 1
    assert answer.trace.attempts[0].notes == ()


def clevr(photos: Path) -> list[tuple[Query, str | None, list[float] | None]]:
    """Return the questions and the expressions about official renders, with what is right."""
    folder = photos / "clevr_dev"
    told = json.loads((folder / "questions" / "CLEVR_val_questions.json").read_text())
    images = folder / "images" / "val"
    asked = [
        (Query(images / q["image_filename"], q["question"]), q["answer_str"], None)
        for q in told["questions"]
    ]
    rows = map(json.loads, (folder / "refs.jsonl").read_text().splitlines())
    return asked + [
        (Query(folder / row["image"], row["query"], "grounding"), None, row["box_xyxy"])
        for row in rows
    ]


def shares(engine: Engine, asked) -> tuple[float, float]:
    """Return the shares of questions and of expressions that are answered right."""
    answers = engine.batch([query for query, _, _ in asked], concurrency=4)
    words, boxes = [], []
    for (_, text, box), answer in zip(asked, answers, strict=True):
        if box is None:
            words.append(answer.failure is None and answer.text == text)
        else:
            best = answer.patches[0].box_xyxy if answer.patches else (0.0, 0.0, 0.0, 0.0)
            boxes.append(iou(best, tuple(box)) >= 0.5)
    return sum(words) / len(words), sum(boxes) / len(boxes)


def test_a_tenth_of_the_official_questions_is_answered_right(engine, photos):
    words, boxes = shares(engine, clevr(photos)[::10])
    assert words >= 0.9
    assert boxes >= 0.9


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_official_questions_and_expressions_are_answered_right(engine, photos):
    words, boxes = shares(engine, clevr(photos))
    assert words >= 0.95
    assert boxes >= 0.95


@pytest.mark.parametrize("kind", ["coco128/images", "blink_spatial"])
def test_photographs_are_refused_or_doubted_and_official_renders_are_neither(engine, photos, kind):
    question = "How many cubes are there?"
    for path in sorted((photos / kind).iterdir())[:8]:
        refused = engine.ask(path, question)
        assert (refused.outcome, refused.text) == ("no_answer", None)
        assert refused.failure.kind == "model"
        assert "does not look like a picture of the small world" in refused.failure.message
        answer = engine.ask(path, question, best_effort=True)
        assert answer.outcome == "answered_with_doubts"
        (doubt,) = answer.doubts
        assert "does not look like a picture of the small world" in doubt.why
    for path in sorted((photos / "clevr_dev" / "images" / "val").iterdir())[:8]:
        answer = engine.ask(path, question)
        assert (answer.outcome, answer.doubts) == ("answered", ())
        assert answer.trace.attempts[0].notes == ()
