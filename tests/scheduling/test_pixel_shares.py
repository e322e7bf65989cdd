"""Requests about large images do not hold up those about small ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.query import Query
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.models.roles import AnswerRequest, DetectRequest
from viper.scheduling import pixel_shares
from viper.scheduling.job import Job
from viper.scheduling.method_request import MethodRequest
from viper.scheduling.operation import COMPLETE
from viper.scheduling.pixel_shares import MOST_PIXELS, pixels_to_read
from viper.scheduling.request_queue import RequestQueue
from viper_sandbox.large_work import paid_by

LARGE, SMALL = (8_000, 5_000), (480, 320)


def image(name: str, size: tuple[int, int] = LARGE) -> ImageRef:
    return ImageRef(name, size, name)


def whole(name: str, size: tuple[int, int] = LARGE) -> View:
    return View(image(name, size), (0.0, 0.0, float(size[0]), float(size[1])))


def corner(name: str, size: tuple[int, int] = LARGE) -> View:
    return View(image(name, size), (0.0, 0.0, 10.0, 10.0))


KINDS: dict[str, Callable[..., Any]] = {
    "an image": image,
    "the view of an image": whole,
    "a corner of an image": corner,
    "a detection": lambda name, size=LARGE: DetectRequest(whole(name, size), ("cube",)),
    "an answer": lambda name, size=LARGE: AnswerRequest(whole(name, size), "why?"),
    "a patch of a module": lambda name, size=LARGE: MethodRequest(Patch(whole(name, size)), {}),
    "an argument of a module": lambda name, size=LARGE: MethodRequest(
        None, {"others": [Patch(corner(name, size))]}
    ),
}


def forwards(queue: RequestQueue) -> list[list[bytes]]:
    """Run all forwards; return the keys of each."""
    made = []
    while batch := queue.take(lambda _: 64):
        made.append([job.key for job in batch])
        for job in batch:
            queue.finish(job)
    return made


@pytest.fixture
def queue() -> RequestQueue:
    return RequestQueue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_request_waits_for_one_large_image_at_most(queue: RequestQueue, kind: str) -> None:
    for n in range(7):
        queue.demand(b"large", COMPLETE, KINDS[kind](f"{n}"), n, "a client")
        queue.demand(f"large {n}".encode(), COMPLETE, KINDS[kind](f"{n}"), n, "a client")
    queue.demand(b"small", COMPLETE, KINDS[kind]("small", SMALL), 9, "another")
    made = forwards(queue)
    assert b"small" in made[0]
    assert len(made[0]) == 2
    assert sum(map(len, made)) == 9  # nothing is lost


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_limit_it_would_wait_for_all(
    queue: RequestQueue, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_shares, "MOST_PIXELS", 1 << 60)
    for n in range(7):
        queue.demand(f"large {n}".encode(), COMPLETE, KINDS[kind](f"{n}"), n, "a client")
    queue.demand(b"small", COMPLETE, KINDS[kind]("small", SMALL), 9, "another")
    assert len(forwards(queue)[0]) == 8


@pytest.mark.parametrize("client", [None, "a client"])
def test_who_is_alone_does_not_fill_a_forward_with_large_images(
    queue: RequestQueue, client: str | None
) -> None:
    """So that who comes meanwhile does not wait for long."""
    for n in range(9):
        queue.demand(f"{n}".encode(), COMPLETE, whole(f"{n}", (5_000, 4_000)), n, client)
    assert max(map(len, forwards(queue))) <= MOST_PIXELS // 20_000_000


def test_many_clients_do_not_fill_a_forward_with_large_images(queue: RequestQueue) -> None:
    for n in range(20):
        queue.demand(f"{n}".encode(), COMPLETE, whole(f"{n}", (4_000, 3_000)), n, f"client {n}")
    assert max(map(len, forwards(queue))) <= MOST_PIXELS // 12_000_000


def test_prefetches_of_large_images_do_not_ride_beside_a_small_request(queue: RequestQueue) -> None:
    for n in range(9):
        assert queue.prefetch(f"{n}".encode(), COMPLETE, whole(f"{n}"), 1, "a client") is not None
    queue.demand(b"small", COMPLETE, whole("small", SMALL), 2, "another")
    assert [job.key for job in queue.take(lambda _: 64)] == [b"small"]


def test_programs_of_one_client_share_its_turns(queue: RequestQueue) -> None:
    for owner in range(6):
        for n in range(30):
            queue.demand(f"{owner} {n}".encode(), COMPLETE, n, owner, "a client")
    first = queue.take(lambda _: 8)  # alone, the client fills a forward
    assert len({next(iter(job.owners)) for job in first}) == 6  # its programs take turns
    for n in range(3):
        queue.demand(f"other {n}".encode(), COMPLETE, n, 9, "another")
    queue.take(lambda _: 2)
    batches = [queue.take(lambda _: 2) for _ in range(2)]
    assert [9 in job.owners for batch in batches for job in batch].count(True) == 2


def test_programs_of_nobody_have_turns_of_their_own(queue: RequestQueue) -> None:
    """The control: the same programs, each for itself."""
    for owner in range(6):
        for n in range(30):
            queue.demand(f"{owner} {n}".encode(), COMPLETE, n, owner)
    for n in range(3):
        queue.demand(f"other {n}".encode(), COMPLETE, n, 9)
    batches = [queue.take(lambda _: 2) for _ in range(3)]
    assert [9 in job.owners for batch in batches for job in batch].count(True) == 0


@pytest.mark.parametrize("owners", [1, 6])
def test_a_client_with_many_programs_fills_half_of_a_shared_forward(
    queue: RequestQueue, owners: int
) -> None:
    for n in range(300):
        queue.demand(f"{n}".encode(), COMPLETE, n, n % owners, "a client")
    for n in range(20):
        queue.demand(f"other {n}".encode(), COMPLETE, n, 100 + n, "another")
    assert len(queue.take(lambda _: 64)) == 40


def test_batches_of_usual_images_are_as_large_as_ever(queue: RequestQueue) -> None:
    for n in range(64):
        queue.demand(f"{n}".encode(), COMPLETE, whole(f"{n}", (640, 480)), n)
    assert [len(batch) for batch in forwards(queue)] == [64]


def test_turns_are_forgotten_with_the_last_program_of_a_client(queue: RequestQueue) -> None:
    jobs = [queue.demand(f"{n}".encode(), COMPLETE, n, n, f"client {n % 3}") for n in range(30)]
    queue.take(lambda _: 20)
    assert queue._turns
    for n, job in enumerate(jobs):
        if n % 2:
            queue.withdraw(n)
        queue.finish(job)
    assert not queue._turns
    assert not queue._clients


def test_further_views_of_an_image_cost_their_own_pixels() -> None:
    pixels, images = pixels_to_read(corner("one"), set())
    assert (pixels, images) == (40_000_000, {"one"})
    assert pixels_to_read(corner("one"), images) == (100, {"one"})
    both = MethodRequest(Patch(whole("one")), {"other": Patch(corner("one"))})
    assert pixels_to_read(both, set()) == (40_000_100, {"one"})
    assert pixels_to_read("a text", set()) == (0, set())


@pytest.mark.parametrize("client", ["127.0.0.2", None])
def test_the_queue_learns_for_whom_a_program_works(
    client: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []
    demand = RequestQueue.demand

    def noted(self: RequestQueue, *args: Any) -> Job:
        found.append(args[-1])
        return demand(self, *args)

    monkeypatch.setattr(RequestQueue, "demand", noted)
    program = "def execute_command(image):\n    return len(ImagePatch(image).find('cube'))\n"
    query = Query("examples/shapes.png", "How many?", program=program)

    async def asked(engine: Engine) -> Answer:
        if client is None:
            return await engine.arun(query)
        with paid_by(client, lambda spent_s: None):
            return await engine.arun(query)

    with Engine() as engine:
        assert asyncio.run(asked(engine)).value == 4
    assert found
    assert set(found) == {client}
