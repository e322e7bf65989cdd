"""Hosts, origins, tokens, headers: what browsers and strangers are kept from."""

from __future__ import annotations

import logging
import re

import pytest

from fakes.asgi import as_json, call, form
from fakes.hosts import TRICKS
from fakes.serving import PNG, PNG_TEXT

TOKEN = "correct horse battery staple"
ASK = {"question": "Is there a cup?"}


def asked(app, headers, body=None):
    sent = body or form(ASK, file=PNG)
    return call(app, "POST", "/v1/ask", headers={**sent["headers"], **headers}, body=sent["body"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:1", "LOCALHOST", "[::1]:8765", "127.0.0.1", "127.9.9.9"]
)
def test_loopback_answers_to_its_own_names(app, host):
    assert call(app, "GET", "/healthz", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", "", "10.0.0.7",
     "evil.example#127.0.0.1", "[::2]", "evil@127.0.0.1", "0.0.0.0", "127.0.0.1, evil.example"],
)  # fmt: skip
def test_loopback_refuses_foreign_names(app, host):
    for path in ("/", "/healthz", "/v1/info", "/metrics"):
        reply = call(app, "GET", path, headers={"host": host})
        assert (reply.status, reply.error["kind"]) == (403, "forbidden")
    assert "--allow-host" in reply.error["message"]


@pytest.mark.parametrize("text", TRICKS)
def test_a_server_answers_to_no_trick(make, text):
    sent = text.encode().decode("latin-1")  # as bytes of a header
    app, _ = make()
    assert call(app, "GET", "/healthz", headers={"host": sent}).status == 403
    open_app, _ = make(host="0.0.0.0", token=TOKEN)  # any name will do, but it must be one
    assert call(open_app, "GET", "/healthz", headers={"host": sent}).status == 403
    named, _ = make(token=TOKEN, allowed_hosts=("evil.com",))
    assert call(named, "GET", "/healthz", headers={"host": sent}).status == 403


def test_a_name_that_was_allowed_is_answered_to(make):
    app, _ = make(allowed_hosts=("Viper.example.org",), token=TOKEN)
    assert call(app, "GET", "/healthz", headers={"host": "viper.example.org"}).status == 200
    assert call(app, "GET", "/healthz", headers={"host": "127.0.0.1:1"}).status == 200
    assert call(app, "GET", "/healthz", headers={"host": "example.org"}).status == 403


def test_elsewhere_any_name_will_do_unless_some_are_allowed(make):
    app, _ = make(host="0.0.0.0", token=TOKEN)
    assert call(app, "GET", "/healthz", headers={"host": "gpu-box:8765"}).status == 200
    app, _ = make(host="0.0.0.0", token=TOKEN, allowed_hosts=("gpu-box",))
    assert call(app, "GET", "/healthz", headers={"host": "gpu-box:8765"}).status == 200
    assert call(app, "GET", "/healthz", headers={"host": "evil.example"}).status == 403
    assert call(app, "GET", "/healthz", headers={"host": "127.0.0.1"}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://localhost:8765"},
        {"origin": ""},
        {"origin": "http://127.0.0.1:8765.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_pages_of_others_cannot_post(app, headers):
    reply = asked(app, headers)
    assert (reply.status, reply.error["kind"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"},
        {"origin": "https://127.0.0.1:8765"},
        {"sec-fetch-site": "none"},
    ],
    ids=str,
)
def test_the_own_page_and_programs_can_post(app, headers):
    assert asked(app, headers).status == 200


@pytest.mark.parametrize("path", ["/metrics", "/v1/info", "/healthz", "/", "/openapi.json"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "cors"])
def test_pages_of_others_cannot_have_a_browser_fetch_anything(app, path, site, mode):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    assert call(app, "GET", path, headers=headers).status == 403
    for control in ({**headers, "sec-fetch-mode": "navigate"}, {"sec-fetch-site": "same-origin"}):
        assert call(app, "GET", path, headers=control).status == 200


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x00", "\x85", "\u2028", "\x7f"], ids=ascii)
@pytest.mark.parametrize("path", ["/metrics", "/v1/info", "/healthz"])
def test_no_path_with_a_control_character_is_another_one(app, path, end):
    """The control: the expression of a route alone takes "/metrics" and a line feed for "/metrics"."""
    assert call(app, "GET", path + end).status == 404
    assert re.match(f"^{path}$", path + "\n")


def test_no_response_lets_foreign_pages_read_it(app):
    for method, path in (("GET", "/v1/info"), ("OPTIONS", "/v1/ask"), ("GET", "/metrics")):
        reply = call(app, method, path, headers={"origin": "http://evil.example"})
        assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ä",
    ],
)
def test_without_the_token_nothing_is_answered(make, given):
    app, _ = make(token=TOKEN)
    for path in ("/v1/info", "/metrics", "/v1/nothing", "/docs"):
        reply = call(app, "GET", path, headers={"authorization": given})
        assert (reply.status, reply.error["kind"]) == (401, "unauthorized")
        assert reply.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in reply.body.decode()
    assert asked(app, {"authorization": given}).status == 401


