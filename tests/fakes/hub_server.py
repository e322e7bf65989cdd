"""A real HTTP server on loopback in the shape of the model hub, with faults that can be switched on.

    with HubServer() as hub:
        commit = hub.add("owner/name", {"config.json": b"{}", "model.safetensors": b"…"})
        hub.fail("model.safetensors", Fault(cut_after=1000))
        …  # with huggingface_hub's ENDPOINT at hub.url

Large files (safetensors, .bin, .model) are kept as the hub keeps them: known by their SHA-256 and served,
after a redirect, from another host name. Others have git's SHA-1. Ranges and HEAD are understood.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".model", ".onnx")
LISTING = "listing"
"""Name of the request that lists a repository, for faults."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    status: int = 0
    """Answer with this status instead of the content."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int = -1
    """Close the connection after so many bytes of the content."""
    reset: bool = False
    """Cut with a reset instead of an orderly end."""
    flip: bool = False
    """Change one byte of the content."""
    ignore_range: bool = False
    """Answer with the whole content whatever was asked for."""
    delay_s: float = 0.0
    body: bytes = b""
    """What to say with `status`."""


GATED = Fault(401, {"X-Error-Code": "GatedRepo"})


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    host: str
    headers: dict[str, str]
    """By lower-case name."""


@dataclass
class _Repository:
    commit: str
    files: dict[str, bytes]


class HubServer:
    """The server; `requests` holds what came in, oldest first."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.repositories: dict[str, _Repository] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, repository: str, files: Mapping[str, bytes] | Path) -> str:
        """Put a repository, or a new commit of it, on the hub; return the commit."""
        if isinstance(files, Path):
            files = {
                path.relative_to(files).as_posix(): path.read_bytes()
                for path in files.rglob("*")
                if path.is_file()
            }
        digest = hashlib.sha1(repository.encode())
        for name in sorted(files):
            digest.update(name.encode() + files[name])
        self.repositories[repository] = _Repository(digest.hexdigest(), dict(files))
        return digest.hexdigest()

    def fail(self, name: str, *faults: Fault) -> None:
        """Let the next requests for a file (or `LISTING`) go wrong, one after the other."""
        with self._lock:
            self._faults.setdefault(name, []).extend(faults)

    def heal(self) -> None:
        """Forget the faults that have not happened."""
        with self._lock:
            self._faults.clear()

    def fetched(self, name: str) -> list[Received]:
        """Return the requests for a file's content, redirects left out."""
        return [request for request in self.requests if request.path.endswith(f"#{name}")]

    def next_fault(self, name: str) -> Fault:
        with self._lock:
            waiting = self._faults.get(name, [])
            return waiting.pop(0) if waiting else Fault()

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server_hub: HubServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        parts = path.strip("/").split("/")
        note = ""
        try:
            if parts[:2] == ["api", "models"]:
                self._list(parts[2:])
            elif parts[0] == "cdn":
                note = f"#{'/'.join(parts[4:])}"
                self._content("/".join(parts[1:3]), parts[3], "/".join(parts[4:]))
            elif len(parts) > 4 and parts[2] == "resolve":
                repository, name = "/".join(parts[:2]), "/".join(parts[4:])
                if name.endswith(LARGE):
                    self._redirect(repository, parts[3], name)
                else:
                    note = f"#{name}"
                    self._content(repository, parts[3], name)
            else:
                self._refuse(404, {"X-Error-Code": "RepoNotFound"})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            headers = {name.lower(): value for name, value in self.headers.items()}
            host = headers.get("host", "").partition(":")[0]
            self.server_hub.requests.append(Received(self.command, path + note, host, headers))

    def _list(self, parts: list[str]) -> None:
        fault = self.server_hub.next_fault(LISTING)
        time.sleep(fault.delay_s)
        if fault.status:
            self._refuse(fault.status, fault.headers, fault.body)
            return
        found = self._find("/".join(parts[:2]), parts[3] if len(parts) > 3 else "main")
        if found is None:
            return
        if parts[2:3] == ["tree"]:
            entries = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(content),
                    **_stored(content, name, "oid"),
                }
                for name, content in found.files.items()
            ]
            self._send_json(entries)
            return
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                **_stored(content, name, "blobId", sha_key="sha256"),
            }
            for name, content in found.files.items()
        ]
        self._send_json({"id": "/".join(parts[:2]), "sha": found.commit, "siblings": siblings})

    def _find(self, repository: str, revision: str) -> _Repository | None:
        found = self.server_hub.repositories.get(repository)
        if found is None:
            self._refuse(404, {"X-Error-Code": "RepoNotFound"})
            return None
        if revision not in ("main", found.commit):
            self._refuse(404, {"X-Error-Code": "RevisionNotFound"})
            return None
        return found

    def _redirect(self, repository: str, revision: str, name: str) -> None:
        found = self._find(repository, revision)
        if found is None:
            return
        content = found.files[name]
        place = f"http://localhost:{self.server_hub.port}/cdn/{repository}/{revision}/{name}"
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("X-Repo-Commit", found.commit)
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("X-Linked-Etag", f'"{sha256(content)}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _content(self, repository: str, revision: str, name: str) -> None:
        found = self._find(repository, revision)
        if found is None:
            return
        if name not in found.files:
            self._refuse(404, {"X-Error-Code": "EntryNotFound"})
            return
        content = found.files[name]
        fault = self.server_hub.next_fault(name)
        time.sleep(fault.delay_s)
        if fault.status:
            self._refuse(fault.status, fault.headers, fault.body)
            return
        start = 0
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes=") and not fault.ignore_range:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
        if start and start >= len(content):
            self._refuse(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        etag = sha256(content) if name.endswith(LARGE) else git_sha1(content)
        if fault.flip:
            content = bytes([content[0] ^ 1]) + content[1:]
        self.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", found.commit)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault.cut_after < 0:
            self.wfile.write(content[start:])
            return
        self.wfile.write(content[start : start + fault.cut_after])
        self.wfile.flush()
        self.close_connection = True
        if fault.reset:  # closing with the linger time at zero sends a reset
            time.sleep(0.1)  # what was sent should arrive first
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _refuse(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _stored(content: bytes, name: str, key: str, sha_key: str = "oid") -> dict[str, Any]:
    """Return how the hub tells what it keeps."""
    if not name.endswith(LARGE):
        return {key: git_sha1(content)}
    pointer = {sha_key: sha256(content), "size": len(content), "pointerSize": 130}
    return {key: git_sha1(b"pointer" + content), "lfs": pointer}
