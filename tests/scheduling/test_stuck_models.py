"""A model that does not come back: noticed, given no more work, replaced, and used again if it returns."""

from __future__ import annotations

import threading
import time

import pytest

from viper.errors import ModelError
from viper.models.registry import BackendRef
from viper.scheduling import replica_set
from viper.scheduling import worker as worker_module
from viper.scheduling.operation import COMPLETE, EMBED_IMAGES
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.watchdog import Watchdog
from viper.scheduling.worker import ModelWorker

REF = BackendRef("matcher", "builtin", "fake")
TWO = BackendRef("matcher", "builtin", "fake", (("device", "first,second"),))
CALL_S = 0.15


class Held:
    """Doubles numbers; "hang" waits in the forward, or in another method, until `go` is set."""

    fingerprint = "held"

    def __init__(self, hang_in="forward"):
        self.go = threading.Event()
        self.hang_in = hang_in
        self.served = []

    def stages(self, method):
        return self.hang_in == "prepare"

    def prepare(self, method, request):
        if request == "hang":
            self.go.wait(20)
        return request

    def forward(self, method, prepared):
        return self._results(prepared)

    def embed_images(self, requests):
        if "hang" in requests and self.hang_in == "forward":
            self.go.wait(20)
        return self._results(requests)

    def _results(self, requests):
        self.served += requests
        return [request * 2 for request in requests]


def key(request):
    return f"{request}".encode()


def submit(worker, *requests):
    made = worker.submit(EMBED_IMAGES, {key(request): request for request in requests})
    return [made.futures[key(request)] for request in requests]


def until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 10 s")


@pytest.fixture
def make(monkeypatch):
    """Makes workers whose longest forward is short, and that are not replaced unless a test wants it."""
    monkeypatch.setattr(replica_set, "_MOST_REPLACEMENTS", 0)
    made = []

    def make(backends, ref=REF, call_s=CALL_S):
        left = list(backends)
        worker = ModelWorker(
            ref, lambda _: left.pop(0), cache=ResultCache(10**6), model_call_s=call_s
        )
        worker.start().result(5)
        made.append((worker, backends))
        return worker

    yield make
    for worker, backends in made:
        for backend in backends:
            getattr(backend, "go", threading.Event()).set()
        until(lambda w=worker: not w.health().stuck)
        assert worker.close(5)


@pytest.mark.parametrize("hang_in", ["forward", "prepare"])
def test_a_model_that_does_not_come_back_is_reported_and_refuses_at_once(make, hang_in):
    worker = make([Held(hang_in)])
    (first,) = submit(worker, "hang")
    waiting = submit(worker, 1, 2)
    until(lambda: worker.health().stuck)
    for future in (first, *waiting):
        with pytest.raises(ModelError, match=r"has not come back from a forward that began"):
            future.result(5)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"restart the process"):
        submit(worker, 3)
    assert time.monotonic() - began < CALL_S
    health = worker.health()
    assert (health.role, health.replicas, health.stuck, health.is_refusing) == (
        "matcher",
        1,
        1,
        True,
    )
    assert health.stuck_s >= CALL_S


def test_control_without_the_clock_everybody_waits(make):
    worker = make([Held()], call_s=1000.0)
    futures = [*submit(worker, "hang"), *submit(worker, 1)]
    time.sleep(3 * CALL_S)
    assert not any(future.done() for future in futures)
    assert worker.health().stuck == 0


def test_a_model_that_comes_back_takes_work_again_and_its_late_result_is_cached(make):
    backend = Held()
    worker = make([backend])
    (late,) = submit(worker, "hang")
    until(lambda: worker.health().stuck)
    backend.go.set()
    until(lambda: not worker.health().stuck)
    with pytest.raises(ModelError):
        late.result(5)  # it was given up, and stays so
    again = worker.submit(EMBED_IMAGES, {key("hang"): "hang"})
    assert not again.fresh
    assert again.futures[key("hang")].result(5).value == "hanghang"
    assert submit(worker, 5)[0].result(5).value == 10
    assert backend.served == ["hang", 5]


def test_cached_results_are_served_while_the_model_is_stuck(make):
    worker = make([Held()])
    assert submit(worker, 4)[0].result(5).value == 8
    submit(worker, "hang")
    until(lambda: worker.health().stuck)
    assert submit(worker, 4)[0].result(5).value == 8


def test_requests_go_to_the_other_replica(make):
    backends = [Held(), Held()]
    worker = make(backends, TWO)
    (hung,) = submit(worker, "hang")
    until(lambda: worker.health().stuck == 1)
    assert [future.result(5).value for future in submit(worker, 1, 2, 3)] == [2, 4, 6]
    assert not worker.health().is_refusing
    with pytest.raises(ModelError):
        hung.result(5)


def test_an_input_that_is_never_ready_holds_up_no_other_replica(make):
    backends = [Held("prepare"), Held("prepare")]
    worker = make(backends, TWO)
    hung = submit(worker, *["hang"], 1, 2)  # a batch: its inputs are made by other threads
    until(lambda: worker.health().stuck)
    assert [future.result(5).value for future in submit(worker, 6, 7, 8)] == [12, 14, 16]
    with pytest.raises(ModelError):
        hung[0].result(5)


def test_a_stuck_model_is_replaced(make, monkeypatch):
    monkeypatch.setattr(replica_set, "_MOST_REPLACEMENTS", 1)
    stuck, fresh = Held(), Held()
    worker = make([stuck, fresh])
    submit(worker, "hang")
    until(lambda: worker.health().replicas == 2)
    assert worker.health().replaced == 1
    assert submit(worker, 1)[0].result(5).value == 2
    assert fresh.served == [1]


