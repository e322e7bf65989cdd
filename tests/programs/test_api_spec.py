from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from docs.tooling.api_page import to_markdown
from viper.errors import ConfigError
from viper.methods.image_patch import METHODS
from viper.methods.stub_models import STUB_METHODS
from viper.methods.verdicts import VERDICTS
from viper.programs.api_spec import load_spec, parse_stub

SPEC = load_spec()


def test_every_method_that_needs_a_model_is_implemented_and_no_other():
    wanted = {entry.qualified_name for entry in SPEC.remote() if entry.needs}
    assert wanted == set(METHODS) == set(STUB_METHODS)
    assert {entry.qualified_name for entry in SPEC.remote()} == wanted | set(VERDICTS)


def test_the_api_holds_the_names_of_vipergpt():
    methods = {c.name for c in SPEC.callables if c.is_method}
    functions = {c.name for c in SPEC.callables if not c.is_method and not c.ends}
    assert methods == {
        "find", "exists", "verify_property", "best_text_match", "simple_query", "compute_depth",
        "crop", "overlaps_with", "llm_query",
    }  # fmt: skip
    assert functions == {
        "best_image_match", "distance", "bool_to_yesno", "coerce_to_numeric", "llm_query",
        "process_guesses",
    }  # fmt: skip
    assert [a.name for a in SPEC.attributes] == [
        "left", "lower", "right", "upper", "width", "height", "horizontal_center",
        "vertical_center", "score", "category",
    ]  # fmt: skip


@pytest.mark.parametrize("entry", SPEC.callables, ids=lambda e: e.qualified_name)
def test_every_docstring_explains_arguments_result_and_shows_an_example(entry):
    for parameter in entry.parameters:
        assert f"{parameter.name}: " in entry.doc.partition("Args:")[2]
    assert "Returns:" in entry.doc
    assert entry.summary.endswith(".")
    ast.parse("def f():\n " + entry.example.replace("\n", "\n "))


@pytest.mark.parametrize("attribute", SPEC.attributes, ids=lambda a: a.name)
def test_every_attribute_is_documented(attribute):
    assert attribute.doc


def test_the_wire_form_is_plain_json():
    wire = SPEC.to_wire()
    assert json.loads(json.dumps(wire)) == wire
    assert wire["methods"]["find"]["remote"] is True
    assert wire["methods"]["crop"]["remote"] is False
    assert wire["functions"]["best_image_match"]["params"][2] == {
        "name": "return_index", "type": "bool", "required": False, "default": False,
    }  # fmt: skip


def test_a_signature_reads_like_python():
    (find,) = (entry for entry in SPEC.callables if entry.name == "find")
    assert find.signature == "find(object_name: str) -> list[ImagePatch]"


@pytest.mark.parametrize(
    ("stub", "complaint"),
    [
        ("def f(x: int) -> int: ...", "a.pyi:1: f has no docstring"),
        ("def f(x) -> int:\n '''Doc.'''", "a.pyi:1: f: parameter 'x' has no type"),
        ("def f(x: int):\n '''Doc.'''", "a.pyi:1: f has no return type"),
        ("def f(*x: int) -> int:\n '''Doc.'''", "a.pyi:1: f must have plain parameters only"),
        ("@needs('ears')\ndef f() -> int:\n '''Doc.'''", "f needs the unknown role 'ears'"),
        ("@cache\ndef f() -> int:\n '''Doc.'''", "f has a decorator other than @needs(role)"),
        ("x: int", "No stub declares 'class ImagePatch'"),
    ],
)
def test_a_malformed_stub_is_refused_with_its_place(stub, complaint):
    with pytest.raises(ConfigError, match=complaint.replace("(", r"\(").replace(")", r"\)")):
        parse_stub([("a.pyi", stub)])


def test_the_reference_page_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "api.md"
    assert page.read_text(encoding="utf-8") == to_markdown(SPEC), "run: make reference"


def test_the_reference_page_names_everything():
    page = to_markdown(SPEC)
    for entry in SPEC.callables:
        assert f"### `{entry.name}(" in page
        assert entry.example in page
