"""Laws of the queue: everything asked is taken once, in order, in turn; guesses only ride along."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from viper.scheduling.operation import ANSWER, COMPLETE
from viper.scheduling.request_queue import RequestQueue


def ask(queue, *requests, owner=1, operation=COMPLETE):
    return [queue.demand(str(r).encode(), operation, r, owner) for r in requests]


def guess(queue, *requests, owner=1, operation=COMPLETE):
    return [queue.prefetch(str(r).encode(), operation, r, owner) for r in requests]


def take(queue, most=10, parts=1):
    return [job.request for job in queue.take(lambda _: most, parts=parts)]


@pytest.fixture
def queue():
    return RequestQueue()


def test_a_program_with_many_requests_does_not_hold_up_one_with_few(queue):
    ask(queue, *range(100), owner=1)
    ask(queue, "a", "b", owner=2)
    ask(queue, "c", owner=3)
    assert take(queue, 6) == [0, "a", "c", 1, "b", 2]
    assert take(queue, 2) == [3, 4]


def test_programs_take_turns_from_one_forward_to_the_next(queue):
    for owner in (1, 2, 3):
        ask(queue, *(f"{owner}{n}" for n in range(3)), owner=owner)
    assert take(queue, 2) == ["10", "20"]
    assert take(queue, 2) == ["30", "11"]


def test_the_operation_of_the_oldest_request_goes_first(queue):
    ask(queue, 1, operation=ANSWER)
    ask(queue, 2, operation=COMPLETE)
    ask(queue, 3, operation=ANSWER)
    assert take(queue) == [1, 3]
    assert take(queue) == [2]
    assert take(queue) == []


def test_a_program_does_not_hold_up_one_that_asks_for_something_else(queue):
    ask(queue, *range(100), owner=1)
    ask(queue, "a", owner=2, operation=ANSWER)
    assert take(queue, 8) == list(range(8))
    assert take(queue, 8) == ["a"]
    assert take(queue, 8) == list(range(8, 16))


@pytest.mark.parametrize("hogs", [1, 3])
def test_a_program_waits_for_one_forward_of_each_other_program_at_most(queue, hogs):
    for owner in range(hogs):
        ask(queue, *(f"{owner} {n}" for n in range(200)), owner=owner)
    for _ in range(5):
        take(queue, 8)
    ask(queue, "late", owner=9, operation=ANSWER)
    assert ["late"] in [take(queue, 8) for _ in range(hogs + 1)]


def test_programs_that_come_later_do_not_starve_one_that_was_served(queue):
    ask(queue, *range(20), owner=1)
    take(queue, 4)
    for owner in range(2, 30):
        ask(queue, f"{owner}", owner=owner, operation=ANSWER)
        if 4 in take(queue, 4):
            break
    else:
        raise AssertionError("it was starved")
    assert owner == 2


def test_a_program_with_many_requests_makes_no_long_forward_for_others(queue):
    ask(queue, *range(500), owner=1)
    guess(queue, *(f"guess {n}" for n in range(500)), owner=1)
    ask(queue, "a", "b", owner=2)
    batch = take(queue, 64)
    assert {"a", "b"} <= set(batch)
    assert len(batch) == 2 + 8
    ask(queue, *(f"other {n}" for n in range(20)), owner=3)
    assert len(take(queue, 64)) == 40
    assert len(take(queue, 64)) == 64  # control: alone again, it fills the forward


def test_turns_are_forgotten_with_their_programs(queue):
    jobs = [ask(queue, n, owner=n)[0] for n in range(50)]
    take(queue, 64)
    for job in jobs:
        queue.finish(job)
    assert not queue._turns


def test_guesses_fill_the_room_that_is_left_and_never_make_a_forward(queue):
    guess(queue, "x", "y", "z")
    guess(queue, "other", operation=ANSWER)
    assert take(queue) == []
    ask(queue, 1, 2)
    assert take(queue, 4) == [1, 2, "x", "y"]
    assert take(queue) == []
    ask(queue, 3)
    assert take(queue, 1) == [3]
    ask(queue, 4)
    assert take(queue) == [4, "z"]


def test_a_guess_that_is_asked_for_stands_in_line(queue):
    (job,) = guess(queue, "x")
    assert ask(queue, "x", owner=2) == [job]
    assert take(queue) == ["x"]


def test_what_is_on_its_way_is_not_queued_again(queue):
    (job,) = ask(queue, "x")
    assert take(queue) == ["x"]
    assert ask(queue, "x", owner=2) == [job]
    assert guess(queue, "x") == [None]
    assert take(queue) == []
    queue.finish(job)
    assert ask(queue, "x") != [job]


def test_a_program_that_is_over_takes_back_what_nobody_else_wants(queue):
    mine, ours = ask(queue, "mine", "ours", owner=1)
    ask(queue, "ours", owner=2)
    (guessed,) = guess(queue, "guessed", owner=1)
    assert queue.withdraw(1) == [mine, guessed]
    assert mine.future.cancelled()
    assert guessed.future.cancelled()
    assert not ours.future.cancelled()
    assert take(queue) == ["ours"]


def test_what_runs_already_is_finished_although_its_program_is_over(queue):
    (job,) = ask(queue, "x")
    take(queue)
    assert queue.withdraw(1) == []
    assert not job.future.cancelled()
    queue.finish(job)
    assert len(queue) == 0


def test_idle_replicas_divide_what_waits(queue):
    ask(queue, *range(5))
    assert take(queue, parts=2) == [0, 1, 2]
    assert take(queue, parts=1) == [3, 4]


def test_guesses_without_end_are_bounded(queue):
    first, *_ = guess(queue, *range(5_000))
    assert len(queue) <= 1_024
    assert first.future.cancelled()


class Machine(RuleBasedStateMachine):
    """Every order of asking, guessing, taking, finishing and withdrawing."""

    @initialize()
    def start(self):
        self.queue = RequestQueue()
        self.demanded: dict[bytes, set[int]] = {}  # key → owners that wait, not taken
        self.running: dict[bytes, object] = {}

    keys = st.integers(0, 12).map(lambda n: str(n).encode())
    owners = st.integers(1, 4)

    @rule(key=keys, owner=owners)
    def demand(self, key, owner):
        job = self.queue.demand(key, COMPLETE, key, owner)
        assert owner in job.owners
        assert not job.future.cancelled()
        if key in self.running:
            assert job is self.running[key]
        else:
            self.demanded.setdefault(key, set()).add(owner)

    @rule(key=keys, owner=owners)
    def prefetch(self, key, owner):
        known = key in self.demanded or key in self.running
        job = self.queue.prefetch(key, COMPLETE, key, owner)
        assert not (known and job is not None)

    @rule(most=st.integers(1, 5))
    def take(self, most):
        jobs = self.queue.take(lambda _: most)
        assert len(jobs) <= most
        assert bool(jobs) == bool(self.demanded)
        wanted = [job.key for job in jobs if job.demanded]
        assert len(set(wanted)) == len(wanted) == min(most, len(self.demanded))
        assert set(wanted) <= set(self.demanded)
        for job in jobs:
            self.demanded.pop(job.key, None)
            assert job.key not in self.running
            self.running[job.key] = job

    @rule(data=st.data())
    def finish(self, data):
        if self.running:
            key = data.draw(st.sampled_from(sorted(self.running)))
            self.queue.finish(self.running.pop(key))

    @rule(owner=owners)
    def withdraw(self, owner):
        gone = {job.key for job in self.queue.withdraw(owner)}
        for key, waiting in list(self.demanded.items()):
            waiting.discard(owner)
            if not waiting:
                assert key in gone
                del self.demanded[key]
            else:
                assert key not in gone

    @invariant()
    def nothing_is_lost(self):
        for key in self.demanded:
            assert self.queue.find(key) is not None
        for key, job in self.running.items():
            assert self.queue.find(key) is job


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLaws = Machine.TestCase
