from __future__ import annotations

import threading
import time
from concurrent.futures import wait

import pytest

from viper.errors import ConfigError, GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.local_thread import ModelThread, Sample, Written
from viper.usage import Usage


def sample(text):
    return Sample(GenerationRequest(text), 0.0, 0)


def samples(*texts):
    return [sample(text) for text in texts]


class FakeWriter:
    """Writes the question back; it can be held, and it fails on "bad" and on batches of "pair"."""

    def __init__(self):
        self.batches = []
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()
        self.released = False

    def write(self, batch, is_wanted):
        texts = [one.request.question for one in batch]
        self.batches.append(texts)
        self.begun.set()
        while not self.free.is_set() and any(map(is_wanted, range(len(batch)))):
            time.sleep(0.001)
        if "bad" in texts or ("pair" in texts and len(texts) > 1):
            raise RuntimeError("too much\nfor me")
        return [
            GenerationError("refused") if text == "long" else Written(text, Usage(1, 2))
            for text in texts
        ]

    def release(self):
        self.released = True


@pytest.fixture
def writer():
    return FakeWriter()


@pytest.fixture
def thread(writer):
    thread = ModelThread("local:fake", lambda: writer)
    yield thread
    writer.free.set()
    assert thread.close()


def test_nothing_is_loaded_before_the_first_request():
    loaded = []
    thread = ModelThread("local:fake", lambda: loaded.append(1))
    assert thread.submit([]) == []
    assert thread.close()
    assert loaded == []


def test_an_idle_model_takes_all_that_is_queued_and_requests_gather_while_it_is_busy(
    thread, writer
):
    writer.free.clear()
    first = thread.submit(samples("a"))
    assert writer.begun.wait(5)
    later = [future for text in "bcd" for future in thread.submit(samples(text))]
    writer.free.set()
    assert [future.result(5).text for future in first + later] == ["a", "b", "c", "d"]
    assert writer.batches == [["a"], ["b", "c", "d"]]


def test_a_batch_holds_at_most_eight(thread, writer):
    futures = thread.submit(samples(*"abcdefghij"))
    assert [future.result(5).text for future in futures] == list("abcdefghij")
    assert [len(batch) for batch in writer.batches] == [8, 2]


def test_a_bad_request_fails_alone_and_the_thread_goes_on(thread):
    futures = thread.submit(samples("a", "bad", "long", "b"))
    wait(futures, 5)
    assert futures[0].result().text == "a"
    assert futures[3].result().text == "b"
    with pytest.raises(GenerationError, match="'local:fake' failed: RuntimeError: too much for me"):
        futures[1].result()
    with pytest.raises(GenerationError, match="refused"):
        futures[2].result()


def test_a_batch_that_is_too_large_is_written_one_by_one(thread, writer):
    futures = thread.submit(samples("pair", "a"))
    assert [future.result(5).text for future in futures] == ["pair", "a"]
    assert writer.batches == [["pair", "a"], ["pair"], ["a"]]


def test_what_is_cancelled_is_ended_or_never_begun(thread, writer):
    writer.free.clear()
    (running,) = thread.submit(samples("a"))
    assert writer.begun.wait(5)
    (queued,) = thread.submit(samples("b"))
    assert queued.cancel()
    assert running.cancel()
    writer.free.wait(0.05)
    writer.free.set()
    assert thread.submit(samples("c"))[0].result(5).text == "c"
    assert writer.batches == [["a"], ["c"]]


def test_closing_ends_what_runs_and_what_waits_and_frees_the_model(thread, writer):
    writer.free.clear()
    futures = thread.submit(samples("a"))
    assert writer.begun.wait(5)
    futures += thread.submit(samples("b"))
    assert thread.close()
    for future in futures:
        with pytest.raises(GenerationError, match="'local:fake' was closed"):
            future.result(5)
    assert writer.released
    with pytest.raises(GenerationError, match="'local:fake' is closed"):
        thread.submit(samples("c"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigError("no such model"), "^no such model$"),
        (KeyError("weights"), "^Loading 'local:fake' failed: KeyError: 'weights'$"),
    ],
)
def test_a_model_that_cannot_be_loaded_fails_every_request(error, expected):
    def load():
        raise error

    thread = ModelThread("local:fake", load)
    for _ in range(2):
        (future,) = thread.submit(samples("a"))
        with pytest.raises(ConfigError, match=expected):
            future.result(5)
    assert thread.close()
    assert thread.close()


def until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")


class Silent(FakeWriter):
    """Writes without asking whether anybody still waits, as a forward that hangs does."""

    def write(self, batch, is_wanted):
        self.begun.set()
        self.free.wait(20)
        return [Written(one.request.question, Usage(1, 2)) for one in batch]


def test_a_model_without_progress_refuses_at_once_and_works_again_when_it_goes_on():
    writer = Silent()
    writer.free.clear()
    thread = ModelThread("local:fake", lambda: writer, stuck_after_s=0.1)
    (first,) = thread.submit(samples("a"))
    until(lambda: thread.stuck_s)
    with pytest.raises(GenerationError, match="has shown no progress"):
        thread.submit(samples("b"))
    writer.free.set()
    assert first.result(5).text == "a"
    until(lambda: not thread.stuck_s)
    assert thread.submit(samples("c"))[0].result(5).text == "c"
    assert thread.close()


def test_control_a_model_that_writes_tokens_for_longer_is_not_stuck(writer):
    writer.free.clear()
    thread = ModelThread("local:fake", lambda: writer, stuck_after_s=0.1)
    (first,) = thread.submit(samples("a"))
    time.sleep(0.4)
    assert not thread.stuck_s
    writer.free.set()
    assert first.result(5).text == "a"
    assert thread.close()


def test_a_loader_that_hangs_is_noticed():
    free = threading.Event()
    thread = ModelThread("local:fake", lambda: free.wait(20) and FakeWriter(), stuck_after_s=0.1)
    (first,) = thread.submit(samples("a"))
    until(lambda: thread.stuck_s)
    with pytest.raises(GenerationError, match="has shown no progress"):
        thread.submit(samples("b"))
    free.set()
    assert first.result(5).text == "a"
    assert thread.close()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_a_model_that_ends_the_process_fails_its_batch_only(error):
    class Ending(FakeWriter):
        def write(self, batch, is_wanted):
            if batch[0].request.question == "end":
                raise error
            return super().write(batch, is_wanted)

    thread = ModelThread("local:fake", Ending)
    with pytest.raises(GenerationError, match=type(error).__name__):
        thread.submit(samples("end"))[0].result(5)
    assert thread.submit(samples("b"))[0].result(5).text == "b"
    assert thread.close()


def test_a_model_that_writes_too_few_programs_fails_its_batch_only():
    class Short(FakeWriter):
        def write(self, batch, is_wanted):
            return [] if batch[0].request.question == "end" else super().write(batch, is_wanted)

    thread = ModelThread("local:fake", Short)
    with pytest.raises(GenerationError, match="wrote 0 programs for 1 requests"):
        thread.submit(samples("end"))[0].result(5)
    assert thread.submit(samples("b"))[0].result(5).text == "b"
    assert thread.close()


def test_what_is_queued_fails_when_the_model_cannot_be_released(writer):
    def release():
        raise SystemExit(1)

    writer.release = release
    writer.free.clear()
    thread = ModelThread("local:fake", lambda: writer)
    thread.submit(samples("a"))
    assert writer.begun.wait(5)
    (queued,) = thread.submit(samples("b"))
    writer.free.set()
    thread.close()
    assert queued.exception(5) is not None or queued.result(5).text == "b"
