"""To which noun a relation, a relative clause or an "and" belongs."""

from __future__ import annotations

import pytest

from viper.generate.grammar import parse

MEANINGS = {
    # A relation behind a noun belongs to the nearest noun, however deep it stands.
    "How many cups are left of the plate behind the fork?": (
        "count(cup[left_of(plate[behind(fork)])])"
    ),
    "What color is the cup left of the plate that is behind the fork?": (
        "color(cup[left_of(plate[behind(fork)])])"
    ),
    "What color is the cup that is left of the plate in front of the fork right of the spoon?": (
        "color(cup[left_of(plate[in_front_of(fork[right_of(spoon)])])])"
    ),
    "Is there a cup of the same size as the plate behind the fork?": (
        "exists(cup[same_size(plate[behind(fork)])])"
    ),
    # "and" without a noun behind it goes on with the outermost noun.
    "What color is the cup that is left of the plate and behind the fork?": (
        "color(cup[left_of(plate), behind(fork)])"
    ),
    "How many cups are both left of the plate and behind the fork?": (
        "count(cup[left_of(plate), behind(fork)])"
    ),
    # "and" with a noun behind it begins another object.
    "Do the cup behind the plate and the fork left of the spoon have the same size?": (
        "same_size(cup[behind(plate)], fork[left_of(spoon)])"
    ),
    "Are there an equal number of cups behind the plate and forks left of the spoon?": (
        "count(cup[behind(plate)]) == count(fork[left_of(spoon)])"
    ),
    "Are there more cups that are behind the plate than forks that are left of the spoon?": (
        "count(cup[behind(plate)]) > count(fork[left_of(spoon)])"
    ),
    # What is compared comes last and belongs to the first object.
    "Is the size of the cup behind the plate the same as the fork left of the spoon?": (
        "same_size(cup[behind(plate)], fork[left_of(spoon)])"
    ),
    "Is the cup behind the plate made of the same material as the fork left of the spoon?": (
        "same_material(cup[behind(plate)], fork[left_of(spoon)])"
    ),
}


@pytest.mark.parametrize("question", MEANINGS)
def test_a_condition_belongs_to_this_noun(question: str) -> None:
    assert str(parse(question)) == MEANINGS[question]


@pytest.mark.parametrize("depth", [1, 5, 12])
def test_chains_of_relations_have_any_depth(depth: int) -> None:
    chain = " left of the cup".join("" for _ in range(depth + 1))
    expected = "cup" + "[left_of(cup" * depth + ")]" * depth
    assert str(parse(f"What color is the cup{chain}?")) == f"color({expected})"
