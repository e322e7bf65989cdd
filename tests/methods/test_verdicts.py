"""`absent` and `unsure`, as methods."""

from __future__ import annotations

import asyncio

import pytest

from fakes.backends import blank_image, whole
from viper.images.region import Patch
from viper.methods.method_call import ArgumentError, MethodCall
from viper.methods.verdicts import VERDICTS, absence
from viper.models.request_limits import PHRASE_CHARACTERS
from viper.programs.api_spec import load_spec
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper_sandbox import CallFailed

WHOLE = Patch(whole(blank_image()))


def call(name, text, *, best_effort=False):
    made = MethodCall(VisionClient(ModelPool({}), model_call_s=1), WHOLE, best_effort)
    return asyncio.run(VERDICTS[name](made, text)), made


def test_the_functions_of_the_contract_are_those_that_end_a_program_without_a_model():
    spec = load_spec()
    assert {entry.qualified_name for entry in spec.callables if entry.ends} == set(VERDICTS)
    assert all(entry.needs is None for entry in spec.callables if entry.ends)
    assert set(VERDICTS) < {entry.qualified_name for entry in spec.remote()}
    others = [entry for entry in spec.remote() if not entry.ends]
    assert all(entry.needs for entry in others)


def test_absent_ends_the_program():
    with pytest.raises(CallFailed) as raised:
        call("absent", "  red \n cup ")
    assert (raised.value.kind, raised.value.message) == ("absent", absence("red cup"))


def test_for_the_best_effort_absent_is_the_whole_picture_with_a_doubt():
    result, made = call("absent", "the cup", best_effort=True)
    assert result is WHOLE
    (doubt,) = made.doubts
    assert (doubt.condition, doubt.needs) == ("cup", "")
    assert "the answer does without it" in doubt.why


@pytest.mark.parametrize("best_effort", [False, True])
def test_unsure_ends_the_program_in_either_mode(best_effort):
    with pytest.raises(CallFailed) as raised:
        call("unsure", "Too dark.", best_effort=best_effort)
    assert (raised.value.kind, raised.value.message) == ("unsure", "Too dark.")


@pytest.mark.parametrize("best_effort", [False, True])
def test_a_name_is_as_long_as_one_to_look_for(best_effort):
    with pytest.raises(ArgumentError, match="201 characters; at most 200"):
        call("absent", "a" * (PHRASE_CHARACTERS + 1), best_effort=best_effort)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cup", "cup"),
        ("the cup", "cup"),
        ("An old cup", "old cup"),
        ("theatre", "theatre"),
        ("the", "the"),
    ],
)
def test_a_leading_article_is_left_out(name, told):
    assert absence(name) == f"No {told} was found, so nothing can be said of it."
