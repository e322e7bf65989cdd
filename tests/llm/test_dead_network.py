"""A service that goes away at any point of a call becomes one line, in time."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

import pytest

from viper.errors import ModelError
from viper.llm.client import ChatModel, ChatSettings, Message

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
BODY = b'{"choices": [{"message": {"content": "4"}}]}'
COMPLETE = HEAD.replace(b"1000", str(len(BODY)).encode()) + BODY

DEATHS = {
    "closes at once": (b"", "close"),
    "resets at once": (b"", "reset"),
    "never answers": (b"", "wait"),
    "closes in the head": (HEAD[:30], "close"),
    "resets in the body": (HEAD + b'{"choices"', "reset"),
    "closes in the body": (HEAD + b'{"choices"', "close"),
    "stops in the body": (HEAD + b'{"choices"', "wait"),
    "is no server of HTTP": (b"220 mail ready\r\n", "close"),
}


@contextlib.contextmanager
def server(content, end):
    """Serve every connection with this content, and end it like this."""
    stopped = threading.Event()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(content)
            if end == "wait":
                stopped.wait(20)
            if end == "reset":
                option = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            stopped.set()
            listening.shutdown(socket.SHUT_RDWR)


def ask(url, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    options = {"base_url": url, "timeout": "0.5", "max_retries": "0"}
    model = ChatModel(ChatSettings.parse("m", options))
    (reply,) = model.chat_blocking([[Message("user", "?")]], [10])
    return reply


@pytest.mark.parametrize("death", DEATHS)
def test_a_service_that_goes_away_is_one_line_in_time(death, monkeypatch):
    with server(*DEATHS[death]) as url:
        started_s = time.monotonic()
        reply = ask(url, monkeypatch)
        assert time.monotonic() - started_s < 10
    assert isinstance(reply, ModelError)
    assert "\n" not in str(reply)
    assert url in str(reply)


def test_the_same_service_that_stays_is_answered_by(monkeypatch):
    with server(COMPLETE, "close") as url:
        assert ask(url, monkeypatch).text == "4"
