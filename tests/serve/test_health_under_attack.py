"""The real server answers `/healthz` and SIGTERM while a stranger's program makes huge texts."""

from __future__ import annotations

import http.client
import json
import threading
import time

import pytest

from fakes.serving import PNG_TEXT, ServeProcess

PROGRAMS = {
    "a prompt of dots": "image.llm_query('a.' * 490000)",
    "a question of schemes": "image.simple_query('1://' * 240000)",
    "an error of dashes": "int('-' * 900000)",
    "an answer of folders": "str('/a' * 400000)",
    "a phrase of home folders": "len(image.find('~/' * 400000))",
    "a property of keys": "image.verify_property('cup', 'sk-' * 300000)",
    "printed passwords": "str(print('://a:b@' * 140000))",
    "an answer that is not printable": "'\\u00ad' * 490000",
    "phrases that are not printable": "[image.find('a' + '\\x85' * 190) for n in range(1900)][:1]",
    "blanks": 'image.llm_query(" \' " * 300000)',
}


def body(expression):
    program = f"def execute_command(image):\n    image = ImagePatch(image)\n    return {expression}"
    return json.dumps({"image": PNG_TEXT, "program": program, "trace": True, "timeout_s": 20})


def send(port, method, path, text=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, text, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.fixture(scope="module", params=["stub", "none"])
def port(request):
    with ServeProcess("--models", request.param) as server:
        yield int(server.url.rpartition(":")[2])
        began = time.monotonic()
        status, _, _ = server.ends()
        assert status == 0
        assert time.monotonic() - began < 20


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_server_stays_healthy(port, name):
    replies = []
    attack = threading.Thread(
        target=lambda: replies.append(send(port, "POST", "/v1/run", body(PROGRAMS[name])))
    )
    attack.start()
    slowest_s = 0.0
    while attack.is_alive():
        began = time.monotonic()
        assert send(port, "GET", "/healthz")[0] == 200
        slowest_s = max(slowest_s, time.monotonic() - began)
        attack.join(0.02)
    # A quadratic search of these texts takes minutes.
    assert slowest_s < 8
    ((status, reply),) = replies
    assert status in (200, 422, 503)
    assert reply.decode().replace("\n", "").isprintable()
