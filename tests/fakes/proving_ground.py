"""A host for hostile programs: gives them something to steal, break and kill, and looks afterwards.

Every program runs in a real child. A program has escaped if its value says ESCAPED, if it left or
changed a file, killed the process next to it, or has left a process of its own behind.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fakes import small_world as world
from viper_sandbox import Jail, Limits, PatchRef, Request, Result
from viper_sandbox.confine import Confinement

HANDLE = 7
SECRET = "VIPER-CANARY"
_SET_CHILD_SUBREAPER = 36
_SETTLE_S = 1.0
# A killed process is gone at once, but it has to be waited for by somebody first.


@dataclass(frozen=True)
class ProgramResult:
    """What became of a program and of its surroundings."""

    result: Result
    traces: tuple[str, ...]
    """What the program did to its surroundings; empty for one that was contained."""

    @property
    def escaped(self) -> tuple[str, ...]:
        """Why this is an escape; empty if it is none."""
        said = ("its value says so",) if "ESCAPED" in repr(self.result.value) else ()
        return said + self.traces


class ProvingGround:
    """Runs programs one after the other, each with fresh surroundings.

    Args:
        api_wire: The contract.
        language: False takes the language layer away.
        confined: False takes every mechanism of the kernel away.
    """

    def __init__(self, api_wire: dict[str, Any], *, language: bool = True, confined: bool = True):
        switches = {f.name: confined for f in fields(Confinement)}
        self._confinement = Confinement(**{**switches, "language": language})
        self._least_level = "full" if confined else "partial"
        self._api = api_wire
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory(prefix="viper-")
        self._count = 0

    def __enter__(self) -> ProvingGround:
        _adopt_orphans(True)
        self._runner.__enter__()
        self._jails = {patient: self._runner.run(self._open(patient)) for patient in (False, True)}
        for patient in self._jails:  # starts what stays
            self.run("def execute_command(image):\n    return 1", watch=False, patient=patient)
        return self

    def __exit__(self, *exception: object) -> None:
        for jail in self._jails.values():
            self._runner.run(jail.close())
        self._runner.close()
        self._folder.cleanup()
        _adopt_orphans(False)

    async def _open(self, patient: bool) -> Jail:
        clocks = {"program_s": 30.0, "cpu_s": 20.0} if patient else {"program_s": 1.0, "cpu_s": 0.5}
        return Jail(
            Limits(memory_mb=64, **clocks),
            confinement=self._confinement,
            spare=False,
        )

    def run(self, source: str, *, watch: bool = True, patient: bool = False) -> ProgramResult:
        """Run a program among things that it must not touch, and look for what it leaves behind.

        Args:
            source: The program.
            watch: Look for what it leaves behind.
            patient: Let it run so long that no slow machine ends it by the clock before its other limit.
        """
        self._count += 1
        before = descendants()
        folder = Path(self._folder.name) / str(self._count)
        with _Surroundings(folder, victim="@VICTIM_PID@" in source) as around:
            result = self._runner.run(self._run(around.fill(source), patient))
            traces = around.traces()
            if watch:
                traces += _survivors(before, around.victim_pid)
        return ProgramResult(result, traces)

    async def _run(self, source: str, patient: bool) -> Result:
        request = Request(
            source,
            self._api,
            PatchRef(HANDLE, world.WHOLE),
            (world.WIDTH, world.HEIGHT),
            {"query": "what?", "possible_answers": ["yes", "no"]},
        )
        return await self._jails[patient].run(request, serve, least_level=self._least_level)


async def serve(call):
    """Answer a call from the small world, as the handler of a jail."""
    name = call.name.rpartition(".")[2]
    arguments = call.arguments
    box = call.receiver.box_xyxy if call.receiver else world.WHOLE
    if name == "find":
        found = world.find(box, arguments[0])
        return [PatchRef(call.receiver.handle, b, arguments[0], score) for b, score in found]
    if name == "exists":
        return bool(world.find(box, arguments[0]))
    if name == "verify_property":
        return world.has_property(box, arguments[1])
    if name == "best_text_match":
        return world.best(arguments[0], box)
    if name == "simple_query":
        return world.answer(box, arguments[0])
    if name == "compute_depth":
        return world.depth(box)
    if name == "best_image_match":
        widths = [p.box_xyxy[2] - p.box_xyxy[0] for p in arguments[0]]
        index = widths.index(max(widths))
        return index if arguments[2] else arguments[0][index]
    if name == "process_guesses":
        return arguments[2] or arguments[1] or "none"
    return "a long answer" if arguments[1] else "short"


def plain(value: Any) -> Any:
    """Return a value with patches, of either kind, as ("patch", x1, y1, x2, y2)."""
    if hasattr(value, "box_xyxy"):
        return ("patch", *value.box_xyxy)
    if isinstance(value, (list, tuple, set)):
        return type(value)(plain(item) for item in value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value


def descendants() -> dict[int, int]:
    """Return the parent of every process below this one, by process id."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return {pid: parents[pid] for pid in below - {os.getpid()}}


