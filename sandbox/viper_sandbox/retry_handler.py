"""A handler that replays recorded answers when a program runs a second time.

When a zygote dies, innocent programs die with it, and each runs once more. As long as a program repeats its
calls, they get the recorded answers; from the first call that differs, the wrapped handler serves them.
"""

from __future__ import annotations

from viper_sandbox.exchange import Call, CallRejected, Handler
from viper_sandbox.wire import WireValue

__all__ = ["RetryHandler"]


class RetryHandler:
    """Records the answers of a handler, and replays them after `restart`.

    Args:
        handler: Serves new calls.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._answers: list[tuple[Call, WireValue | CallRejected]] = []
        self._next = 0

    def restart(self) -> None:
        """Begin with the first answer again."""
        self._next = 0

    async def __call__(self, call: Call) -> WireValue:
        """Return the recorded answer of the call, or else the handler's.

        Raises:
            CallRejected: The handler raised it, now or in the first run.
        """
        if self._next == len(self._answers) or _key(self._answers[self._next][0]) != _key(call):
            del self._answers[self._next :]  # the program took another path
            answer: WireValue | CallRejected
            try:
                answer = await self._handler(call)
            except CallRejected as rejected:
                answer = _copy(rejected)
            self._answers.append((call, answer))
        answer = self._answers[self._next][1]
        self._next += 1
        if isinstance(answer, CallRejected):
            raise _copy(answer)
        return answer


def _copy(rejected: CallRejected) -> CallRejected:
    """Return the exception without its traceback, whose frames hold this handler and with it the image."""
    return CallRejected(rejected.exception, rejected.message)


def _key(call: Call) -> str:
    # As text: 1, 1.0 and True are equal, but mean different things to a model.
    return repr((call.name, call.receiver, call.arguments))
