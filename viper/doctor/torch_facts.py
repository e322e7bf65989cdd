"""What torch reports about this machine, read in a separate process with a timeout.

probe = TorchProbe()        # starts at once
…                           # check other things meanwhile
facts = probe.wait()        # TorchFacts
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viper.texts.secrets import without_secrets

__all__ = ["Device", "TorchFacts", "TorchProbe"]

# Importing torch takes two seconds from a warm disk; over a network file system it can take half a minute.
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Device:
    """A device besides the CPU that torch can use."""

    name: str
    """As in `--backend` options, and the vendor's name: `cuda:0 NVIDIA H200`."""
    total_bytes: int
    free_bytes: int | None
    """None if unknown."""


@dataclass(frozen=True, slots=True)
class TorchFacts:
    """Version and build of torch, and the devices that it can use."""

    version: str | None
    """None if torch is not installed (then there is no error), or cannot be imported."""
    build: str = ""
    """`CUDA 12.8` or `ROCm 6.4`; "" for a CPU build."""
    devices: tuple[Device, ...] = ()
    error: str = ""
    """What went wrong, in the library's words."""


class TorchProbe:
    """The probe process; it never outlives `wait` or `cancel`.

    Args:
        script: The script to run; prints one JSON object.
        timeout_s: Seconds until the process is killed.
    """

    def __init__(self, script: Path | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        script = script or Path(__file__).with_name("_torch_probe.py")
        try:
            # -P: do not import a file called torch.py from the working directory.
            self._process = subprocess.Popen(  # noqa: S603 # our own interpreter and script
                [sys.executable, "-P", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=without_secrets(os.environ),  # torch needs none of them
            )
        except OSError as error:
            self._start_error = f"the probe process could not be started: {error}"

    def wait(self) -> TorchFacts:
        """Return the reply of the process; `error` says what went wrong."""
        if self._process is None:
            return TorchFacts(None, error=self._start_error)
        try:
            reply, _ = self._process.communicate(timeout=self._timeout_s)
            if self._process.returncode != 0:
                status = self._process.returncode
                return TorchFacts(None, error=f"the probe process exited with status {status}")
            facts: dict[str, Any] = json.loads(reply)
            facts["devices"] = tuple(Device(**device) for device in facts["devices"])
            return TorchFacts(**facts)
        except subprocess.TimeoutExpired:
            error = f"the probe process did not reply within {self._timeout_s:g} s"
            return TorchFacts(None, error=error)
        except (ValueError, KeyError, TypeError) as cause:
            return TorchFacts(None, error=f"the probe process sent an invalid reply: {cause}")
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Kill the process if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
