from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import true_scenes
from fakes.true_scenes import GRAPH_SIZES, TABLE, view
from viper.errors import ModelError
from viper.models.roles import AnswerRequest
from viper.oracle.answerer import OracleAnswerer
from viper.oracle.scene_file import open_scenes

STREET, KITCHEN, BEACH = GRAPH_SIZES
CUBE, BALL, CYLINDER, PEARL = (view(item["bbox_xyxy"]) for item in TABLE)


@pytest.fixture(scope="module")
def files(tmp_path_factory, graphs):
    """Scenes of CLEVR, and of GQA."""
    scenes = true_scenes.clevr(("table.png", TABLE))
    path = true_scenes.write(tmp_path_factory.mktemp("clevr") / "scenes.json", scenes)
    return open_scenes(path), graphs


def ask(file, where, question):
    (answer,) = OracleAnswerer(file).answer([AnswerRequest(where, question)])
    if isinstance(answer, ModelError):
        raise answer
    return answer.text


def patch(graphs, name, thing):
    if thing is None:
        return view(name=f"{name}.jpg", size=GRAPH_SIZES[name])
    boxes = {thing.name: thing.box_xyxy for thing in graphs.scenes[name].objects}
    return view(boxes[thing], f"{name}.jpg", GRAPH_SIZES[name])


@pytest.mark.parametrize(
    ("where", "question", "answer"),
    [
        (CUBE, "What is this?", "cube"),
        (CUBE, "What kind of object is this?", "cube"),
        (CUBE, "What color is this?", "red"),
        (CUBE, "What colour is the block?", "red"),
        (BALL, "What is the material of this thing?", "rubber"),
        (PEARL, "What is it made of?", "metal"),
        (PEARL, "What shape is it?", "sphere"),
        (CYLINDER, "What is its size?", "small"),
        (CUBE, "How big is the cube?", "large"),
        (CUBE, "Is this cube red?", "yes"),
        (CUBE, "is this cube blue", "no"),
        (CUBE, "Is this a ball?", "no"),
        (CUBE, "Is this cube blue or red?", "red"),
        (CUBE, "Is the cube made of metal or rubber?", "metal"),
        (view(), "How many things are there?", "4"),
        (view(), "How many red things?", "2"),
        (view(), "How many small metal balls are in the picture?", "1"),
        (view((0, 0, 240, 320)), "How many red things are there?", "1"),
        (view(), "Is there a blue ball?", "yes"),
        (view(), "Are there any green cubes?", "no"),
    ],
)
def test_a_clevr_scene_answers(table, where, question, answer):
    assert ask(table, where, question) == answer


@pytest.mark.parametrize(
    ("name", "thing", "question", "answer"),
    [
        (STREET, None, "How is the weather?", "cloudy"),
        (STREET, None, "What's the weather like?", "cloudy"),
        (STREET, None, "Where is this?", "street"),
        (KITCHEN, None, "Which room is this?", "kitchen"),
        (STREET, "umbrella", "What color is the umbrella?", "light blue"),
        (STREET, "man", "What is the man holding?", "umbrella"),
        (STREET, "man", "What is the old man wearing?", "jacket"),
        (STREET, None, "What is the man wearing?", "jacket"),
        (STREET, "umbrella", "Who is holding the umbrella?", "man"),
        (STREET, "bus", "What is in front of the bus?", "taxis"),
        (STREET, "man", "What is the man doing?", "standing"),
        (KITCHEN, "cat", "What is the cat sitting on?", "chair"),
        (KITCHEN, "cat", "What is the cat on?", "chair"),
        (KITCHEN, "orange", "What is the orange in?", "bowl"),
        (KITCHEN, "table", "What material is the table?", "wood"),
        (KITCHEN, "cat", "What color is the cat?", "black"),
        (KITCHEN, "woman", "Who is this?", "woman"),
        (KITCHEN, "woman", "Is this woman holding a glass?", "yes"),
        (KITCHEN, "woman", "Is this woman holding a cup?", "no"),
        (BEACH, None, "Is this a kitchen or a beach?", "beach"),
        (BEACH, None, "Is it sunny?", "yes"),
    ],
)
def test_a_scene_graph_answers(graphs, name, thing, question, answer):
    assert ask(graphs, patch(graphs, name, thing), question) == answer


@pytest.mark.parametrize(
    ("name", "thing", "question", "complaint"),
    [
        (
            STREET,
            "man",
            "Why is he sad?",
            r"cannot answer 'Why is he sad\?'. The oracle can answer",
        ),
        (
            STREET,
            None,
            "What is this?",
            r"shows no single object; gqa_scene_graphs.json has 7",
        ),
        (STREET, "bus", "What is the bus made of?", r"has no material of the bus"),
        (KITCHEN, None, "How is the weather?", r"has no weather of the image '900002.jpg'"),
        (BEACH, None, "Is it a birthday party?", r"does not say"),
        (STREET, "man", "What is the man riding?", r"cannot answer|has no such relation"),
        (STREET, "man", "Is this man young or blond?", r"none of the options holds"),
    ],
)
def test_what_the_file_does_not_tell_is_an_error(graphs, name, thing, question, complaint):
    with pytest.raises(ModelError, match=complaint):
        ask(graphs, patch(graphs, name, thing), question)


OPENINGS = (
    "",
    "what is",
    "who is the",
    "is this",
    "is there",
    "how many",
    "what color is",
    "where is",
)


@given(opening=st.sampled_from(OPENINGS), rest=st.text(max_size=30), of_clevr=st.booleans())
def test_any_question_is_answered_or_refused(files, opening, rest, of_clevr):
    where = CUBE if of_clevr else view(name=f"{STREET}.jpg", size=GRAPH_SIZES[STREET])
    answerer = OracleAnswerer(files[0 if of_clevr else 1])
    (answer,) = answerer.answer([AnswerRequest(where, f"{opening} {rest}")])
    assert isinstance(answer, ModelError) or answer.text


def test_an_error_stands_in_its_own_place(table):
    requests = [AnswerRequest(CUBE, "What is this?"), AnswerRequest(CUBE, "Why?")]
    first, second = OracleAnswerer(table).answer(requests)
    assert first.text == "cube"
    assert isinstance(second, ModelError)
