"""The files of the page: a fixed table, read once, so that a request cannot name a path."""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files

from starlette.responses import Response

from viper.serve.api_error import ApiError
from viper.trace.page import VIEWER_SCRIPTS

__all__ = ["STATIC_FILES", "static_response"]

STATIC_FILES = {
    "index.html": ("viper.serve", "static", "text/html; charset=utf-8"),
    "api.js": ("viper.serve", "static", "text/javascript; charset=utf-8"),
    "app.css": ("viper.serve", "static", "text/css; charset=utf-8"),
    "app.js": ("viper.serve", "static", "text/javascript; charset=utf-8"),
    "editor.js": ("viper.serve", "static", "text/javascript; charset=utf-8"),
    "history.js": ("viper.serve", "static", "text/javascript; charset=utf-8"),
    "example.png": ("viper.serve", "static", "image/png"),
    "viewer.css": ("viper.trace", "viewer", "text/css; charset=utf-8"),
    **dict.fromkeys(VIEWER_SCRIPTS, ("viper.trace", "viewer", "text/javascript; charset=utf-8")),
}
"""File name → package, folder in it, media type."""


def static_response(name: str) -> Response:
    """Return a file of the page.

    Raises:
        ApiError: There is no such file (404).
    """
    if name not in STATIC_FILES:
        raise ApiError(404, "not_found", "There is no such file.")
    content, tag = _content(name)
    headers = {"content-type": STATIC_FILES[name][2], "cache-control": "no-cache", "etag": tag}
    return Response(content, headers=headers)


@functools.cache
def _content(name: str) -> tuple[bytes, str]:
    package, folder, _ = STATIC_FILES[name]
    content = (files(package) / folder / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'
