"""Questions about solids: question → form → program → sandbox → true perception, against their meaning.

The meaning is a functional program that an executor of its own evaluates on the facts of the scene (see
`fakes.solid_logic`), so nothing of the grammar takes part in what counts as right.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.fakes import true_scenes
from tests.fakes.solid_logic import Call, NotUniqueError, answer, execute, from_file
from tests.fakes.solid_questions import FAMILIES, Question, sample, sample_expression
from tests.fakes.solids import VALUES, SolidScene, random_scene
from viper import Engine
from viper.engine.query import Query
from viper.generate.grammar import parse

PER_SCENE = 15


def asked(
    seed: int, scenes: int, folder: Path, *, expressions: bool = False
) -> list[tuple[SolidScene, Question, str]]:
    """Sample scenes and questions; write the scenes and their (empty) pictures."""
    random = Random(seed)
    rows = []
    files = []
    for number in range(scenes):
        scene = random_scene(random)
        picture = f"scene_{number}.png"
        true_scenes.picture(folder / picture)
        files.append(scene.as_file(picture))
        for _ in range(PER_SCENE):
            tell = sample_expression if expressions else sample
            rows.append((scene, tell(random, scene), str(folder / picture)))
    true_scenes.write(folder / "scenes.json", {"info": {}, "scenes": files})
    return rows


def wrong_answers(folder: Path, rows: list[tuple[SolidScene, Question, str]]) -> list[str]:
    """Return what is answered otherwise than it is meant."""
    with Engine(f"truth:{folder / 'scenes.json'}") as engine:
        answers = engine.batch(Query(picture, q.text) for _, q, picture in rows)
    return [
        f"{q.family}: {q.text} -> {found.text or found.failure}, not {answer(q.program, scene)}"
        for (scene, q, _), found in zip(rows, answers, strict=True)
        if found.text != answer(q.program, scene) or parse(q.text).unparsed
    ]


def wrong_boxes(folder: Path, rows: list[tuple[SolidScene, Question, str]]) -> list[str]:
    """Return the expressions that find another solid than the one they mean."""
    with Engine(f"truth:{folder / 'scenes.json'}") as engine:
        answers = engine.batch(Query(picture, q.text, "grounding") for _, q, picture in rows)
    return [
        f"{q.family}: {q.text} -> {found.failure or found.patches}"
        for (scene, q, _), found in zip(rows, answers, strict=True)
        if [p.box_xyxy for p in found.patches] != [scene.solids[execute(q.program, scene)].box_xyxy]
    ]


def test_sampled_questions_are_answered_as_they_are_meant(tmp_path: Path) -> None:
    rows = asked(11, 20, tmp_path)
    assert Counter(q.family for _, q, _ in rows).keys() == FAMILIES.keys()
    assert wrong_answers(tmp_path, rows) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_sampled_questions_are_answered_as_they_are_meant(tmp_path: Path) -> None:
    assert wrong_answers(tmp_path, asked(12, 100, tmp_path)) == []


def test_sampled_expressions_find_what_they_mean(tmp_path: Path) -> None:
    assert wrong_boxes(tmp_path, asked(13, 7, tmp_path, expressions=True)) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_sampled_expressions_find_what_they_mean(tmp_path: Path) -> None:
    assert wrong_boxes(tmp_path, asked(14, 60, tmp_path, expressions=True)) == []


@pytest.mark.photos
def test_the_executor_gives_the_recorded_answers_of_the_official_programs(photos: Path) -> None:
    scenes, questions = official(photos)
    assert [answer(from_file(q["program"]), scenes[q["image_filename"]]) for q in questions] == [
        q["answer"] for q in questions
    ]


@pytest.mark.photos
def test_every_official_question_is_read_whole(photos: Path) -> None:
    _, questions = official(photos)
    assert [q["question"] for q in questions if parse(q["question"]).unparsed] == []


@pytest.mark.slow
@pytest.mark.timeout(600)  # 70 s alone
@pytest.mark.photos
def test_official_questions_mean_their_programs_on_changed_scenes_too(
    photos: Path, tmp_path: Path
) -> None:
    """A question that is answered right on one scene may have been understood wrongly all the same."""
    scenes, questions = official(photos)
    random = Random(15)
    rows = []
    files = []
    for number, question in enumerate(questions):
        program = from_file(question["program"])
        for variant in range(3):
            scene = changed(random, scenes[question["image_filename"]], program)
            picture = f"scene_{number}_{variant}.png"
            true_scenes.picture(tmp_path / picture)
            files.append(scene.as_file(picture))
            rows.append((scene, Question("official", question["question"], program), picture))
    true_scenes.write(tmp_path / "scenes.json", {"info": {}, "scenes": files})
    rows = [(scene, question, str(tmp_path / picture)) for scene, question, picture in rows]
    assert wrong_answers(tmp_path, rows) == []


def changed(random: Random, scene: SolidScene, program: Call) -> SolidScene:
    """Return a scene with some other attributes and places, for which the program has an answer."""
    while True:
        solids = list(scene.solids)
        for _ in range(random.randint(1, 4)):
            first, second = random.choices(range(len(solids)), k=2)
            name = random.choice(sorted(VALUES))
            solids[first] = replace(solids[first], **{name: random.choice(VALUES[name])})
            a, b = solids[first], solids[second]
            solids[first] = replace(a, box_xyxy=b.box_xyxy, depth=b.depth)
            solids[second] = replace(b, box_xyxy=a.box_xyxy, depth=a.depth)
        found = SolidScene.of_boxes(solids)
        with contextlib.suppress(NotUniqueError):
            execute(program, found)
            return found


def official(photos: Path) -> tuple[dict[str, SolidScene], list[dict]]:
    folder = photos / "clevr_dev"
    scenes = json.loads((folder / "scenes/CLEVR_val_scenes.json").read_text())["scenes"]
    questions = json.loads((folder / "questions/CLEVR_val_questions.json").read_text())
    return {s["image_filename"]: SolidScene.of_file(s) for s in scenes}, questions["questions"]
