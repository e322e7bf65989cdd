"""What is written is what the published schema says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import viper
from fakes.backends import FakeDetector, FakeMatcher
from fakes.cups import CUPS, picture
from fakes.generators import ScriptedGenerator
from viper.trace import TRACE_FORMAT, TRACE_VERSION

SCHEMA = json.loads(
    (Path(viper.__file__).parent / "trace" / "schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

LOOKS = """
def execute_command(image):
    patch = ImagePatch(image)
    cups = patch.find("cup")
    try:
        patch.find("")
    except ValueError as error:
        print(error)
    return {"red": [c for c in cups if c.verify_property("cup", "red")], "n": {1, 2}}
"""


def test_the_schema_is_one_itself():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_is_of_the_version_that_is_written():
    assert SCHEMA["properties"]["version"]["const"] == TRACE_VERSION
    assert SCHEMA["properties"]["format"]["const"] == TRACE_FORMAT


@pytest.mark.parametrize(
    "source",
    [LOOKS, "return 1 +", "return image_patch.find(2)", "return image_patch.compute_depth()",
     "return image_patch.find('cup')[50]", "return image_patch.find('cup')[1]"],
    ids=["looks", "syntax", "check", "unserved", "runtime", "patch"],
)  # fmt: skip
def test_each_kind_of_run_is_valid(fake_engine, source):
    engine = fake_engine(detector=FakeDetector(CUPS), matcher=FakeMatcher({"red cup": 1.0}))
    answer = engine.run_program(source, picture())
    trace = json.loads(json.dumps(answer.trace.to_json()))
    assert [error.message for error in VALIDATOR.iter_errors(trace)] == []


def test_a_repaired_run_is_valid(fake_engine):
    engine = fake_engine(
        ScriptedGenerator(
            ["return image_patch.find('cup')[20]", "return len(image_patch.find('cup'))"]
        ),
        detector=FakeDetector(CUPS),
    )
    trace = engine.ask(picture(), "Which cup?").trace.to_json()
    assert len(trace["turns"]) == 2
    VALIDATOR.validate(json.loads(json.dumps(trace)))


def test_what_the_schema_does_not_know_is_invalid(fake_engine):
    trace = fake_engine(detector=FakeDetector(CUPS)).run_program("return 1", picture()).trace
    with pytest.raises(jsonschema.ValidationError, match="'extra' was unexpected"):
        VALIDATOR.validate(trace.to_json() | {"extra": 1})