def test_it_is_replaced_a_small_number_of_times(make, monkeypatch):
    monkeypatch.setattr(replica_set, "_MOST_REPLACEMENTS", 2)
    backends = [Held() for _ in range(4)]
    worker = make(backends)
    for replicas in (2, 3):
        submit(worker, "hang")
        until(lambda n=replicas: worker.health().replicas == n)
    submit(worker, "hang")
    until(lambda: worker.health().stuck == 3)
    time.sleep(3 * CALL_S)
    assert (worker.health().replicas, worker.health().replaced) == (3, 2)


@pytest.mark.parametrize("why", ["no memory", "cannot be loaded", "loading ends the process"])
def test_a_stuck_model_that_cannot_be_replaced_goes_on_refusing(make, monkeypatch, why):
    monkeypatch.setattr(replica_set, "_MOST_REPLACEMENTS", 1)
    monkeypatch.setattr(replica_set, "memory_allows", lambda size: why != "no memory")
    backend = Held()
    worker = make([backend])

    def open_again(_):
        raise SystemExit(3) if "process" in why else OSError("no such file")

    worker._open = open_again
    submit(worker, "hang")
    until(lambda: worker.health().stuck)
    time.sleep(3 * CALL_S)
    with pytest.raises(ModelError, match="takes no requests"):
        submit(worker, 1)
    backend.go.set()
    until(lambda: not worker.health().stuck)
    assert submit(worker, 1)[0].result(5).value == 2


def test_a_batch_that_fails_and_goes_on_in_halves_is_not_stuck(make):
    class Slow(Held):
        def embed_images(self, requests):
            time.sleep(0.4 * CALL_S)
            if 3 in requests:
                raise ValueError("poisoned")
            return self._results(requests)

    worker = make([Slow()])
    futures = submit(worker, *range(8))
    assert [f.result(9).value for n, f in enumerate(futures) if n != 3] == [0, 2, 4, 8, 10, 12, 14]
    assert worker.health().stuck == 0


def test_closing_does_not_wait_for_a_stuck_model(make, monkeypatch):
    monkeypatch.setattr(worker_module, "_STUCK_CLOSE_S", 0.05)
    worker = make([Held()])
    submit(worker, "hang")
    until(lambda: worker.health().stuck)
    assert worker.close() is False


class Hostile:
    """A backend that raises what no library should, once, in one of its methods."""

    fingerprint = "hostile"

    def __init__(self, where, error):
        self.where, self.error, self.raised = where, error, False

    def _raise_in(self, where):
        if where == self.where and not self.raised:
            self.raised = True
            raise self.error

    def stages(self, method):
        self._raise_in("stages")
        return self.where in ("prepare", "staged forward")

    def prepare(self, method, request):
        self._raise_in("prepare")
        return request

    def forward(self, method, prepared):
        self._raise_in("staged forward")
        return prepared

    def largest_batch(self, method):
        self._raise_in("largest_batch")

    def complete(self, requests):
        self._raise_in("forward")
        if self.where == "results" and not self.raised:
            return iter(self._broken())
        return list(requests)

    def _broken(self):
        self._raise_in("results")
        yield


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), ValueError()]
)
@pytest.mark.parametrize(
    "where", ["forward", "staged forward", "prepare", "stages", "largest_batch", "results"]
)
def test_nothing_that_a_backend_raises_ends_its_thread(where, error):
    backend = Hostile(where, error)
    worker = ModelWorker(BackendRef("language", "x", ""), lambda _: backend)
    worker.start().result(5)
    (first,) = worker.submit(COMPLETE, {b"1": 1}).futures.values()
    if where == "stages":  # asked by who submits as well, while the thread is busy
        assert first.exception(5) is None or isinstance(first.exception(5), ModelError)
    else:
        assert isinstance(first.exception(5), ModelError)
    (second,) = worker.submit(COMPLETE, {b"2": 2}).futures.values()
    assert second.result(5).value == 2
    assert worker.close(5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_control_an_error_that_is_not_caught_ends_a_thread():
    backend = Hostile("forward", SystemExit(1))
    thread = threading.Thread(target=backend.complete, args=([1],))
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_a_loader_that_ends_the_process_fails_the_load_and_the_next_one_works(error):
    attempts = []

    def open_backend(_):
        attempts.append(1)
        if len(attempts) == 1:
            raise error
        return Hostile("nowhere", error)

    worker = ModelWorker(BackendRef("language", "x", ""), open_backend)
    with pytest.raises(ModelError, match=type(error).__name__):
        worker.submit(COMPLETE, {b"1": 1}).futures[b"1"].result(5)
    assert worker.submit(COMPLETE, {b"1": 1}).futures[b"1"].result(5).value == 1
    assert worker.close(5)


def test_a_watchdog_reports_in_order_of_deadlines_and_forgets():
    seen = []
    watchdog = Watchdog("watchdog")
    watchdog.watch("late", 0.2, lambda: seen.append("late"))
    watchdog.watch("forgotten", 0.05, lambda: seen.append("forgotten"))
    watchdog.watch("early", 0.1, lambda: seen.append("early"))
    watchdog.forget("forgotten")
    until(lambda: len(seen) == 2)
    assert seen == ["early", "late"]
    watchdog.close()


def test_a_report_that_fails_does_not_end_a_watchdog():
    seen = threading.Event()
    watchdog = Watchdog("watchdog")
    watchdog.watch(1, 0.01, lambda: 1 // 0)
    watchdog.watch(2, 0.02, seen.set)
    assert seen.wait(5)
    watchdog.close()
