from __future__ import annotations

import pytest

from fakes.backends import blank_image, whole
from viper.images.image import View
from viper.images.region import Patch
from viper.programs.program import CallSite
from viper.scheduling.prefetch import Prefetcher

IMAGE = blank_image(1_000, 800)


def patches(count, category="cup", top=0):
    boxes = [(10.0 * n, float(top), 10.0 * n + 8, top + 8.0) for n in range(count)]
    return [Patch(View(IMAGE, box), category, 0.5) for box in boxes]


def site(method, line, *literals, repeats=False):
    return CallSite(line, method, literals, repeats)


@pytest.fixture
def ahead():
    return Prefetcher()


def test_in_a_loop_the_siblings_of_the_receiver_are_guessed(ahead):
    cups = patches(4)
    ahead.read([site("verify_property", 3, "cup", "red", repeats=True)])
    ahead.end("find", None, cups)
    ahead.begin("verify_property", 3, cups[0], ["cup", "red"])
    assert ahead.siblings() == [patch.view for patch in cups[1:]]


def test_outside_of_loops_nothing_is_guessed_of_siblings(ahead):
    cups = patches(4)
    ahead.read([site("verify_property", 3, "cup", "red")])
    ahead.end("find", None, cups)
    ahead.begin("verify_property", 3, cups[0], ["cup", "red"])
    assert ahead.siblings() == []


def test_the_same_asked_of_a_second_sibling_shows_a_loop_that_nobody_reported(ahead):
    cups = patches(4)
    ahead.end("find", None, cups)
    ahead.begin("simple_query", 3, cups[0], ["what?"])
    assert ahead.siblings() == []
    ahead.begin("simple_query", 3, cups[1], ["why?"])
    assert ahead.siblings() == []
    ahead.begin("simple_query", 3, cups[1], ["what?"])
    assert [view.box_xyxy for view in ahead.siblings()] == [cups[n].box_xyxy for n in (0, 2, 3)]


def test_what_was_refused_is_not_guessed_unless_a_refused_one_is_asked(ahead):
    cups = patches(4)
    ahead.read([site("simple_query", 5, repeats=True)])
    ahead.end("find", None, cups)
    ahead.end("verify_property", cups[1], False)
    ahead.end("verify_property", cups[2], True)
    ahead.begin("simple_query", 5, cups[0], ["what?"])
    assert ahead.siblings() == [cups[2].view, cups[3].view]
    ahead.begin("simple_query", 5, cups[1], ["what?"])
    assert cups[0].view in ahead.siblings()
    # One vector serves all words, so what was refused one word may be asked for another.
    ahead.begin("simple_query", 5, cups[0], ["what?"])
    assert cups[1].view in ahead.comparable()


def test_a_thing_belongs_to_the_group_of_its_own_phrase(ahead):
    cups, things = patches(2), patches(5, "object")
    ahead.read([site("verify_property", 3, repeats=True)])
    ahead.end("find", None, cups)
    ahead.end("find", None, things)
    ahead.begin("verify_property", 3, cups[0], ["cup", "red"])
    assert ahead.siblings() == [cups[1].view]


def test_what_a_later_find_gives_is_compared_too(ahead):
    cups, dogs = patches(2), patches(2, "dog", top=100)
    ahead.read([site("verify_property", 3, repeats=True)])
    ahead.end("find", None, cups)
    ahead.expect(dogs)
    ahead.begin("verify_property", 3, cups[0], ["cup", "red"])
    assert ahead.comparable() == [cups[1].view, *(dog.view for dog in dogs)]
    assert ahead.siblings() == [cups[1].view]


def test_two_groups_that_are_compared_in_depth_are_guessed_together(ahead):
    cups, dogs = patches(2), patches(2, "dog", top=100)
    both = [site("compute_depth", 7, repeats=True)] * 2
    ahead.end("find", None, cups)
    ahead.end("find", None, dogs)
    ahead.read(both[:1])
    ahead.begin("compute_depth", 7, cups[0], [])
    assert len(ahead.siblings(and_groups_of="compute_depth")) == 1
    ahead.read(both)
    assert len(ahead.siblings(and_groups_of="compute_depth")) == 3


def test_literals_of_calls_that_run_once_are_told_while_none_repeats(ahead):
    ahead.read(
        [
            site("find", 2, "cup"),
            site("exists", 3, "dog"),
            site("find", 4, "hat", repeats=True),
            site("verify_property", 5, "cup", "red"),
        ]
    )
    ahead.begin("find", 2, None, ["cup"])
    assert ahead.literals("find", "exists", once=True) == [("cup",), ("dog",)]
    assert ahead.literals("verify_property") == [("cup", "red")]
    ahead.begin("find", 4, patches(1)[0], ["hat"])
    assert ahead.literals("find", "exists", once=True) == []