def test_with_the_token_everything_is(make):
    app, _ = make(token=TOKEN)
    headers = {"authorization": f"bearer {TOKEN}"}
    assert call(app, "GET", "/metrics", headers=headers).status == 200
    assert asked(app, headers).status == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/openapi.json", "/static/app.js"])
def test_what_says_nothing_of_anybody_needs_no_token(make, path):
    app, _ = make(token=TOKEN)
    assert call(app, "GET", path).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nothing"), ("POST", "/v1/ask"), ("GET", "/metrics"), ("GET", "/static/app.js")],
)  # fmt: skip
def test_every_response_has_the_headers_that_confine_pages(app, method, path):
    headers = call(app, method, path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert len(headers["x-request-id"]) == 16


def test_a_bug_is_reported_with_the_request_id_that_the_log_has(make, held, caplog):
    app, _ = make(held)
    held.error = RuntimeError("secret of /home/me/key.pem")
    held.go.set()
    with caplog.at_level(logging.INFO, "viper.serve"):
        reply = asked(app, {})
    assert (reply.status, reply.error["kind"]) == (500, "internal")
    assert "secret" not in reply.body.decode()
    number = reply.json()["request_id"]
    assert number in reply.error["message"]
    assert f"Request {number} failed." in caplog.text
    assert "secret of /home/me/key.pem" in caplog.text
    assert f"{number} POST /v1/ask 500" in caplog.text


def test_a_bug_in_the_middle_of_a_stream_cuts_the_connection(make, held, caplog):
    from fakes.asgi import Client, exchange, run

    app, service = make(held)
    held.error = RuntimeError("secret")
    held.go.set()
    body = form({**ASK, "stream": "true"}, file=PNG)
    client = Client([body["body"]])
    run(exchange(app, "POST", "/v1/ask", headers=body["headers"], client=client))
    assert client.aborted
    assert b"secret" not in client.reply.body
    assert service.admission.admitted == 0


def test_the_log_holds_no_question_and_no_path_of_a_client(app, caplog):
    with caplog.at_level(logging.INFO, "viper.serve"):
        asked(app, {})
        call(app, "GET", "/my%20secret\r\nforged line")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert " POST /v1/ask 200 " in lines[0]
    assert " GET other 404 " in lines[1]


def test_programs_that_attack_come_back_as_failures(app):
    for source in (
        "import os\ndef execute_command(image):\n    return os.environ",
        "def execute_command(image):\n    return image.__class__.__mro__",
    ):
        reply = call(app, "POST", "/v1/run", **as_json({"image": PNG_TEXT, "program": source}))
        assert reply.status == 200
        assert reply.json()["failure"]["kind"] in ("check", "policy", "syntax")
