import asyncio

import pytest

from viper_sandbox import Call, CallFailed, CallRejected, PatchRef
from viper_sandbox.retry_handler import RetryHandler

WHOLE = PatchRef(7, (0.0, 0.0, 9.0, 9.0))


def call(name="ImagePatch.exists", receiver=WHOLE, arguments=("dog",), number=1, line=2):
    return Call(number, name, receiver, arguments, line)


class Counting:
    """Answers with the number of calls that it was asked for; refuses what is called "bad"."""

    def __init__(self):
        self.asked = 0

    async def __call__(self, request):
        self.asked += 1
        if "bad" in request.arguments:
            raise CallRejected("ValueError", f"refused {self.asked}")
        if "over" in request.arguments:
            raise CallFailed("model", "it is over")
        return self.asked


def answers_of(*calls):
    async def run():
        for asked in calls:
            if asked is None:
                retry.restart()
                continue
            try:
                answers.append(await retry(asked))
            except CallRejected as rejected:
                answers.append(rejected.message)
        return answers

    answers = []
    handler = Counting()
    retry = RetryHandler(handler)
    return asyncio.run(run()), handler.asked


def test_asks_the_handler_for_what_is_new():
    assert answers_of(call(), call()) == ([1, 2], 2)


def test_repeats_answers_in_their_order_and_goes_on_with_the_handler():
    first, second, third = (call(arguments=(word,)) for word in "abc")
    assert answers_of(first, second, None, first, second, third) == ([1, 2, 1, 2, 3], 3)


def test_repeats_a_rejection():
    bad = call(arguments=("bad",))
    assert answers_of(bad, None, bad, call()) == (["refused 1", "refused 1", 2], 2)


@pytest.mark.parametrize(
    "other",
    [
        call(name="ImagePatch.find"),
        call(receiver=None),
        call(receiver=PatchRef(7, (0.0, 0.0, 9.0, 8.0))),
        call(arguments=("cat",)),
        call(arguments=("dog", 1)),
    ],
)
def test_a_call_that_differs_ends_the_repetition(other):
    # The second "dog" was answered before the run went another way: that answer is void.
    assert answers_of(call(), call(), None, call(), other, call()) == ([1, 2, 1, 3, 4], 4)


def test_tells_apart_values_that_are_equal_but_not_the_same():
    one, true = call(arguments=(1,)), call(arguments=(True,))
    assert answers_of(one, None, true) == ([1, 2], 2)


def test_the_line_does_not_matter():
    assert answers_of(call(line=2), None, call(line=5)) == ([1, 1], 1)


def test_a_call_that_ended_the_program_is_not_kept():
    async def run():
        for _ in range(2):
            with pytest.raises(CallFailed, match="it is over"):
                await retry(call(arguments=("over",)))
            retry.restart()

    handler = Counting()
    retry = RetryHandler(handler)
    asyncio.run(run())
    assert handler.asked == 2
