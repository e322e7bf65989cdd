"""What `curl` prints of an answer."""

from __future__ import annotations

import json

import pytest

from fakes.asgi import call, form
from fakes.serving import PNG
from viper.serve.json_response import JsonResponse

CONTROLS = ["\x9b31m", "\u202e", "\x7f", "\x85\u2028\u2029", "\x1b[2J", "\ud800", "\U000e0041"]


@pytest.mark.parametrize("text", CONTROLS, ids=ascii)
def test_a_body_is_printable_and_the_same_value(text):
    body = JsonResponse({"answer": text}).body.decode()
    assert body.isprintable()
    assert json.loads(body) == {"answer": text}
    assert not text.isprintable()  # the control


@pytest.mark.parametrize("stream", [False, True], ids=["json", "events"])
def test_an_answer_is_printable(app, stream):
    program = "def execute_command(image):\n    return '\\x9b31m\\u202e\\x7f'"
    sent = form({"program": program, "stream": str(stream).lower()}, file=PNG)
    reply = call(app, "POST", "/v1/run", **sent)
    assert reply.body.decode().replace("\n", "").isprintable()
    answer = reply.events()[-1][1] if stream else reply.json()
    assert "\x9b31m\u202e\x7f" in str(answer).encode().decode() or "\\x9b31m" in repr(answer)
