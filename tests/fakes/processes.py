"""Looking at real processes from outside: who came from whom, who is alive, what is open."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

import pytest


def children_of(pid):
    """Return the direct children of a process, oldest first."""
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc")
    found, tasks = [], []
    with contextlib.suppress(FileNotFoundError):  # it has ended
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    for task in tasks:
        try:
            found += (int(word) for word in (task / "children").read_text().split())
        except OSError:  # the thread, or the process, ended meanwhile
            continue
    return sorted(found)


def descendants_of(pid):
    """Return everything that came from a process, parents before children."""
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def zygote_of(jail):
    """Return the process id of a jail's zygote, as the host sees it: the keeper's child, if there is one."""
    first = jail._zygote_client.pid
    depth = len(_namespace_pids(first))
    deeper = [pid for pid in children_of(first) if len(_namespace_pids(pid)) > depth]
    return deeper[0] if deeper else first


def programs_of(jail):
    """Return the process ids of a jail's children, oldest first, the spare included."""
    return children_of(zygote_of(jail))


def alive(pid):
    """Tell whether a process runs; one that has ended and is not reaped yet does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state not in "ZX"


def descriptors():
    """Return how many descriptors this process has open."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("needs /proc")
    return len(list(folder.iterdir()))


async def until(condition, seconds=10):
    """Wait, with the loop running, until something holds."""
    for _ in range(int(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain")


def wait_until(condition, seconds=10):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain")


def _namespace_pids(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[1:]
    return []
