"""Questions about the picture as a whole: nothing is looked for, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from viper.generate.grammar import parse, write_program
from viper.generate.grammar.logical_form import AskScene
from viper.models.capabilities import Capabilities

SCENES = {
    "How is the weather today?": "scene(weather)",
    "What is the weather like, snowy or foggy?": "scene(weather: snowy | foggy)",
    "Is the weather snowy or foggy in this photo?": "scene(weather: snowy | foggy)",
    "Does the weather appear to be foggy?": "scene(yesno: Is the weather foggy?)",
    "Is it partly cloudy?": "scene(yesno: Is it partly cloudy?)",
    "Is it an indoors or outdoors scene?": "scene(scene: indoors | outdoors)",
    "Is it outdoors?": "scene(yesno: Is it outdoors?)",
    "Which place is it?": "scene(place)",
    "What kind of room is shown, the attic or the kitchen?": "scene(place: attic | kitchen)",
    "Where was the photo taken, a desert or a harbor?": "scene(place: desert | harbor)",
    "Is this picture showing a desert or a harbor?": "scene(place: desert | harbor)",
    "Was this image taken in the zoo?": "scene(yesno: Is this a zoo?)",
    "Is it an airport?": "scene(yesno: Is this an airport?)",
}
OBJECTS = {
    "Does the picture show a harp?": "exists(harp)",
    "Is this picture showing a harp?": "exists(harp)",
    "Is it a harp?": "exists(harp)",
    "Is the harp outdoors?": "some(harp: outdoors)",
    "Is the sky cloudy?": "some(sky: cloudy)",
    "Is there a harbor?": "exists(harbor)",
    "What is in front of the picture?": "name(object[in_front_of(picture)])",
}


@pytest.mark.parametrize("question", SCENES)
def test_a_question_about_the_whole_picture_looks_for_nothing(question: str) -> None:
    form = parse(question)
    assert str(form) == SCENES[question]
    source = write_program(form, Capabilities.everything(), "grammar").source
    assert "find(" not in source


@pytest.mark.parametrize("question", OBJECTS)
def test_a_question_about_an_object_is_none_about_the_scene(question: str) -> None:
    form = parse(question)
    assert not isinstance(form.query, AskScene)
    assert str(form) == OBJECTS[question]
