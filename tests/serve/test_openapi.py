"""The OpenAPI document says what the server does."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from fakes.asgi import as_json, call, form
from fakes.serving import PNG, PNG_TEXT, RUN
from viper.programs.program import Failure
from viper.serve.app import ROUTES
from viper.serve.service import answer_json
from viper.trace import Votes
from viper.usage import Usage

METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture
def document(app):
    return call(app, "GET", "/openapi.json").json()


def references(value):
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if key == "$ref")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def validator(document, name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(schema)


def test_it_is_whole(document):
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= document["info"].keys()
    for reference in references(document):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in METHODS
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["summary"]
        for status, response in operation["responses"].items():
            assert status.isdigit()
            assert response["description"]


def test_every_route_is_in_it_with_its_method(app, document):
    described = {path.replace("{name}", "app.js") for path in document["paths"]}
    assert {p for p in ROUTES if not p.startswith("/static/")} | {"/static/app.js"} == described
    for path, operations in document["paths"].items():
        for method in ("get", "post"):
            status = call(app, method.upper(), path.replace("{name}", "app.js")).status
            assert (status != 405) == (method in operations)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("AskJson", {"image": PNG_TEXT, "question": "Is there a cup?", "choices": ["yes"]}),
        ("RunJson", {"image": PNG_TEXT, "program": RUN, "stream": False}),
        ("CheckJson", {"program": RUN}),
    ],
)
def test_what_it_allows_is_taken_and_what_it_forbids_is_not(app, document, name, sent):
    path = f"/v1/{name.removesuffix('Json').lower()}"
    validator(document, name).validate(sent)
    assert call(app, "POST", path, **as_json(sent)).status == 200
    for wrong in (
        {**sent, "more": 1},
        {k: v for k, v in sent.items() if k != "program"} | {"question": ""},
        {},
    ):
        if validator(document, name).is_valid(wrong):
            continue
        assert call(app, "POST", path, **as_json(wrong)).status == 400


def test_answers_and_problems_fit_it(app, document):
    for program in (RUN, "import os"):
        sent = form({"program": program, "trace": "true"}, file=PNG)
        validator(document, "Answer").validate(call(app, "POST", "/v1/run", **sent).json())
    checked = call(app, "POST", "/v1/check", **as_json({"program": "import os"})).json()
    validator(document, "Checked").validate(checked)
    for reply in (call(app, "GET", "/x"), call(app, "POST", "/v1/ask")):
        validator(document, "ApiError").validate(reply.json())
        assert json.dumps(reply.json())


ANSWERED = "return image_patch.simple_query('What is it?')"


def answers(app, engine):
    """Real answers of each kind: answered, failed in each way, with notes, votes, a remembered program."""
    for program in (ANSWERED, "import os", "return 1 +", "return image_patch.find('cup')[99]"):
        for trace in ("true", "false"):
            sent = form({"program": program, "trace": trace}, file=PNG)
            yield call(app, "POST", "/v1/run", **sent).json()
    for task in ("vqa", "grounding"):
        sent = form(
            {"question": "the cup" if task == "grounding" else "Is it red?", "task": task}, file=PNG
        )
        yield call(app, "POST", "/v1/ask", **sent).json()
    answer = engine.run_program(ANSWERED, PNG)
    attempt = replace(answer.trace.attempts[0], notes=("read as a cup",), from_program_cache=True)
    votes = Votes(3, {"yes": 2}, 1)
    usage = replace(attempt, usage=Usage(10, 5, 0.25))
    for trace in (
        replace(answer.trace, turns=(attempt,), votes=votes, unverified=("red",)),
        replace(answer.trace, turns=(usage,), votes=replace(votes, answers={})),
        replace(answer.trace, turns=(), chosen=None, failure=Failure("timeout", "too long")),
    ):
        yield answer_json(replace(answer, trace=trace), "id", trace=True)


def test_every_key_of_a_real_answer_is_described(app, engine, document):
    schema = document["components"]["schemas"]["Answer"]
    assert schema["additionalProperties"] is False
    seen = list(answers(app, engine))
    for answer in seen:
        validator(document, "Answer").validate(answer)
        assert schema["properties"].keys() - answer.keys() <= {"trace"}
    assert {"failure", "answer"} <= {
        key for answer in seen for key, value in answer.items() if value
    }
    assert not validator(document, "Answer").is_valid(seen[0] | {"more": 1})


def test_an_answer_that_lacks_a_key_does_not_fit(app, engine, document):
    answer = next(iter(answers(app, engine)))
    for key in answer.keys() - {"trace"}:
        assert not validator(document, "Answer").is_valid(
            {k: v for k, v in answer.items() if k != key}
        )
