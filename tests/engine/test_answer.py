from __future__ import annotations

import pytest

from fakes.backends import blank_image
from viper.engine.answer import NO_SUCH_OBJECT, grounded_patches, render
from viper.images.image import View
from viper.images.region import Patch
from viper.programs.program import Failure

IMAGE = blank_image()
CUP = Patch(View(IMAGE, (1.0, 1.0, 9.0, 9.0)), "cup", 0.9)
DOG = Patch(View(IMAGE, (20.0, 1.0, 29.0, 9.0)), "dog", 0.8)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (0.1 + 0.2, "0.3"),
        (1234567.8, "1.23457e+06"),
        (2.0, "2"),
        ("red", "red"),
        (CUP, "cup"),
        ([CUP, DOG, True, 2], "cup, dog, yes, 2"),
        ((1, 2.5), "1, 2.5"),
        ({"a": 1, "b": [CUP]}, '{"a": 1, "b": ["cup"]}'),
    ],
    ids=str,
)
def test_a_value_is_rendered_by_its_type(value, text):
    assert render(value, "vqa") == text


def test_none_answers_no_question():
    failure = render(None, "vqa")
    assert isinstance(failure, Failure)
    assert failure.kind == "runtime"


@pytest.mark.parametrize("value", ["", " \n", [], (), set(), {}, [""], [[], " "], ({},)], ids=repr)
def test_what_is_empty_answers_no_question(value):
    failure = render(value, "vqa")
    assert isinstance(failure, Failure)
    assert failure.kind == "runtime"
    assert "answers nothing" in failure.message


@pytest.mark.parametrize("value", [0, False, 0.0, "0", [0], ["a", ""]], ids=repr)
def test_zero_no_and_half_a_list_are_answers(value):
    assert not isinstance(render(value, "vqa"), Failure)


@pytest.mark.parametrize(
    ("value", "choices", "text"),
    [
        (True, ["True", "False"], "True"),
        (False, ["True", "False"], "False"),
        (True, ["false", "true"], "true"),
        ("yes", ["True", "False"], "True"),
        ("No", ["TRUE", "FALSE"], "FALSE"),
        ("true", ["Yes", "No"], "Yes"),
        (True, ["Yes", "True"], "Yes"),
        (True, ["red", "blue"], "yes"),
        ("truely", ["True", "False"], "truely"),
    ],
)
def test_a_truth_value_is_spelled_as_the_choices_spell_it(value, choices, text):
    assert render(value, "vqa", choices) == text


def test_a_choice_is_spelled_as_the_caller_spells_it():
    assert render(True, "vqa", ["Yes", "No"]) == "Yes"
    assert render("maybe", "vqa", ["Yes", "No"]) == "maybe"


@pytest.mark.parametrize("value", [None, [], ()])
def test_grounding_without_patches_is_no_such_object(value):
    assert render(value, "grounding") == NO_SUCH_OBJECT
    assert grounded_patches(value) == ()


def test_grounding_takes_a_patch_or_a_list_of_patches():
    assert grounded_patches(CUP) == (CUP,)
    assert grounded_patches([CUP, DOG]) == (CUP, DOG)
    assert render([CUP, DOG], "grounding") == "cup, dog"


@pytest.mark.parametrize("value", ["yes", True, 3, [CUP, "dog"], {"a": CUP}])
def test_grounding_refuses_anything_else(value):
    failure = render(value, "grounding")
    assert isinstance(failure, Failure)
    assert "must return a patch, a list of patches, or None" in failure.message


def test_a_set_is_rendered_in_one_order_whatever_the_interpreter_thinks():
    assert render({"dog", "cat", "bus", "apple"}, "vqa") == "apple, bus, cat, dog"
