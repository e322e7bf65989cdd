from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viper.errors import ConfigError, ModelError, ModelMemoryError
from viper.models.registry import BackendRef
from viper.scheduling.operation import ANSWER, COMPLETE, EMBED_IMAGES, OPERATIONS, Operation
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.worker import ModelWorker

REF = BackendRef("language", "openai", "fake")
TWO_DEVICES = replace(REF, options=(("device", "first,second"),))


class Echo:
    """Doubles numbers; can be held back, poisoned, or made to break the batch contract."""

    fingerprint = "echo"

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = 0
        self.poison: object = None
        self.drop_last = False

    def complete(self, requests):
        self.entered += 1
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


def key(operation: Operation, request: object) -> bytes:
    return f"{operation.method} {request}".encode()


def submit(worker: ModelWorker, operation: Operation, requests, *, owner=0, guesses=()):
    return worker.submit(
        operation,
        {key(operation, request): request for request in requests},
        owner=owner,
        prefetches={key(operation, request): request for request in guesses},
    )


def futures_of(worker: ModelWorker, operation: Operation, requests) -> list[Future]:
    submitted = submit(worker, operation, requests)
    return [submitted.futures[key(operation, request)] for request in requests]


def values(futures: list[Future]) -> list[object]:
    return [future.result(5).value for future in futures]


