from __future__ import annotations

from viper.builtin.words import MAX_WORDS, VOCABULARY, encode, refusal


def test_every_word_stands_once_in_the_vocabulary() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_what_the_models_do_not_know_is_named() -> None:
    assert "do not know 'near', 'dog':" in refusal("the small, metallic Ball near a dog!")


def test_texts_become_rows_of_one_length() -> None:
    ids = encode(["red ball", "zebra", "red " * 30, ""])
    assert ids.shape == (4, MAX_WORDS)
    assert (ids[0] > 1).sum() == 2
    assert ids[1, 0] == 1  # unknown
    assert (ids[2] == ids[0, 0]).all()
    assert not ids[3].any()
