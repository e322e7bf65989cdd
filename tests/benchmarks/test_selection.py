from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.errors import ConfigError, InputError
from viper_benchmarks.digests import Digests
from viper_benchmarks.sample import Sample
from viper_benchmarks.selection import choose
from viper_benchmarks.task import BenchmarkTask

TASK = BenchmarkTask("mine", 3, "", "", "", lambda data, split: [], subsets={"mini": 2})


def samples(n=6):
    return [Sample(str(i), "vqa", Path("a.png"), "Is it?", answer="no") for i in range(n)]


def ids(chosen):
    return [sample.id for sample in chosen]


def test_a_pinned_subset_is_a_rule_that_anybody_can_follow():
    chosen = choose(TASK, "val", samples(), subset="mini")

    def rule(id_):
        return sha256(f"viper-bench/mine/3/val/{id_}".encode()).digest()

    by_rule = sorted(map(str, range(6)), key=rule)
    assert set(ids(chosen)) == set(by_rule[:2])
    assert len(chosen) == 2


def test_a_pinned_subset_depends_on_nothing_but_the_ids():
    turned = choose(TASK, "val", samples()[::-1], subset="mini")
    assert set(ids(turned)) == set(ids(choose(TASK, "val", samples(), subset="mini")))


def test_ids_are_scored_in_the_order_of_the_data(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("4\n\n1\n4\n")
    assert ids(choose(TASK, "val", samples(), ids=path)) == ["1", "4"]


def test_a_byte_order_mark_is_no_part_of_the_first_id(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("4\n1\n", encoding="utf-8-sig")
    assert ids(choose(TASK, "val", samples(), ids=path)) == ["1", "4"]


def test_an_id_that_no_sample_has_is_refused(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("4\n17\n")
    with pytest.raises(InputError, match="contains the id '17', which is not in the data"):
        choose(TASK, "val", samples(), ids=path)


def test_an_unknown_subset_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no subset 'tiny'. Subsets: mini \(2\)"):
        choose(TASK, "val", samples(), subset="tiny")


def test_subset_and_ids_exclude_each_other(tmp_path):
    with pytest.raises(ConfigError, match="Give one of them"):
        choose(TASK, "val", samples(), subset="mini", ids=tmp_path / "ids.txt")


def test_the_limit_takes_the_first():
    chosen = choose(TASK, "val", samples(), limit=4)
    assert (ids(chosen), len(chosen)) == (list("0123"), 4)
    assert len(choose(TASK, "val", samples(), limit=99)) == 6


@given(st.lists(st.text(max_size=5), max_size=40), st.text(max_size=5))
def test_digests_know_what_they_hold(given_, other):
    digests = Digests(given_)
    assert len(digests) == len(given_)
    assert all(id_ in digests for id_ in given_)
    assert (other in digests) == (other in given_)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=12))
def test_digests_name_the_first_id_that_comes_again(given_):
    again = next((i for i, id_ in enumerate(given_) if id_ in given_[:i]), None)
    assert Digests(given_).repeated() == again
