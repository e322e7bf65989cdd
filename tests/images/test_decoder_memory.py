"""The memory of decoders is shared fairly between the clients of a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from PIL import Image

from fakes.hostile_images import encoded, jpeg_of_scans, webp_of_one_colour
from viper.images import confined_decoding, decoder_memory
from viper.images.cancellation import Cancellation
from viper.images.confined_decoding import decode
from viper.images.decoder_memory import MemoryPool, RecalledError
from viper.images.decoder_process import DecoderZygote
from viper.images.decoding_error import DecodingError

HOSTILE, GOOD = "10.0.0.1", "10.0.0.2"


class Users:
    """Decodings that hold memory until they are told to end."""

    def __init__(self, total: int, pool: ThreadPoolExecutor) -> None:
        self.memory = MemoryPool(total)
        self.begun: list[str] = []
        self.recalled: list[str] = []
        self._pool = pool
        self._ends: dict[str, threading.Event] = {}

    def ask(self, *names: str, size: int = 1) -> None:
        """A name is that of the client and a number, such as "a1"."""
        for name in names:
            self._ends[name] = threading.Event()
            self._pool.submit(self._use, name, size)
            time.sleep(0.02)

    def _use(self, name: str, size: int) -> None:
        again = False
        while True:
            with self.memory.hold(size, name[0], Cancellation(), again=again) as held:
                self.begun.append(name)
                with held.ending(self._ends[name].set):
                    self._ends[name].wait(20)
                if not held.is_recalled:
                    return
                self.recalled.append(name)
                self._ends[name].clear()
                again = True

    def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            time.sleep(0.1)

    def end_all(self) -> None:
        deadline_s = time.monotonic() + 10
        while self.memory._lines and time.monotonic() < deadline_s:
            for end in self._ends.values():
                end.set()
            time.sleep(0.02)
        assert not self.memory._lines
        assert len(self.memory._held) == 0


@contextmanager
def users(total: int) -> Iterator[Users]:
    with ThreadPoolExecutor(16) as pool:
        made = Users(total, pool)
        try:
            yield made
        finally:
            made.end_all()
    assert made.memory._free_bytes == total


def until(condition: object) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_free_memory_goes_to_the_client_with_the_fewest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_memory, "_RECALL_AFTER_S", 60.0)
    with users(3) as some:
        some.ask("a1", "a2", "a3", "a4", "a5", "b1", "c1")
        assert some.begun == ["a1", "a2", "a3"]
        some.end("a1", "a2")
        assert some.begun[3:] == ["b1", "c1"]
        some.end("a3", "b1")
        assert some.begun[5:] == ["a4", "a5"]


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_who_waits_gets_the_memory_of_one_who_has_too_much(wanted: int) -> None:
    with users(4) as some:
        some.ask("a1", "a2", "a3", "a4")
        some.ask("b1", size=wanted)
        until(lambda: "b1" in some.begun)
        assert some.recalled == ["a4", "a3", "a2"][:wanted]  # the newest first


def test_control_without_recall_others_wait_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoder_memory, "_RECALL_AFTER_S", 60.0)
    with users(4) as some:
        some.ask("a1", "a2", "a3", "a4", "b1")
        time.sleep(1.0)
        assert some.begun == ["a1", "a2", "a3", "a4"]


def test_between_equals_nothing_is_recalled() -> None:
    with users(4) as some:
        some.ask("a1", "a2", "b1", "b2", "a3", "b3")
        time.sleep(1.0)
        assert some.recalled == []
        some.end("a1")
        assert some.begun[4:] == ["a3"]


def test_who_was_recalled_begins_again_in_front_of_its_line() -> None:
    with users(2) as some:
        some.ask("a1", "a2", "a3", "b1")
        until(lambda: some.begun[2:] == ["b1"])
        some.end("b1")
        assert some.begun[3:] == ["a2"]


def test_who_waits_for_much_is_not_passed_by_those_that_want_little() -> None:
    with users(10) as some:
        some.ask("a1", size=6)
        some.ask("b1", size=8)
        some.ask("c1", "d1", "e1", size=1)
        assert some.begun == ["a1"]
        some.end("a1")
        assert some.begun[1] == "b1"


def test_the_reservations_never_exceed_the_total() -> None:
    memory, lock, held, most = MemoryPool(10), threading.Lock(), [0], [0]

    def take(number: int) -> None:
        size = 1 + number % 7
        with memory.hold(size, str(number % 3), Cancellation()):
            with lock:
                held[0] += size
                most[0] = max(most[0], held[0])
            time.sleep(0.002)
            with lock:
                held[0] -= size

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(take, range(64)))
    assert most[0] <= 10 == memory._free_bytes


# -- with decoders

SMALL = encoded(Image.effect_noise((64, 48), 80), "JPEG")
LARGE = webp_of_one_colour((3_000, 2_800))  # a place is not enough


def accept(width: int, height: int) -> None:
    """Accept any size."""


def test_a_small_image_waits_for_no_large_ones_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are places: all but one of the large ones wait for memory."""
    monkeypatch.setattr(confined_decoding, "_LARGE", MemoryPool(confined_decoding._MOST_BYTES))
    count = 2 * confined_decoding._PLACES
    decode(SMALL, accept)
    cancellation = Cancellation()
    with ThreadPoolExecutor(count) as pool:
        with confined_decoding._LARGE.hold(confined_decoding._MOST_BYTES, "", Cancellation()):
            waiting = [pool.submit(decode, LARGE, accept, cancellation) for _ in range(count)]
            until(lambda: len(confined_decoding._LARGE._lines[""].waiting) == count)
            until(lambda: len(confined_decoding._SMALL._held) == 0)  # who waits holds nothing
            until(lambda: len(DecoderZygote.current()._children) <= 1)  # the spare one
            decode(SMALL, accept)
            assert not any(one.done() for one in waiting)
            cancellation.cancel()
        for one in waiting:
            with pytest.raises(DecodingError):
                one.result()


