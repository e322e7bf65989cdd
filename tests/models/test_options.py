from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Literal

import pytest
from pydantic import Field

from viper.errors import ConfigError
from viper.models.option_types import Choice, Fraction, Text, Whole
from viper.models.options import BackendOptions, Options, option

WHERE = "the test detector"


def test_values_are_read_by_type_and_defaults_fill_in():
    given = {"device": "cpu", "score": "0.5", "size": "640", "fast": "yes", "format": "YOLOX"}
    with Options(given, WHERE) as read:
        assert read.text("device", "auto") == "cpu"
        assert read.number("score", 0.25, low=0, high=1) == 0.5
        assert read.integer("size", 416, low=32) == 640
        assert read.flag("fast", False) is True
        assert read.choice("format", ("auto", "yolox"), "auto") == "yolox"
        assert read.optional_text("classes") is None
        assert read.number("scale", 1.5) == 1.5


def test_an_unknown_option_is_refused_with_the_nearest_name():
    read = Options({"devise": "cpu"}, WHERE)
    read.text("device", "auto")
    read.flag("fast", False)
    with pytest.raises(ConfigError) as caught, read:
        pass
    assert str(caught.value) == (
        "Unknown option 'devise' of the test detector. Did you mean 'device'? "
        "Options: device, fast."
    )


@pytest.mark.parametrize(
    ("value", "read", "expected"),
    [
        ("high", lambda o: o.number("x", 0, low=0, high=1), "a number from 0 to 1"),
        ("1.5", lambda o: o.number("x", 0, low=0, high=1), "a number from 0 to 1"),
        ("nan", lambda o: o.number("x", 0, low=0, high=1), "a number from 0 to 1"),
        ("inf", lambda o: o.number("x", 0), "a number"),
        ("-1", lambda o: o.integer("x", 0, low=1), "a whole number, at least 1"),
        ("9", lambda o: o.integer("x", 0, high=8), "a whole number, at most 8"),
        ("1.0", lambda o: o.integer("x", 0), "a whole number"),
        ("maybe", lambda o: o.flag("x", False), "true or false"),
        (" ", lambda o: o.text("x", "y"), "a text"),
    ],
)
def test_a_malformed_value_is_refused(value, read, expected):
    with pytest.raises(ConfigError) as caught, Options({"x": value}, WHERE) as options:
        read(options)
    assert str(caught.value) == (
        f"Option x={value!r} of the test detector cannot be read: it must be {expected}."
    )


def test_an_unknown_choice_is_refused_with_the_nearest():
    read = Options({"format": "yolo"}, WHERE)
    with pytest.raises(ConfigError, match=r"mean 'yolox'\? It must be one of auto, yolox"):
        read.choice("format", ("auto", "yolox"), "auto")


def test_an_error_of_the_block_is_not_hidden_by_unknown_options():
    with pytest.raises(KeyError), Options({"unknown": "1"}, WHERE):
        raise KeyError


class ExampleOptions(BackendOptions):
    score: Fraction = option(0.25, "x")
    size: Annotated[int, Field(ge=32, le=4096), Whole] | None = None
    least: Annotated[int, Field(ge=1), Whole] = 1
    fast: bool = False
    classes: Text | None = None
    format: Annotated[Literal["auto", "yolox"], Choice] = "auto"


def test_a_model_reads_text_by_type_and_fills_in_defaults():
    given = {"score": "0.5", "size": "640", "fast": "yes", "format": " YOLOX "}
    read = ExampleOptions.read(given, WHERE)
    assert vars(read) == {
        "score": 0.5, "size": 640, "least": 1, "fast": True, "classes": None, "format": "yolox",
    }  # fmt: skip
    with pytest.raises(AttributeError):
        read.score = 1.0


def test_without_options_there_is_nothing_to_check_and_pydantic_is_not_imported():
    assert vars(ExampleOptions.read({}, WHERE)) == {
        "score": 0.25, "size": None, "least": 1, "fast": False, "classes": None, "format": "auto",
    }  # fmt: skip
    code = (
        "import sys\n"
        "from viper.backends.option_models import OnnxOptions\n"
        "assert OnnxOptions.read({}, 'x').size == 640\n"
        "assert 'pydantic' not in sys.modules\n"
        "assert OnnxOptions.read({'size': '320'}, 'x').size == 320\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("score", "high", "a number from 0 to 1"),
        ("score", "1.5", "a number from 0 to 1"),
        ("score", "nan", "a number from 0 to 1"),
        ("size", "31", "a whole number from 32 to 4096"),
        ("size", "640.0", "a whole number from 32 to 4096"),
        ("least", "0", "a whole number, at least 1"),
        ("fast", "maybe", "true or false"),
        ("classes", " ", "a text"),
    ],
)
def test_a_model_refuses_a_malformed_value_as_before(name, value, expected):
    with pytest.raises(ConfigError) as caught:
        ExampleOptions.read({name: value}, WHERE)
    assert str(caught.value) == (
        f"Option {name}={value!r} of the test detector cannot be read: it must be {expected}."
    )


def test_a_model_refuses_unknown_options_and_choices_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        ExampleOptions.read({"scor": "1"}, WHERE)
    assert str(caught.value) == (
        "Unknown option 'scor' of the test detector. Did you mean 'score'? "
        "Options: classes, fast, format, least, score, size."
    )
    with pytest.raises(ConfigError, match=r"mean 'yolox'\? It must be one of auto, yolox"):
        ExampleOptions.read({"format": "yolo"}, WHERE)
    with pytest.raises(ConfigError, match=r"^Unknown option 'x' of a test\. Options: none\.$"):
        BackendOptions.read({"x": "1"}, "a test")
