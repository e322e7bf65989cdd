"""The zygote of programs: it has loaded the language layer, and knows the APIs of programs.

Besides the messages of every zygote (`zygote_loop.py`) it serves:

    host → zygote   accept       mechanisms that this machine lacks, as measured
    host → zygote   api          an API and its number; replaces an earlier API with this number
    host → zygote   probe        number of the process that measures the level, and a folder of targets
"""

from __future__ import annotations

import gc
import select
from typing import Any, NoReturn

from viper_sandbox import child, probe
from viper_sandbox.api import Api
from viper_sandbox.confine import Confinement, ConfinementPlan
from viper_sandbox.frame_socket import FrameSocket, wire_mapping
from viper_sandbox.zygote_loop import ZygoteLoop, serve_host

__all__ = ["main"]


def main(control_fd: int) -> NoReturn:
    """Serve the host over the control socket until it closes."""
    serve_host(control_fd, _ProgramZygote)


class _ProgramZygote(ZygoteLoop):
    """Forks a child for each program."""

    @staticmethod
    def preload(wanted: Confinement) -> None:
        child.preload(language=wanted.language)

    def __init__(self, control_fd: int, host: FrameSocket, plan: ConfinementPlan) -> None:
        super().__init__(control_fd, host, plan)
        self._apis: dict[int, Api] = {}
        self._accepted: set[str] | None = None

    def handle(self, message: list[Any]) -> None:  # Any: of the host
        match message:
            case ["api", int(number), wire]:
                api = Api.from_wire(wire_mapping(wire))
                child.warm_up(api)
                self._apis[number] = api
                gc.freeze()  # these objects are never freed: collectors of children skip them
            case ["probe", int(number), None | str() as folder]:
                self.fork(number, lambda fd: probe.main(fd, self.plan, folder))
            case ["accept", list(names)]:
                self._accepted = {str(name) for name in names}
            case _:
                super().handle(message)

    def run_child(self, fd: int) -> NoReturn:
        child.serve(fd, self.plan, self._apis, self._accepted)

    def run_spare(self, fd: int) -> NoReturn:
        """Use the time until the program arrives to copy shared memory.

        A fork shares all pages until it writes, and Python writes wherever it reads, because it counts
        references: checking the first program takes 0.9 ms more than the second.
        """
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(0):
            child.warm_up(next(reversed(self._apis.values())), 1)
        self.run_child(fd)