@pytest.mark.parametrize(
    ("pool_name", "total", "hostile", "good"),
    [
        ("_SMALL", 256 << 20, ((2_000, 2_000), 85), SMALL),
        pytest.param("_LARGE", 530 << 20, ((4_000, 4_000), 25), LARGE, marks=pytest.mark.slow),
    ],
)
def test_an_image_of_another_client_takes_the_memory_of_one_that_has_more(
    monkeypatch: pytest.MonkeyPatch,
    pool_name: str,
    total: int,
    hostile: tuple[tuple[int, int], int],
    good: bytes,
) -> None:
    """Both of the decodings that fill the memory are finished, one of them later."""
    monkeypatch.setattr(decoder_memory, "_RECALL_AFTER_S", 0.05)
    monkeypatch.setattr(confined_decoding, pool_name, MemoryPool(total))
    recalls: list[int] = []
    recall = decoder_memory.Reservation.recall
    monkeypatch.setattr(
        decoder_memory.Reservation, "recall", lambda self: (recalls.append(1), recall(self))
    )
    slow = jpeg_of_scans(hostile[1], hostile[0])
    decode(SMALL, accept)
    until(lambda: len(confined_decoding._SMALL._held) == 0)
    with ThreadPoolExecutor(4) as pool:
        decoded = [pool.submit(decode, slow, accept, client=HOSTILE) for _ in range(2)]
        until(lambda: len(getattr(confined_decoding, pool_name)._held) == 2)
        decode(good, accept, client=GOOD)
        assert recalls == [1]
        assert all(one.result().shape == (*hostile[0], 3) for one in decoded)


def test_memory_is_given_back_when_the_process_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = MemoryPool(confined_decoding._PLACES * confined_decoding._PLACE_BYTES)
    monkeypatch.setattr(confined_decoding, "_SMALL", memory)
    for data in (SMALL, b"\xff\xd8\xff nothing", SMALL[:200]):
        try:
            decode(data, accept, client=GOOD)
        except DecodingError:
            assert len(memory._held) == 0
        until(lambda: len(memory._held) == 0)


def test_a_recalled_error_is_no_error_of_the_image() -> None:
    assert not issubclass(RecalledError, DecodingError)
