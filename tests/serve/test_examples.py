"""No example is offered that the models cannot answer."""

from __future__ import annotations

import pytest

from fakes.asgi import call, run
from viper.engine.config import EngineConfig
from viper.engine.engine import Engine
from viper.errors import ConfigError
from viper.models.capabilities import Capabilities
from viper.models.registry import BackendRef
from viper.serve.examples import Examples, example_questions
from viper.serve.static_files import STATIC_FILES

COCO = ("person", "bicycle", "car", "dog", "cup", "stop sign")


@pytest.mark.parametrize(
    ("capabilities", "about_picture", "question"),
    [
        (Capabilities.everything(), True, "How many people are there?"),
        (Capabilities(frozenset({"detector"}), COCO), False, "How many people are there?"),
        (Capabilities(frozenset({"detector"}), ("dog", "cat")), False, "Is there a dog?"),
        (Capabilities(frozenset({"detector"}), ("cube", "sphere")), True, "How many cubes are there?"),
        (Capabilities(frozenset({"depth"})), False, None),
    ],
    ids=["everything", "photographs", "animals", "solids", "no detector"],
)  # fmt: skip
def test_a_question_is_offered_where_the_models_can_answer_it(
    capabilities, about_picture, question
):
    found = example_questions(capabilities)
    assert found["question"] == question
    assert (found["picture"] is not None) == about_picture


def test_a_question_with_a_condition_needs_a_model_for_it():
    alone = example_questions(Capabilities(frozenset({"detector"})))
    assert alone["picture"]["question"] == "How many cubes are there?"
    with_matcher = example_questions(Capabilities(frozenset({"detector", "matcher"})))
    assert "metal" in with_matcher["picture"]["question"]
    # Three kinds of things are not all things.
    closed = Capabilities(frozenset({"detector", "matcher"}), ("cube", "sphere", "cylinder"))
    assert example_questions(closed)["picture"]["question"] == "How many cubes are there?"


def test_the_route_offers_a_picture_of_the_page(app):
    body = call(app, "GET", "/v1/examples").json()
    assert body["picture"]["file"] in STATIC_FILES
    assert call(app, "GET", f"/static/{body['picture']['file']}").status == 200


def test_a_server_without_models_offers_nothing(make):
    with Engine("none") as engine:
        app, _ = make(engine)
        body = call(app, "GET", "/v1/examples").json()
    assert body == {"question": None, "picture": None}


def test_a_detector_that_cannot_be_loaded_is_the_servers_business_and_tried_again():
    class Failing:
        config = EngineConfig(backends={"detector": BackendRef("detector", "onnx", "a.onnx", ())})
        asked = 0

        async def acapabilities(self):
            self.asked += 1
            if self.asked == 1:
                raise ConfigError("/home/me/weights.bin is missing")
            return Capabilities.everything()

    examples = Examples(Failing())

    async def ask():
        with pytest.raises(Exception, match="log says why") as caught:
            await examples.to_json()
        return caught.value.status, (await examples.to_json())["question"]

    assert run(ask()) == (503, "How many people are there?")


def test_the_built_in_models_are_asked_about_what_they_know(make):
    with Engine("builtin") as engine:
        app, _ = make(engine)
        body = call(app, "GET", "/v1/examples").json()
    assert body["question"] == "How many cubes are there?"
    assert "cube" in body["picture"]["question"]
