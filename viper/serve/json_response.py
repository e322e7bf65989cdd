"""JSON responses whose text is safe on a terminal: `curl` prints what a model or a program has written."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from viper.texts.terminal import json_text

__all__ = ["JsonResponse"]


class JsonResponse(Response):
    """A response with a JSON value; characters that are not printable are written as escapes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the value as bytes."""
        return json_text(content, compact=True).encode()
