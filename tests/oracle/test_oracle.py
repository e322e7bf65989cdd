"""Questions answered from files of scenes: question → grammar → sandbox → truth → answer."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fakes import true_scenes
from fakes.true_scenes import GRAPH_SIZES, GRAPHS
from viper import Engine
from viper.cli import cli

STREET, KITCHEN, BEACH = GRAPH_SIZES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the pictures, all empty, and the CLEVR scenes of "table.png"."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, size in GRAPH_SIZES.items():
        true_scenes.picture(folder / f"{name}.png", size)
    true_scenes.picture(folder / "table.png")
    scenes = true_scenes.clevr(("table.png", true_scenes.TABLE))
    true_scenes.write(folder / "scenes.json", scenes)
    return folder


@pytest.fixture(scope="module")
def clevr(folder):
    with Engine(f"truth:{folder / 'scenes.json'}") as engine:
        yield engine


@pytest.fixture(scope="module")
def gqa():
    with Engine(f"truth:{GRAPHS}") as engine:
        yield engine


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How many things are there?", "4"),
        ("How many red objects are there?", "2"),
        ("Is there a tiny shiny ball?", "yes"),
        ("Is there a green block?", "no"),
        ("What color is the cylinder?", "red"),
        ("What material is the large ball made of?", "rubber"),
        # The ball covers most of the cube: neither is lost, and each keeps its own depth.
        ("How many large things are there?", "2"),
        ("Is the large ball in front of the cube?", "yes"),
        ("Is the cylinder in front of the cube?", "no"),
        ("How many objects are behind the big ball?", "2"),
    ],
)
def test_questions_about_a_clevr_scene(clevr, folder, question, text):
    answer = clevr.ask(folder / "table.png", question)
    assert answer.failure is None
    assert answer.text == text


@pytest.mark.parametrize(
    ("name", "question", "text"),
    [
        (STREET, "Is there a red bus?", "yes"),
        (STREET, "How many buses are there?", "1"),
        (STREET, "What color is the bus?", "red"),
        (STREET, "Is the bus to the right of the man?", "yes"),
        (STREET, "Is the umbrella open or closed?", "open"),
        (STREET, "What is the man wearing?", "jacket"),
        (STREET, "Who is holding the umbrella?", "man"),
        (STREET, "What is the jacket made of?", "leather"),
        (KITCHEN, "Is the cup on the table?", "yes"),
        (KITCHEN, "Is the cat brown?", "no"),
        (KITCHEN, "Is the cat white?", "yes"),
        (KITCHEN, "Is the table wooden?", "yes"),
        (KITCHEN, "Do the cup and the bowl have the same color?", "no"),
        (BEACH, "How many dogs are there?", "2"),
        (BEACH, "What color is the dog on the left?", "brown"),
        (BEACH, "Are there any cats or dogs?", "yes"),
        (BEACH, "Is the frisbee made of plastic?", "yes"),
    ],
)
def test_questions_about_a_scene_graph(gqa, folder, name, question, text):
    answer = gqa.ask(folder / f"{name}.png", question)
    assert answer.failure is None
    assert answer.text == text


def test_a_graph_has_no_depth_and_the_best_effort_judges_it_from_boxes(gqa, folder):
    assert not gqa.capabilities().serves("depth")
    question = "Is the taxi in front of the bus?"
    refused = gqa.ask(folder / f"{STREET}.png", question)
    assert refused.failure is not None
    assert refused.failure.kind == "model"
    assert "in front of the bus" in refused.failure.message
    assert "no model here measures distances" in refused.failure.message
    answer = gqa.ask(folder / f"{STREET}.png", question, best_effort=True)
    assert (answer.text, answer.outcome) == ("yes", "answered_with_doubts")
    assert [doubt.needs for doubt in answer.doubts] == ["depth"]
    assert "depth" not in answer.trace.forwards


def test_a_picture_without_a_scene_fails_and_says_so(clevr, folder):
    answer = clevr.ask(folder / f"{STREET}.png", "Is there a cube?")
    assert answer.failure is not None
    assert answer.failure.kind == "model"
    assert "no scene for the image '900001.png'" in answer.failure.message


def test_what_true_perception_cannot_answer_fails_and_says_what_it_can(clevr, folder):
    answer = clevr.run_program("return image.simple_query('Why?')", folder / "table.png")
    assert answer.failure is not None
    assert answer.failure.kind == "model"
    assert "The oracle can answer" in answer.failure.message


def test_depth_of_a_graph_is_an_error_of_the_configuration(folder):
    with Engine(backends={"depth": f"truth:{GRAPHS}"}) as engine:
        answer = engine.run_program("return image.compute_depth()", folder / f"{STREET}.png")
    assert answer.failure is not None
    assert answer.failure.kind == "config"


def test_the_command_line_takes_the_preset(folder):
    arguments = ["--models", f"truth:{folder / 'scenes.json'}"]
    result = CliRunner().invoke(
        cli, ["ask", str(folder / "table.png"), "How many cubes are there?", *arguments]
    )
    assert (result.exit_code, result.stdout) == (0, "1\n")


def test_the_command_line_names_a_file_that_is_missing(folder):
    result = CliRunner().invoke(
        cli, ["ask", str(folder / "table.png"), "How many cubes?", "--models", "truth:none.json"]
    )
    assert result.exit_code == 2  # an option is wrong
    assert "There is no file 'none.json'" in result.stderr