def _survivors(before: dict[int, int], victim_pid: int | None) -> tuple[str, ...]:
    """Wait until there are no more processes than before; end those that stay, by their ids.

    Whatever a program leaves behind stays below the process that made it, or becomes a child of this one,
    which adopts orphans.
    """
    deadline = time.monotonic() + _SETTLE_S
    while True:
        now = descendants()
        now.pop(victim_pid or 0, None)
        left = now.keys() - before.keys()
        if not left:
            return ()
        adopted = {pid for pid in left if now[pid] == os.getpid()}
        _reap(adopted)
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    names = [_name(pid) for pid in left]
    for pid in adopted:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return (f"processes outlived it: {names}",)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()[:60]
    except OSError:
        return f"{pid}, gone by now"


class _Surroundings:
    """A folder with a secret, a process with another, and two services, all for one program."""

    def __init__(self, folder: Path, *, victim: bool) -> None:
        self._folder = folder
        self._folder.mkdir()
        self._folder.chmod(0o777)  # the kernel's refusal counts, not the owner of the folder
        (folder / "secret").write_text(SECRET)
        self._victim = _start_victim() if victim else None
        self._name = f"viper-test-{os.getpid()}-{folder.name}"
        self._services: list[socket.socket] = []
        self._port = 0

    @property
    def victim_pid(self) -> int | None:
        return self._victim.pid if self._victim else None

    def __enter__(self) -> _Surroundings:
        tcp = socket.create_server(("127.0.0.1", 0))
        self._port = tcp.getsockname()[1]
        self._services = [tcp]
        for address in (str(self._folder / "service"), f"\0{self._name}"):
            service = socket.socket(socket.AF_UNIX)
            service.bind(address)
            service.listen()
            self._services.append(service)
        return self

    def __exit__(self, *exception: object) -> None:
        for service in self._services:
            service.close()
        if self._victim:
            self._victim.kill()
            self._victim.wait()

    def fill(self, source: str) -> str:
        words = {
            "@CANARY_DIR@": str(self._folder),
            "@VICTIM_PID@": str(self.victim_pid),
            "@PORT@": str(self._port),
            "@SERVICE@": self._name,
        }
        for word, value in words.items():
            source = source.replace(word, value)
        return source

    def traces(self) -> tuple[str, ...]:
        found = {path.name for path in self._folder.iterdir()} - {"service"}
        traces = []
        if found != {"secret"}:
            traces.append(f"the folder holds {sorted(found)}")
        elif (self._folder / "secret").read_text() != SECRET:
            traces.append("the secret was changed")
        if self._victim and self._victim.poll() is not None:
            traces.append("the process next to it died")
        return tuple(traces)


def _start_victim() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import time; time.sleep(30)"],
        env={"VIPER_TEST_SECRET": SECRET},
    )


def _adopt_orphans(wanted: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) == 0


def _reap(pids: set[int]) -> None:
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
