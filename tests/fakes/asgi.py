"""Calls an ASGI application as a server would, with a client that may send slowly or go away."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        return self.json()["error"]

    def events(self) -> list[tuple[str, Any]]:
        """(name, data) of each server-sent event."""
        found = []
        for block in self.body.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line[1:])
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found


class Client:
    """One request; `chunks` are sent with `pause_s` before each, then `gone` ends the connection."""

    def __init__(self, chunks: list[bytes], *, pause_s: float = 0.0, taking_s: float = 0.0) -> None:
        self.reply = Reply()
        self.gone = asyncio.Event()
        self.aborted = False
        self._chunks = list(chunks)
        self._pause_s = pause_s
        self._taking_s = taking_s
        self._more = True

    async def receive(self) -> dict[str, Any]:
        if self._more:
            await asyncio.sleep(self._pause_s)
            chunk = self._chunks.pop(0) if self._chunks else b""
            self._more = bool(self._chunks)
            return {"type": "http.request", "body": chunk, "more_body": self._more}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await asyncio.sleep(self._taking_s)
        if message["type"] == "http.response.start":
            assert not self.reply.status, "a second head was sent"
            self.reply.status = message["status"]
            self.reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            assert not self.reply.ended, "something was sent after the end"
            self.reply.parts.append(message.get("body", b""))
            self.reply.ended = not message.get("more_body", False)

    def abort(self) -> None:
        self.aborted = True


def scope(method: str, path: str, headers: dict[str, str], client: Client) -> dict[str, Any]:
    sent = {"host": "127.0.0.1:8765", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (k.lower().encode(), v.encode("latin-1")) for k, v in sent.items() if v is not None
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8765),
        "state": {"abort": client.abort},
    }


async def exchange(app, method, path, *, headers=None, body=b"", client=None) -> Reply:
    """Send one request and return the whole reply."""
    chunks = body if isinstance(body, list) else [body]
    client = client or Client(chunks)
    await app(scope(method, path, headers or {}, client), client.receive, client.send)
    return client.reply


class Loop:
    """One event loop for all calls: an application lives on one."""

    runner: asyncio.Runner | None = None

    @classmethod
    def run(cls, coroutine):
        if cls.runner is None:
            cls.runner = asyncio.Runner()
        return cls.runner.run(asyncio.wait_for(coroutine, 30))

    @classmethod
    def close(cls) -> None:
        if cls.runner is not None:
            cls.runner.close()
            cls.runner = None


def run(coroutine):
    """Run a coroutine from a test that has no loop."""
    return Loop.run(coroutine)


def call(app, method, path, **options) -> Reply:
    """Send one request from a test that has no loop."""
    return run(exchange(app, method, path, **options))


def form(
    fields: dict[str, Any], *, file: bytes | None = None, name: str = "a.png"
) -> dict[str, Any]:
    """A multipart body as arguments of `exchange`."""
    boundary = uuid.uuid4().hex
    parts = []
    for key, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            parts.append(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{item}\r\n'.encode()
            )
    if file is not None:
        head = f'Content-Disposition: form-data; name="image"; filename="{name}"\r\nContent-Type: image/png'
        parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + file + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return {
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
        "body": b"".join(parts),
    }


def as_json(value: Any, **headers: str) -> dict[str, Any]:
    """A JSON body as arguments of `exchange`."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {"headers": {"content-type": "application/json", **headers}, "body": body}
