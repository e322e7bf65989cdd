"""What the tests of the server share: a picture, a program, an engine that a test holds by the hand."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from viper import Engine


def png(width=60, height=40, form="PNG") -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(held, form)
    return held.getvalue()


PNG = png()
PNG_TEXT = base64.b64encode(PNG).decode()
RUN = "def execute_command(image):\n    return len(image.find('cup'))"


@dataclass
class HeldEngine:
    """Stands in for an engine: an answer comes when the test lets it."""

    real: Engine
    started: int = 0
    cancelled: int = 0
    queries: list[Any] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    steps: list[Any] = field(default_factory=list)
    error: Exception | None = None
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def __getattr__(self, name):
        return getattr(self.real, name)

    async def arun(self, query, *, timeout_s=None, on_step=None):
        self.started += 1
        self.queries.append(query)
        self.timeouts.append(timeout_s)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return await self.real.arun(query, timeout_s=timeout_s, on_step=on_step)


class ServeProcess:
    """`viper serve` in a process of its own."""

    def __init__(self, *arguments, **environment):
        command = [sys.executable, "-m", "viper", "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ends(self, number=signal.SIGTERM):
        """Send a signal; return (status, stdout, stderr)."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err
