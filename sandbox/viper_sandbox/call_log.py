"""Running a program again without paying twice: its first calls are answered from a record.

When a zygote dies, it takes along programs that did nothing wrong. Each runs once more; as long as it
repeats its calls, it gets the answers that it had, and no model is asked again. At the first call that
differs, the record is closed and the handler serves what follows.
"""

from __future__ import annotations

from typing import NamedTuple

from viper_sandbox.exchange import Call, CallRejected, Handler
from viper_sandbox.wire import PatchRef, WireValue

__all__ = ["CallLog"]


class _Served(NamedTuple):
    name: str
    receiver: PatchRef | None
    arguments: tuple[WireValue, ...]
    answer: WireValue
    rejected: CallRejected | None


class CallLog:
    """A handler in front of another one that remembers, and repeats after `rewind`.

    Args:
        handler: Serves calls that were not served before.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._served: list[_Served] = []
        self._next = 0

    def rewind(self) -> None:
        """Answer from the record, from its beginning."""
        self._next = 0

    async def __call__(self, call: Call) -> WireValue:
        """Serve a call as the handler did, or by the handler.

        Raises:
            CallRejected: The handler did so, now or then.
        """
        if self._next < len(self._served):
            served = self._served[self._next]
            if _same(served, call):
                self._next += 1
                if served.rejected is not None:
                    raise served.rejected
                return served.answer
            del self._served[self._next :]  # it went another way: what it was told then is void
        try:
            answer = await self._handler(call)
        except CallRejected as rejected:
            self._record(call, None, rejected)
            raise
        self._record(call, answer, None)
        return answer

    def _record(self, call: Call, answer: WireValue, rejected: CallRejected | None) -> None:
        served = _Served(call.name, call.receiver, call.arguments, answer, rejected)
        self._served.append(served)
        self._next = len(self._served)


def _same(served: _Served, call: Call) -> bool:
    # By their texts: 1, 1.0 and True are equal, but mean different things to a model.
    asked = (served.name, served.receiver, served.arguments)
    return repr(asked) == repr((call.name, call.receiver, call.arguments))
