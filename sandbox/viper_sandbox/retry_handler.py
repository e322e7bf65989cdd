"""Handler for a program that runs a second time: its first calls get the answers that they had.

When a zygote dies, programs without a fault die with it. Each of them runs once more. As long as it repeats
its calls, they are answered without the handler; from the first call that differs, the handler serves.
"""

from __future__ import annotations

from viper_sandbox.exchange import Call, CallRejected, Handler
from viper_sandbox.wire import WireValue

__all__ = ["RetryHandler"]


class RetryHandler:
    """Keeps the answers of a handler, and gives them again after `restart`.

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
        """Return the answer that the call had, or that of the handler.

        Raises:
            CallRejected: The handler raised it, now or in the first run.
        """
        if self._next == len(self._answers) or _key(self._answers[self._next][0]) != _key(call):
            del self._answers[self._next :]  # the program took another path
            answer: WireValue | CallRejected
            try:
                answer = await self._handler(call)
            except CallRejected as rejected:
                answer = rejected
            self._answers.append((call, answer))
        answer = self._answers[self._next][1]
        self._next += 1
        if isinstance(answer, CallRejected):
            raise answer
        return answer


def _key(call: Call) -> str:
    # As text: 1, 1.0 and True are equal, but mean different things to a model.
    return repr((call.name, call.receiver, call.arguments))
