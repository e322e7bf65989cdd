"""What an answer says of how far to trust it, over HTTP."""

from __future__ import annotations

import pytest

from fakes.asgi import as_json, call, form
from fakes.backends import FakeDetector
from fakes.cups import CUPS
from fakes.serving import PNG, PNG_TEXT

RED = {"question": "How many red cups are there?"}
ABSENT = "def execute_command(image):\n    return absent('elephant').simple_query('What color?')"


@pytest.fixture
def detecting(make, fake_engine):
    """A server with a detector, and nothing that tests conditions."""
    return make(fake_engine(detector=FakeDetector(CUPS)))[0]


def as_form(fields):
    return form({key: str(value).lower() for key, value in fields.items()}, file=PNG)


def as_body(fields):
    return as_json({"image": PNG_TEXT, **fields})


@pytest.mark.parametrize("sent", [as_form, as_body], ids=["form", "JSON"])
def test_a_condition_that_nobody_tests_is_a_doubt_of_the_best_effort_only(detecting, sent):
    refused = call(detecting, "POST", "/v1/ask", **sent(RED))
    assert refused.status == 200
    body = refused.json()
    assert (body["outcome"], body["answer"], body["how"], body["doubts"]) == (
        "no_answer",
        None,
        None,
        [],
    )
    assert body["failure"]["kind"] == "model"
    assert not body["best_effort"]
    body = call(detecting, "POST", "/v1/ask", **sent({**RED, "best_effort": True})).json()
    assert (body["outcome"], body["how"], body["failure"]) == (
        "answered_with_doubts",
        "program",
        None,
    )
    assert any("red" in doubt["condition"] for doubt in body["doubts"])
    assert body["best_effort"]


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("asked", [None, True, False])
def test_a_request_replaces_the_servers_default(make, fake_engine, default, asked):
    engine = fake_engine(detector=FakeDetector(CUPS), options={"best_effort": default})
    app, _ = make(engine)
    assert call(app, "GET", "/v1/info").json()["best_effort"] == default
    body = call(app, "POST", "/v1/ask", **as_body({**RED, "best_effort": asked})).json()
    assert (body["answer"] is not None) == (default if asked is None else asked)


@pytest.mark.parametrize("wrong", ["maybe", "", "2"])
def test_what_is_neither_true_nor_false_is_refused(app, wrong):
    reply = call(app, "POST", "/v1/ask", **as_form({**RED, "best_effort": wrong}))
    assert reply.status == 400
    assert reply.error["message"].startswith("best_effort: ")


def test_what_is_absent_is_an_answer_with_status_200(app):
    sent = {"program": ABSENT}
    reply = call(app, "POST", "/v1/run", **as_body(sent))
    body = reply.json()
    assert (reply.status, body["failure"]["kind"], body["outcome"]) == (200, "absent", "no_answer")
    body = call(app, "POST", "/v1/run", **as_body({**sent, "best_effort": True})).json()
    assert (body["outcome"], body["doubts"][0]["condition"]) == (
        "answered_with_doubts",
        "elephant",
    )


def test_one_models_word_about_the_whole_image_is_direct(app):
    program = "def execute_command(image):\n    return image.simple_query('What is it?')"
    body = call(app, "POST", "/v1/run", **as_body({"program": program})).json()
    assert body["how"] == "direct"
    assert body["direct_answer"]["text"] == body["answer"]


def test_a_stream_ends_with_the_same_answer(app):
    sent = {"program": ABSENT, "best_effort": True}
    plain = call(app, "POST", "/v1/run", **as_body(sent)).json()
    events = call(app, "POST", "/v1/run", **as_body({**sent, "stream": True})).events()
    name, last = events[-1]
    assert name == "answer"
    for key in ("outcome", "doubts", "how", "weakest", "answer", "best_effort"):
        assert last[key] == plain[key]
