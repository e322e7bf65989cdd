"""What torch says of this machine, asked in a process of its own with a time limit.

asked = TorchQuestion()        # begins at once
…                              # look at other things meanwhile
facts = asked.wait()           # TorchFacts
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Device", "TorchFacts", "TorchQuestion"]

_LIMIT_S = 60.0
# Importing torch takes two seconds from a warm disk; a cold one in a network can take half a minute.

_SECRET = re.compile(r"(?i)key|token|secret|passw|credential")
# Variables that the child is not given; torch needs none of them.


@dataclass(frozen=True, slots=True)
class Device:
    """A device beside the processor that torch can use."""

    name: str
    """As `--backend` options write it, and what its maker calls it: `cuda:0 NVIDIA H200`."""
    total_bytes: int
    free_bytes: int | None
    """None where nothing says it."""


@dataclass(frozen=True, slots=True)
class TorchFacts:
    """What torch is, and what it can use."""

    version: str | None
    """None where torch cannot be imported."""
    build: str = ""
    """`CUDA 12.8` or `ROCm 6.4`; "" for a build without either."""
    devices: tuple[Device, ...] = ()
    trouble: str = ""
    """What went wrong on the way, as the library says it."""


class TorchQuestion:
    """The process that was asked; it never outlives `wait` or `cancel`.

    Args:
        script: What is run; prints one JSON object.
        limit_s: Seconds until it is given up.
    """

    def __init__(self, script: Path | None = None, limit_s: float = _LIMIT_S) -> None:
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None
        script = script or Path(__file__).with_name("_torch_probe.py")
        try:
            # -P: a file called torch.py in the working directory is not torch.
            self._process = subprocess.Popen(  # noqa: S603 # our own interpreter and script
                [sys.executable, "-P", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: text for name, text in os.environ.items() if not _SECRET.search(name)},
            )
        except OSError as error:
            self._trouble = f"no process could be started for it: {error}"

    def wait(self) -> TorchFacts:
        """Return what it said; what went wrong is in `trouble`."""
        if self._process is None:
            return TorchFacts(None, trouble=self._trouble)
        try:
            said, _ = self._process.communicate(timeout=self._limit_s)
        except subprocess.TimeoutExpired:
            return TorchFacts(None, trouble=f"it did not answer within {self._limit_s:g} s")
        finally:
            self.cancel()
        if self._process.returncode != 0:
            return TorchFacts(None, trouble=f"its process ended with {self._process.returncode}")
        return _read(said)

    def cancel(self) -> None:
        """End the process, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def _read(said: bytes) -> TorchFacts:
    try:
        facts: dict[str, Any] = json.loads(said)  # what our own script has written
        return TorchFacts(
            facts["version"],
            facts["build"],
            tuple(Device(one["name"], one["total"], one["free"]) for one in facts["devices"]),
            facts["trouble"],
        )
    except (ValueError, KeyError, TypeError) as error:
        return TorchFacts(None, trouble=f"its process wrote something else than facts: {error}")
