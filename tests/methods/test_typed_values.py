from __future__ import annotations

import numpy as np
import pytest

from viper.methods.typed_values import MismatchError, convert, sample
from viper_sandbox.api import parse_type

HANDLES = frozenset({"Mask"})


def of_type(value, text):
    return convert(value, parse_type(text, HANDLES), patch, handle)


def patch(value):
    if value != "a patch":
        raise MismatchError("no patch")
    return ("patch", value)


def handle(value, kind):
    return (kind, value)


@pytest.mark.parametrize(
    ("text", "value", "converted"),
    [
        ("float", 3, 3.0),
        ("float", np.float32(0.5), 0.5),
        ("int | float", 3, 3),
        ("str | None", None, None),
        ("list[ImagePatch]", ("a patch",), [("patch", "a patch")]),
        ("dict[str, float]", {"a": 1}, {"a": 1.0}),
        ("ImagePatch | str", "text", "text"),
        ("Mask", 5, ("Mask", 5)),
        ("Literal['a', 1]", 1, 1),
    ],
)
def test_a_value_becomes_that_of_the_first_type_that_fits(text, value, converted):
    result = of_type(value, text)
    assert result == converted
    assert type(result) is type(converted)


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("float", float("nan"), "not a finite number"),
        ("float", 10**400, "not a finite number"),
        ("list[int]", [1, 2**63], "more than 64 bits"),
        ("ImagePatch | int", "text", "no patch"),
        ("int", True, ""),
        ("bool", 1, ""),
        ("Literal[1]", True, ""),
        ("dict[str, int]", {1: 1}, ""),
        ("list[str]", "abc", ""),
        ("None", 0, ""),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_reason(text, value, reason):
    with pytest.raises(MismatchError) as refused:
        of_type(value, text)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    "text",
    ["bool", "list[list[int]]", "dict[str, str]", "Literal['a', 2]", "Mask", "ImagePatch", "None"],
)
def test_samples_are_of_their_type(text):
    choices = {"bool": [True, False], "int": [1], "str": ["a"], "list": [0, 2]}
    for number in range(4):
        made = sample(parse_type(text, HANDLES), choices, "a patch", lambda *_: 7, number)
        of_type(made, text)