def until(condition) -> None:
    """Wait for something that another thread does."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")


@pytest.fixture
def guesser(echo):
    """A worker of a local model that remembers."""
    echo.embed_images = echo.complete
    ref = BackendRef("matcher", "builtin", "")
    worker = ModelWorker(ref, lambda _: echo, cache=ResultCache(10**6))
    worker.start().result(5)
    yield worker
    echo.gate.set()
    assert worker.close(5)


@pytest.fixture
def busy_guesser(guesser, echo):
    echo.gate.clear()
    futures_of(guesser, EMBED_IMAGES, ["busy"])
    until(lambda: echo.entered)


@pytest.fixture
def busy(worker, echo):
    """Has the model inside a forward until `echo.gate` is set."""
    echo.gate.clear()
    futures_of(worker, COMPLETE, ["busy"])
    until(lambda: echo.entered)


def test_requests_submitted_together_share_one_forward(worker, echo):
    assert values(futures_of(worker, COMPLETE, [1, 2, 3])) == [2, 4, 6]
    assert echo.batches == [[1, 2, 3]]


def test_equal_requests_share_one_future(worker, echo):
    first, second, third = futures_of(worker, COMPLETE, [7, 8, 7])
    assert first is third
    assert first is not second
    assert values([first, second]) == [14, 16]
    assert echo.batches == [[7, 8]]


def test_what_gathers_while_the_model_is_busy_goes_in_the_next_forward(worker, echo):
    echo.gate.clear()
    first = futures_of(worker, COMPLETE, [0])
    time.sleep(0.05)  # the thread is inside the model now
    later = [futures_of(worker, COMPLETE, [n])[0] for n in (1, 2, 3)]
    again = futures_of(worker, COMPLETE, [0])
    assert again == first  # in flight: shared
    echo.gate.set()
    assert values(later) == [2, 4, 6]
    assert echo.batches == [[0], [1, 2, 3]]


def test_a_bad_request_is_found_in_halves(worker, echo, busy):
    echo.poison = 5
    futures = futures_of(worker, COMPLETE, range(8))
    echo.gate.set()
    assert values([f for n, f in enumerate(futures) if n != 5]) == [0, 2, 4, 6, 8, 12, 14]
    with pytest.raises(ModelError, match=r"ValueError: poisoned$"):
        futures[5].result(5)
    assert len(echo.batches) == 1 + 7  # not eight more


def test_a_lack_of_memory_halves_the_batch_and_goes_on(worker, echo, busy):
    def complete(requests):
        if len(requests) > 3:
            raise ModelMemoryError("too little memory")
        echo.batches.append(list(requests))
        return [request * 2 for request in requests]

    echo.complete = complete
    futures = futures_of(worker, COMPLETE, range(8))
    echo.gate.set()
    assert values(futures) == [n * 2 for n in range(8)]
    assert values(futures_of(worker, COMPLETE, range(10, 20))) == [n * 2 for n in range(10, 20)]
    assert max(map(len, echo.batches)) <= 3  # it has learned: no attempt with more


def test_the_limit_of_a_batch_never_grows_again_when_memory_is_short(worker, echo, busy):
    def complete(requests):
        echo.batches.append(list(requests))
        if len(requests) > 1:
            raise ModelMemoryError("too little memory")
        return [request * 2 for request in requests]

    echo.complete = complete
    first = futures_of(worker, COMPLETE, range(16))
    echo.gate.set()
    assert values(first) == [n * 2 for n in range(16)]
    echo.batches.clear()
    assert values(futures_of(worker, COMPLETE, range(20, 26))) == [n * 2 for n in range(20, 26)]
    assert set(map(len, echo.batches)) == {1}


def test_a_single_request_that_does_not_fit_fails(worker, echo):
    def complete(requests):
        raise ModelMemoryError("too little memory, use a smaller model")

    echo.complete = complete
    with pytest.raises(ModelMemoryError, match="smaller model"):
        futures_of(worker, COMPLETE, [1])[0].result(5)


def test_guesses_ride_along_and_their_failure_touches_nobody(guesser, echo, busy_guesser):
    echo.poison = "bad guess"
    asked = submit(guesser, EMBED_IMAGES, [1, 2], guesses=["bad guess", "good guess"])
    echo.gate.set()
    assert values(asked.futures.values()) == [2, 4]
    assert all(future.cancelled() for future in asked.prefetches.values())
    assert echo.batches[1:] == [[1, 2, "bad guess", "good guess"], [1, 2]]


def test_a_guess_is_remembered_for_who_asks_next(guesser, echo):
    first = submit(guesser, EMBED_IMAGES, [1], guesses=[2, 3])
    assert values(first.futures.values()) == [2]
    until(lambda: all(future.done() for future in first.prefetches.values()))
    second = submit(guesser, EMBED_IMAGES, [2, 3, 1])
    assert values(second.futures.values()) == [4, 6, 2]
    assert second.fresh == set()
    assert echo.batches == [[1, 2, 3]]


def test_guesses_are_known_when_what_was_asked_for_is(guesser, echo, busy_guesser):
    seen = []
    asked = submit(guesser, EMBED_IMAGES, [1], guesses=range(2, 40))
    next(iter(asked.futures.values())).add_done_callback(
        lambda _: seen.extend(future.done() for future in asked.prefetches.values())
    )
    echo.gate.set()
    assert values(asked.futures.values()) == [2]
    until(lambda: seen)
    assert seen == [True] * 38


def test_a_remote_model_is_never_asked_for_a_guess(worker, echo):
    assert submit(worker, COMPLETE, [1], guesses=[2]).prefetches == {}


def test_a_remote_model_is_remembered_only_if_it_is_deterministic(echo):
    for deterministic, computed in ((False, True), (True, False)):
        echo.deterministic = deterministic
        worker = ModelWorker(REF, lambda ref: echo, cache=ResultCache(10**6))
        assert values(futures_of(worker, COMPLETE, [1])) == [2]
        assert bool(submit(worker, COMPLETE, [1]).fresh) == computed
        assert worker.close(5)


def test_what_a_program_that_is_over_had_queued_is_not_computed(worker, echo, busy):
    mine = list(submit(worker, COMPLETE, [1, 2], owner=1).futures.values())
    shared = list(submit(worker, COMPLETE, [2, 3], owner=2).futures.values())
    worker.withdraw(1)
    echo.gate.set()
    assert values(shared) == [4, 6]
    assert mine[0].cancelled()
    assert echo.batches == [["busy"], [2, 3]]


def test_programs_take_turns_when_a_batch_is_full(echo):
    worker = ModelWorker(REF, lambda ref: echo, max_batch=4)
    echo.gate.clear()
    futures_of(worker, COMPLETE, ["busy"])
    until(lambda: echo.entered)
    many = list(submit(worker, COMPLETE, range(20), owner=1).futures.values())
    few = list(submit(worker, COMPLETE, ["a"], owner=2).futures.values())
    echo.gate.set()
    assert values([*many, *few])
    assert "a" in echo.batches[1]
    assert max(map(len, echo.batches)) == 4
    assert worker.close(5)


def test_the_memory_of_a_device_limits_the_batch(echo):
    echo.largest_batch = lambda method: {"complete": 2}.get(method)
    worker = ModelWorker(REF, lambda ref: echo)
    assert values(futures_of(worker, COMPLETE, range(5))) == [0, 2, 4, 6, 8]
    assert max(map(len, echo.batches)) == 2
    assert worker.close(5)


class Limited:
    """Has every batch method, each with room for three requests, and counts its forwards."""

    fingerprint = "limited"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def largest_batch(self, method):
        return 3

    def __getattr__(self, name):
        if name not in {operation.method for operation in OPERATIONS}:
            raise AttributeError(name)
        return lambda requests: self.batches.append(len(requests)) or list(requests)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.method)
@pytest.mark.parametrize(("max_batch", "batches"), [(64, [3, 3, 2]), (2, [2, 2, 2, 2])])
def test_a_batch_above_the_limit_is_split_for_every_role_and_each_part_is_a_forward(
    operation, max_batch, batches
):
    backend = Limited()
    ref = BackendRef(operation.role, "x", "")
    worker = ModelWorker(ref, lambda ref: backend, max_batch=max_batch)
    assert values(futures_of(worker, operation, range(8))) == list(range(8))
    assert backend.batches == batches
    assert (worker.load.forwards, worker.load.requests) == (len(batches), 8)
    assert worker.close(5)


def test_the_limit_of_a_model_counts_for_the_functions_of_modules_too():
    backend = Limited()
    function = Operation("matcher", "theirs", lambda model, requests: model.embed_texts(requests))
    worker = ModelWorker(BackendRef("matcher", "x", ""), lambda ref: backend)
    assert values(futures_of(worker, function, range(4))) == list(range(4))
    assert backend.batches == [3, 1]
    assert worker.close(5)


def test_replicas_divide_the_work_and_each_is_loaded_once():
    loaded: dict[str, Echo] = {}

    def open_one(ref):
        loaded[ref.options[0][1]] = backend = Echo()
        backend.gate.clear()
        return backend

    worker = ModelWorker(TWO_DEVICES, open_one)
    worker.start().result(5)
    until(lambda: worker._idle == 2)
    futures = futures_of(worker, COMPLETE, range(10))
    until(lambda: all(backend.entered for backend in loaded.values()))
    for backend in loaded.values():
        backend.gate.set()
    assert values(futures) == [n * 2 for n in range(10)]
    assert sorted(len(backend.batches[0]) for backend in loaded.values()) == [5, 5]
    assert worker.close(5)


def test_a_replica_that_cannot_be_loaded_fails_the_model():
    def open_one(ref):
        if ref.options == (("device", "second"),):
            raise ConfigError("device cuda:1 is not available")
        return Echo()

    worker = ModelWorker(TWO_DEVICES, open_one)
    with pytest.raises(ConfigError, match="cuda:1"):
        worker.start().result(5)
    assert worker.close(5)


class TwoStages(Echo):
    """Makes its input apart from running."""

    def __init__(self):
        super().__init__()
        self.prepared_by: set[str] = set()

    def stages(self, method):
        return method == "complete"

    def prepare(self, method, request):
        self.prepared_by.add(threading.current_thread().name)
        if request == self.poison:
            raise ValueError("no pixels")
        return ("input of", request)

    def forward(self, method, prepared):
        return self.complete([request for _, request in prepared])


def test_input_is_made_by_other_threads_while_the_model_is_busy():
    backend = TwoStages()
    worker = ModelWorker(REF, lambda ref: backend)
    backend.gate.clear()
    futures_of(worker, COMPLETE, ["busy"])
    until(lambda: backend.entered)
    backend.prepared_by.clear()
    futures = futures_of(worker, COMPLETE, [1, 2, 3])
    until(lambda: backend.prepared_by)  # the model is still busy
    assert all(name.startswith("viper-language-input") for name in backend.prepared_by)
    backend.gate.set()
    assert values(futures) == [2, 4, 6]
    assert backend.batches[1:] == [[1, 2, 3]]
    assert worker.close(5)


def test_a_request_whose_input_cannot_be_made_fails_alone():
    backend = TwoStages()
    backend.poison = 2
    worker = ModelWorker(REF, lambda ref: backend)
    good, bad, other = futures_of(worker, COMPLETE, [1, 2, 3])
    assert values([good, other]) == [2, 6]
    with pytest.raises(ModelError, match="ValueError: no pixels"):
        bad.result(5)
    (alone,) = futures_of(worker, COMPLETE, [2])
    with pytest.raises(ModelError, match="no pixels"):
        alone.result(5)
    assert worker.close(5)


def test_one_bad_request_fails_alone(worker, echo):
    echo.poison = 2
    good, bad, other = futures_of(worker, COMPLETE, [1, 2, 3])
    assert values([good, other]) == [2, 6]
    with pytest.raises(ModelError, match=r"ValueError: poisoned$"):
        bad.result(5)


def test_a_panic_of_a_library_in_another_language_fails_its_request_alone(worker, echo):
    class Panic(BaseException):
        """As those of libraries in Rust, which are no Exception."""

    def complete(requests):
        if 2 in requests:
            raise Panic("Onig: Regex search error")
        return requests

    echo.complete = complete
    good, bad = futures_of(worker, COMPLETE, [1, 2])
    with pytest.raises(ModelError, match="Onig"):
        bad.result(5)
    assert good.result(5).value == 1
    (later,) = futures_of(worker, COMPLETE, [3])
    assert later.result(5).value == 3  # the thread goes on


def test_a_call_of_a_remote_model_that_failed_alone_is_not_repeated(worker, echo):
    echo.complete = lambda requests: (
        echo.batches.append(list(requests))
        or [ModelError("429") if request == 2 else request for request in requests]
    )
    good, bad = futures_of(worker, COMPLETE, [1, 2])
    assert good.result(5).value == 1
    with pytest.raises(ModelError, match="429"):
        bad.result(5)
    assert echo.batches == [[1, 2]]


def test_a_backend_that_returns_too_few_results_is_reported(worker, echo):
    echo.drop_last = True
    (future,) = futures_of(worker, COMPLETE, [1])
    with pytest.raises(ModelError, match="returned 0 results for 1 requests of complete"):
        future.result(5)


def test_operations_are_not_mixed_in_one_forward(worker, echo):
    echo.gate.clear()
    futures_of(worker, COMPLETE, [0])
    time.sleep(0.05)
    mixed = [
        futures_of(worker, COMPLETE, [1])[0],
        futures_of(worker, ANSWER, [9])[0],
        futures_of(worker, COMPLETE, [2])[0],
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
            futures_of(worker, COMPLETE, [1])[0].result(5)
    assert worker.close(5)


def test_who_asks_after_a_failed_load_begins_another(echo):
    attempts = []

    def once_broken(ref):
        attempts.append(ref)
        if len(attempts) == 1:
            raise ConfigError("cannot import name 'AutoConfig'")
        return echo

    worker = ModelWorker(REF, once_broken)
    with pytest.raises(ConfigError, match="AutoConfig"):
        worker.start().result(5)
    assert worker.start().result(5) is echo
    assert values(futures_of(worker, COMPLETE, [1])) == [2]
    assert len(attempts) == 2
    assert worker.close(5)


def test_all_that_is_queued_shares_one_failed_load():
    attempts = []
    gate = threading.Event()

    def broken(ref):
        attempts.append(ref)
        gate.wait(5)
        raise ConfigError("no such file")

    worker = ModelWorker(REF, broken)
    waiting = [worker.start() for _ in range(3)]
    waiting += futures_of(worker, COMPLETE, range(5))
    gate.set()
    for future in waiting:
        with pytest.raises(ConfigError, match="no such file"):
            future.result(5)
    assert len(attempts) == 1
    assert worker.pending == 0
    assert worker.close(5)


def test_another_load_begins_when_no_replica_of_the_failed_one_is_left(echo):
    events = []
    slow = threading.Event()

    def open_one(ref):
        ((_, name),) = ref.options
        events.append(name)
        if name == "second" and events.count("second") == 1:
            raise ConfigError("device cuda:1 is not available")
        if name == "first" and events.count("first") == 1:
            slow.wait(5)
            events.append("loaded in vain")
        return echo

    worker = ModelWorker(TWO_DEVICES, open_one)
    with pytest.raises(ConfigError, match="cuda:1"):
        worker.start().result(5)
    again = worker.start()
    time.sleep(0.05)
    slow.set()
    assert again.result(5) is echo
    assert set(events[:2]) == {"first", "second"}
    assert events[2] == "loaded in vain"
    assert sorted(events[3:]) == ["first", "second"]
    assert values(futures_of(worker, COMPLETE, range(4))) == [0, 2, 4, 6]
    assert worker.close(5)


def test_a_loader_that_crashes_is_reported_in_one_line():
    def broken(ref):
        raise RuntimeError("bad weights\nand a long story")

    worker = ModelWorker(REF, broken)
    with pytest.raises(
        ModelError, match=r"Loading the language 'openai:fake' failed: RuntimeError: bad weights$"
    ):
        futures_of(worker, COMPLETE, [1])[0].result(5)
    assert worker.close(5)


def test_closing_fails_what_waits_and_refuses_what_comes(echo):
    worker = ModelWorker(REF, lambda ref: echo)
    echo.gate.clear()
    futures_of(worker, COMPLETE, [0])
    time.sleep(0.05)
    (waiting,) = futures_of(worker, COMPLETE, [1])
    assert worker.close(0.01) is False  # still inside the model
    with pytest.raises(ModelError, match="was closed"):
        waiting.result(5)
    with pytest.raises(ModelError, match="was closed"):
        futures_of(worker, COMPLETE, [2])
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
        futures = [futures_of(worker, COMPLETE, group) for group in groups]
        for group, submitted in zip(groups, futures, strict=True):
            assert values(submitted) == [request * 2 for request in group]
        wait([f for group in futures for f in group], 5)
    finally:
        assert worker.close(5)


def test_a_load_that_fails_ahead_of_the_first_request_is_reported_and_not_done_twice(echo):
    opened = []

    def open_it(ref):
        opened.append(ref)
        if len(opened) == 1:
            raise ConfigError("the file is damaged")
        return echo

    worker = ModelWorker(REF, open_it)
    worker.begin()
    with pytest.raises(ConfigError, match="damaged"):
        worker.loaded.result(5)
    worker.begin()  # another program ahead of its requests
    with pytest.raises(ConfigError, match="damaged"):
        worker.wanted().result(5)
    assert len(opened) == 1
    assert worker.wanted().result(5) is echo  # now somebody has seen it, and it is tried again
    assert worker.wanted().result(5) is echo
    assert len(opened) == 2
    assert worker.close(5)


def test_operations_name_methods_of_their_role():
    from viper.models import roles
    from viper.scheduling import operation as module

    protocols = {
        "detector": roles.Detector,
        "matcher": roles.Matcher,
        "depth": roles.DepthModel,
        "answerer": roles.Answerer,
        "language": roles.LanguageModel,
    }
    operations = [value for value in vars(module).values() if isinstance(value, Operation)]
    assert len(operations) == 7
    for operation in operations:
        assert hasattr(protocols[operation.role], operation.method)