def test_guesses_per_call_are_bounded_in_number_and_in_pixels(ahead):
    ahead.read([site("simple_query", 3, repeats=True)])
    many = patches(99)
    ahead.end("find", None, many)
    ahead.begin("simple_query", 3, many[0], ["what?"])
    assert len(ahead.siblings()) == 64
    image = blank_image(10_000, 4_000)
    large = [Patch(whole(image), "sky", n / 10) for n in range(3)]
    large += [Patch(View(image, (0.0, 0.0, 9_999.0 - n, 4_000.0)), "sky") for n in range(9)]
    ahead.end("find", None, large)
    ahead.begin("simple_query", 3, large[-1], ["what?"])
    assert len(ahead.siblings()) <= 1


def test_a_program_that_uses_few_guesses_is_guessed_no_more(ahead):
    cups = patches(4)
    ahead.read([site("simple_query", 3, repeats=True)])
    ahead.end("find", None, cups)
    ahead.begin("simple_query", 3, cups[0], ["what?"])
    ahead.issued, ahead.used = 100, 10
    assert ahead.siblings() == []
    ahead.used = 30
    assert len(ahead.siblings()) == 3


def test_switched_off_it_guesses_nothing():
    ahead, cups = Prefetcher(enabled=False), patches(3)
    ahead.read([site("find", 2, "cup"), site("simple_query", 3, repeats=True)])
    ahead.end("find", None, cups)
    ahead.begin("simple_query", 3, cups[0], ["what?"])
    assert ahead.siblings() == ahead.comparable() == []
    assert ahead.literals("find") == []


def test_call_sites_and_their_literals_are_bounded(ahead):
    sites = [site("find", line, "cup") for line in range(1_000)]
    ahead.read([site("find", 1, "x" * 201), site("best_text_match", 2, ("red",) * 65), *sites])
    assert ahead.literals("best_text_match") == [(None,)]
    assert ahead.literals("find")[0] == (None,)
    assert len(ahead._sites) == 256


# -- what a hostile program makes it remember

WHOLE = Patch(whole(IMAGE))


class CountingPatch(Patch):
    """Counts how often patches are hashed."""

    hashed = 0

    def __hash__(self):
        type(self).hashed += 1
        return hash(self.view.box_xyxy)


def _many_groups(groups, each=10):
    image = blank_image(10_000, 100)
    ahead = Prefetcher()
    ahead.read([CallSite(line, "compute_depth", (), True) for line in (1, 2)])
    every = []
    for group in range(groups):
        left = float(group * each)
        patches = [
            CountingPatch(View(image, (left + n, 0.0, left + n + 0.5, 9.0)), f"{group}")
            for n in range(each)
        ]
        ahead.end("find", None, patches)
        every += patches
    return ahead, every


@pytest.mark.parametrize("groups", [2, 20, 200, 400])
def test_a_call_costs_no_more_after_many_groups(groups):
    ahead, every = _many_groups(groups)
    CountingPatch.hashed = 0
    for receiver in every[:10]:
        ahead.begin("compute_depth", 1, receiver, ())
        found = ahead.siblings(and_groups_of="compute_depth")
        assert len(found) == min(64, len(every) - 1)
    assert CountingPatch.hashed == 0


def test_control_hashing_the_groups_would_cost_as_much_as_there_are_patches():
    ahead, every = _many_groups(40)
    CountingPatch.hashed = 0
    dict.fromkeys(ahead._group_of.values())
    assert CountingPatch.hashed >= len(every)


@pytest.mark.parametrize(
    "arguments",
    [("x" * 100_000,), (["y" * 200] * 900,), ([WHOLE] * 1_000,), ({"a": "z" * 50_000},)],
    ids=["text", "texts", "patches", "dict"],
)
def test_arguments_of_calls_are_not_kept(arguments):
    ahead = Prefetcher()
    ahead.begin("method", 1, WHOLE, arguments)
    (kept,) = ahead._first_receivers
    assert len(kept) == 64
    other = Patch(View(WHOLE.view.image, (1.0, 1.0, 2.0, 2.0)))
    ahead.begin("method", 1, other, arguments)
    assert ahead._repeats  # the same call on another patch
    ahead.begin("method", 1, other, (*arguments, "more"))
    assert not ahead._repeats


def test_the_views_that_one_program_prefetches_are_limited():
    ahead, every = _many_groups(20)
    ahead.issued = ahead.used = 9_999
    ahead.begin("compute_depth", 1, every[0], ())
    assert ahead.siblings()
    ahead.issued = ahead.used = 10_000
    assert ahead.siblings() == []
