"""A real HTTP server on loopback that plays an OpenAI-compatible language model.

`LLMServer(replies)` answers the n-th request with the n-th reply, and every further one with the
last. Make replies with `text`, `refuse`, `raw`, … below. Use it as a context manager.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False
    """Close the connection without a word."""


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    """By lower-case name."""
    body: dict[str, Any]


def completion(message: dict[str, Any], *, finish_reason: str = "stop") -> Reply:
    """A chat completion with one choice, whose message is given."""
    return raw_json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "fake",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish_reason,
                    "message": {"role": "assistant", **message},
                }
            ],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
    )


def text(content: str | None, *, finish_reason: str = "stop", delay_s: float = 0.0) -> Reply:
    """A completion that says `content`."""
    made = completion({"content": content}, finish_reason=finish_reason)
    return Reply(made.status, made.body, made.headers, delay_s)


def raw_json(value: object) -> Reply:
    """Any JSON, with status 200."""
    return raw(json.dumps(value).encode())


def raw(body: bytes, content_type: str = "application/json") -> Reply:
    """Any bytes, with status 200."""
    return Reply(200, body, {"Content-Type": content_type})


def refuse(
    status: int, message: str = "", *, code: str | None = None, retry_after: str | None = None
) -> Reply:
    """An error in the format of the API."""
    headers = {"Content-Type": "application/json"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    body = json.dumps({"error": {"message": message, "code": code, "type": "error"}}).encode()
    return Reply(status, body, headers)


def drop() -> Reply:
    """Close the connection without a reply."""
    return Reply(drop=True)


Script = Callable[[Received], Reply]


class LLMServer:
    """The server; `requests` holds what came in, oldest first."""

    def __init__(self, replies: Sequence[Reply] | Script) -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self.requests: list[Received] = []
        self.most_at_once = 0
        self._at_once = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = json.loads(self.rfile.read(length))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = server._enter(Received(self.path, headers, body))
                try:
                    self._send(reply)
                finally:
                    server._leave()

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = server._enter(Received(self.path, headers, {}))
                try:
                    self._send(reply)
                finally:
                    server._leave()

            def _send(self, reply: Reply) -> None:
                if reply.delay_s:
                    time.sleep(reply.delay_s)
                if reply.drop:
                    self.close_connection = True
                    return
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client gave up, as a test wanted

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing on stderr."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """The base_url to give to a client."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> LLMServer:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _enter(self, request: Received) -> Reply:
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            index = len(self.requests) - 1
        if callable(self._replies):
            return self._replies(request)
        return self._replies[min(index, len(self._replies) - 1)]

    def _leave(self) -> None:
        with self._lock:
            self._at_once -= 1
