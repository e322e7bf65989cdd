"""The most memory that a process held, measured on Linux.

`ru_maxrss` of a child starts at what its parent held when it forked; `VmHWM` starts anew with each program.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

# The program's own children are counted as well: decoding runs in one. A verb may end by `os._exit`.
_MEASURED = """
import atexit, os, re, resource, runpy, sys
def _write_peak(path=sys.argv.pop(1), process=os.getpid()):
    if os.getpid() == process:
        own = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        open(path, "w").write(str(max(own, children) // 1024))
def _measured_exit(status, end=os._exit):
    _write_peak()
    end(status)
atexit.register(_write_peak)
os._exit = _measured_exit
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
"""


def run_measured(
    code: str,
    arguments: Sequence[str | Path],
    *,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
) -> tuple[int, int]:
    """Run Python code in a process of its own; return its exit status and its peak in megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        peak = Path(folder) / "peak"
        made = subprocess.run(
            [sys.executable, "-c", _MEASURED + code, peak, *map(str, arguments)],
            stdout=stdout,
            stderr=stderr,
            check=False,
        )
        return made.returncode, int(peak.read_text())


def restart_peak() -> None:
    """Let this process's peak start again at what it holds now (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> int:
    """Return the most megabytes that this process held since it started, or since `restart_peak`."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "the kernel reports VmHWM for every process that runs a program"
    return int(found[1]) // 1024
