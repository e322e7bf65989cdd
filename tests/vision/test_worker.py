from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viper.errors import ConfigError, ModelError
from viper.vision.registry import BackendRef
from viper.vision.roles import DetectRequest, ImageRef, View
from viper.vision.worker import ANSWER, COMPLETE, ModelWorker, Operation

REF = BackendRef("language", "openai", "fake")


class Echo:
    """Doubles numbers; can be held back, poisoned, or made to break the batch contract."""

    fingerprint = "echo"

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.poison: object = None
        self.drop_last = False

    def complete(self, requests):
        self.gate.wait(5)
        self.batches.append(list(requests))
        if self.poison in requests:
            raise ValueError("poisoned\nsecond line")
        results = [request * 2 for request in requests]
        return results[:-1] if self.drop_last else results

    def answer(self, requests):
        self.batches.append(list(requests))
        return [f"answer {request}" for request in requests]


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def worker(echo):
    worker = ModelWorker(REF, lambda ref: echo)
    yield worker
    echo.gate.set()
    assert worker.close(5)


def values(futures: list[Future]) -> list[object]:
    return [future.result(5).value for future in futures]


def test_requests_submitted_together_share_one_forward(worker, echo):
    assert values(worker.submit(COMPLETE, [1, 2, 3])) == [2, 4, 6]
    assert echo.batches == [[1, 2, 3]]


def test_equal_requests_share_one_future(worker, echo):
    first, second, third = worker.submit(COMPLETE, [7, 8, 7])
    assert first is third
    assert first is not second
    assert values([first, second]) == [14, 16]
    assert echo.batches == [[7, 8]]


def test_pictures_of_equal_pixels_share_a_future_under_one_name_only(worker, echo):
    echo.gate.clear()
    one, two, again = (
        DetectRequest(View(ImageRef("same", (9, 9), name), (0, 0, 9, 9)), ("cup",))
        for name in ("one.png", "two.png", "one.png")
    )
    assert one == two
    for requests in ((one, two, again), [request.view for request in (one, two, again)]):
        first, second, third = worker.submit(COMPLETE, requests)
        assert first is third
        assert first is not second


def test_what_gathers_while_the_model_is_busy_goes_in_the_next_forward(worker, echo):
    echo.gate.clear()
    first = worker.submit(COMPLETE, [0])
    time.sleep(0.05)  # the thread is inside the model now
    later = [worker.submit(COMPLETE, [n])[0] for n in (1, 2, 3)]
    again = worker.submit(COMPLETE, [0])
    assert again == first  # in flight: shared
    echo.gate.set()
    assert values(later) == [2, 4, 6]
    assert echo.batches == [[0], [1, 2, 3]]


def test_one_bad_request_fails_alone(worker, echo):
    echo.poison = 2
    good, bad, other = worker.submit(COMPLETE, [1, 2, 3])
    assert values([good, other]) == [2, 6]
    with pytest.raises(ModelError, match=r"ValueError: poisoned$"):
        bad.result(5)


def test_a_call_of_a_remote_model_that_failed_alone_is_not_repeated(worker, echo):
    echo.complete = lambda requests: (
        echo.batches.append(list(requests))
        or [ModelError("429") if request == 2 else request for request in requests]
    )
    good, bad = worker.submit(COMPLETE, [1, 2])
    assert good.result(5).value == 1
    with pytest.raises(ModelError, match="429"):
        bad.result(5)
    assert echo.batches == [[1, 2]]


def test_a_backend_that_returns_too_few_results_is_reported(worker, echo):
    echo.drop_last = True
    (future,) = worker.submit(COMPLETE, [1])
    with pytest.raises(ModelError, match="returned 0 results for 1 requests of complete"):
        future.result(5)


def test_operations_are_not_mixed_in_one_forward(worker, echo):
    echo.gate.clear()
    worker.submit(COMPLETE, [0])
    time.sleep(0.05)
    mixed = [
        worker.submit(COMPLETE, [1])[0],
        worker.submit(ANSWER, [9])[0],
        worker.submit(COMPLETE, [2])[0],
    ]
    echo.gate.set()
    assert values(mixed) == [2, "answer 9", 4]
    assert echo.batches == [[0], [1, 2], [9]]


def test_a_model_that_cannot_be_loaded_fails_every_request_with_its_own_error():
    def broken(ref):
        raise ConfigError("no such file")

    worker = ModelWorker(REF, broken)
    for _ in range(2):
        with pytest.raises(ConfigError, match="no such file"):
            worker.submit(COMPLETE, [1])[0].result(5)
    assert worker.close(5)


def test_a_loader_that_crashes_is_reported_in_one_line():
    def broken(ref):
        raise RuntimeError("bad weights\nand a long story")

    worker = ModelWorker(REF, broken)
    with pytest.raises(
        ModelError, match=r"Loading the language 'openai:fake' failed: RuntimeError: bad weights$"
    ):
        worker.submit(COMPLETE, [1])[0].result(5)
    assert worker.close(5)


def test_closing_fails_what_waits_and_refuses_what_comes(echo):
    worker = ModelWorker(REF, lambda ref: echo)
    echo.gate.clear()
    worker.submit(COMPLETE, [0])
    time.sleep(0.05)
    (waiting,) = worker.submit(COMPLETE, [1])
    assert worker.close(0.01) is False  # still inside the model
    with pytest.raises(ModelError, match="was closed"):
        waiting.result(5)
    with pytest.raises(ModelError, match="was closed"):
        worker.submit(COMPLETE, [2])
    echo.gate.set()
    assert worker.close(5) is True


def test_a_worker_that_was_never_used_has_no_thread_and_closes():
    before = threading.active_count()
    worker = ModelWorker(REF, lambda ref: pytest.fail("loaded without need"))
    assert threading.active_count() == before
    assert worker.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), max_size=12))
def test_every_request_is_answered_once_and_in_order(groups):
    echo = Echo()
    worker = ModelWorker(REF, lambda ref: echo)
    try:
        futures = [worker.submit(COMPLETE, group) for group in groups]
        for group, submitted in zip(groups, futures, strict=True):
            assert values(submitted) == [request * 2 for request in group]
        wait([f for group in futures for f in group], 5)
    finally:
        assert worker.close(5)


def test_operations_name_methods_of_their_role():
    from viper.vision import roles, worker

    protocols = {
        "detector": roles.Detector,
        "matcher": roles.Matcher,
        "depth": type("Depth", (roles.DepthModel, roles.MeasuresDepth), {}),
        "answerer": roles.Answerer,
        "language": roles.LanguageModel,
    }
    operations = [value for value in vars(worker).values() if isinstance(value, Operation)]
    assert len(operations) == 7
    for operation in operations:
        assert hasattr(protocols[operation.role], operation.method)
