"""The routes, from request to answer, with an engine of stubs."""

from __future__ import annotations

import pytest

from fakes.asgi import as_json, call, form
from fakes.serving import PNG, PNG_TEXT, RUN, png

QUESTION = {"question": "How many cups are there?"}


def test_a_form_with_a_file_is_answered(app):
    reply = call(app, "POST", "/v1/ask", **form(QUESTION, file=PNG, name="table.png"))
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert body["answer"] == "3"
    assert body["image"] == "table.png"
    assert body["failure"] is None
    assert "trace" not in body
    assert body["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "data:image/png;base64,",
        "data:image/png;charset=utf-8;base64,",
        "data:image/png;name=a%20b.png;charset=us-ascii;BASE64,",
        "data:;base64,",
        "DATA:image/svg+xml; base64,",
    ],
)
def test_json_with_a_base64_picture_is_answered(app, prefix):
    reply = call(app, "POST", "/v1/ask", **as_json({"image": prefix + PNG_TEXT, **QUESTION}))
    assert (reply.status, reply.json()["answer"]) == (200, "3")


def test_a_jpeg_in_base64_begins_with_a_slash_and_is_no_path(app):
    import base64

    text = base64.b64encode(png(form="JPEG")).decode()
    assert text.startswith("/")
    assert call(app, "POST", "/v1/ask", **as_json({"image": text, **QUESTION})).status == 200


def test_a_given_program_is_run(app):
    reply = call(app, "POST", "/v1/run", **form({"program": RUN}, file=PNG))
    assert (reply.status, reply.json()["answer"]) == (200, "3")
    assert reply.json()["generator"] == "file"


def test_a_program_may_be_sent_as_a_file(app):
    parts = (
        b'--B\r\nContent-Disposition: form-data; name="program"; filename="a.py"\r\n\r\n',
        RUN.encode(),
        b'\r\n--B\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n',
        PNG,
        b"\r\n--B--\r\n",
    )
    headers = {"content-type": "multipart/form-data; boundary=B"}
    reply = call(app, "POST", "/v1/run", headers=headers, body=b"".join(parts))
    assert (reply.status, reply.json()["answer"]) == (200, "3")


def test_the_whole_run_comes_on_request_and_fits_its_schema(app):
    import json
    from importlib.resources import files

    import jsonschema

    reply = call(app, "POST", "/v1/ask", **form({**QUESTION, "trace": "true"}, file=PNG))
    schema = json.loads((files("viper.trace") / "schema.json").read_text())
    jsonschema.validate(reply.json()["trace"], schema)


def test_grounding_and_choices_arrive(app):
    asked = {"question": "the cup", "task": "grounding"}
    assert len(call(app, "POST", "/v1/ask", **form(asked, file=PNG)).json()["patches"]) == 1
    asked = {"question": "What is this?", "choices": ["cup", "ball"], "trace": "1"}
    body = call(app, "POST", "/v1/ask", **form(asked, file=PNG)).json()
    assert body["trace"]["choices"] == ["cup", "ball"]


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("import os", "check"),
        ("def execute_command(image):\n    return 1 / 0", "runtime"),
        ("def execute_command(image:", "syntax"),
    ],
)
def test_what_a_program_does_wrong_is_an_answer_with_a_failure(app, program, kind):
    reply = call(app, "POST", "/v1/run", **form({"program": program}, file=PNG))
    assert reply.status == 200
    assert reply.json()["answer"] is None
    assert reply.json()["failure"]["kind"] == kind


def test_a_question_that_nobody_understands_is_an_answer_with_a_failure(app):
    reply = call(app, "POST", "/v1/ask", **form({"question": "Why?"}, file=PNG))
    assert (reply.status, reply.json()["failure"]["kind"]) == (200, "generator")


def test_a_program_is_checked_without_running_it(app):
    reply = call(
        app,
        "POST",
        "/v1/check",
        **as_json({"program": "import os\n" + RUN.replace("return ", "return os and ")}),
    )
    assert reply.status == 200
    (finding,) = reply.json()["findings"]
    assert (finding["kind"], finding["line"]) == ("check", 1)
    reply = call(app, "POST", "/v1/check", **as_json({"program": RUN}))
    assert reply.json()["findings"] == []


def test_health_says_draining_when_it_ends(make):
    app, service = make()
    reply = call(app, "GET", "/healthz")
    assert (reply.status, reply.json()) == (200, {"status": "ok", "sandbox": "full"})
    service.admission.drain()
    reply = call(app, "GET", "/healthz")
    assert (reply.status, reply.json()["status"]) == (503, "draining")
    reply = call(app, "POST", "/v1/ask", **form(QUESTION, file=PNG))
    assert (reply.status, reply.error["kind"]) == (503, "shutdown")


def test_the_info_tells_models_and_limits(app):
    info = call(app, "GET", "/v1/info").json()
    assert info["models"]["detector"] == "stub"
    assert info["limits"]["queue"] == 32


@pytest.mark.parametrize("path", ["/nothing", "/v1/ask/", "/v1", "//v1/ask", "/static/", "/V1/ASK"])
def test_an_unknown_path_is_an_api_error(app, path):
    reply = call(app, "GET", path)
    assert (reply.status, reply.error["kind"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/ask"), ("POST", "/metrics"), ("OPTIONS", "/v1/run")]
)
def test_a_wrong_method_is_an_api_error(app, method, path):
    reply = call(app, method, path)
    assert (reply.status, reply.error["kind"]) == (405, "method")
    assert reply.headers["allow"]


@pytest.mark.parametrize(
    "name",
    [
        "../settings.py",
        "..%2fsettings.py",
        "%2e%2e/app.py",
        "....//app.py",
        "index.html/..",
        "\x00",
        "../../../etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_files_of_the_page(app, name):
    for path in (f"/static/{name}", f"/static//{name}"):
        reply = call(app, "GET", path)
        assert (reply.status, reply.error["kind"]) == (404, "not_found")


def test_the_page_and_its_files_are_served_with_their_types(app):
    from viper.serve.static_files import STATIC_FILES

    assert call(app, "GET", "/").headers["content-type"].startswith("text/html")
    for name, (_, _, kind) in STATIC_FILES.items():
        reply = call(app, "GET", f"/static/{name}")
        assert (reply.status, reply.headers["content-type"]) == (200, kind)
        assert reply.headers["etag"]
    assert call(app, "HEAD", "/").status == 200
