"""Tokenizers are checked after loading, whatever files they are of, and decode without the lock."""

from __future__ import annotations

import json
import threading

import pytest

from viper.backends.foreign_config import check_transformers
from viper.backends.foreign_tokenizer import MOST_WORD_CHARS
from viper.backends.loaded_tokenizer import check_loaded, decode_rows
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

LONG = "x" * (MOST_WORD_CHARS + 1)
USUAL = "x" * MOST_WORD_CHARS


def bpe(word):
    return {"type": "BPE", "vocab": {"a": 0, word: 1}, "merges": []}


MODELS = {
    "BPE": bpe,
    "merges": lambda word: {**bpe("b"), "merges": [f"{word} {word}"]},
    "merges as pairs": lambda word: {**bpe("b"), "merges": [[word, word]]},
    "WordLevel": lambda word: {"type": "WordLevel", "vocab": {word: 0}, "unk_token": "u"},
    "WordPiece": lambda word: {"type": "WordPiece", "vocab": {"a": 0, word: 1}},
    "Unigram": lambda word: {"type": "Unigram", "vocab": [["a", 0.0], [word, -1.0]]},
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_long_word_of_a_vocabulary_is_refused(tmp_path, kind):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": MODELS[kind](USUAL)}))
    check_transformers(tmp_path)  # control
    path.write_text(json.dumps({"model": MODELS[kind](LONG)}))
    with pytest.raises(ConfigError, match="has words of more than 1,000 characters"):
        check_transformers(tmp_path)


def wrapped(word="b", **steps):
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"u": 0, word: 1}, "u"))
    for name, step in steps.items():
        setattr(made, name, step)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="u")


def replaces(pattern, content, package):
    return getattr(tokenizers, package).Replace(tokenizers.Regex(pattern), content)


HOSTILE = {
    "a long word": lambda: wrapped(LONG),
    "a pattern in a decoder": lambda: wrapped(decoder=replaces("a", "", "decoders")),
    "a cubic pattern": lambda: wrapped(normalizer=replaces(r"x*x*\dy", "", "normalizers")),
    "an exponential pattern": lambda: wrapped(
        pre_tokenizer=tokenizers.pre_tokenizers.Split(tokenizers.Regex("(?:a|a)*b"), "isolated")
    ),
    "a long replacement": lambda: wrapped(
        normalizer=tokenizers.normalizers.Replace("a", "b" * 400)
    ),
    "replacements that multiply": lambda: wrapped(
        normalizer=tokenizers.normalizers.Sequence(
            [tokenizers.normalizers.Replace("a", "a" * 20)] * 3
        )
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tokenizer_is_refused_after_loading(name):
    check_loaded(wrapped(), displayed="m")  # control

    class Processor:
        tokenizer = HOSTILE[name]()

    for loaded in (Processor.tokenizer, Processor):
        with pytest.raises(ConfigError, match="The tokenizer of 'm' cannot be used"):
            check_loaded(loaded, displayed="m")


def test_what_has_no_tokenizer_is_accepted():
    check_loaded(object(), displayed="m")
    check_loaded((object(), {}), displayed="m")


def test_a_long_line_of_a_vocabulary_without_a_tokenizer_json_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]
    (tmp_path / "vocab.txt").write_text("\n".join([*lines, USUAL]))
    load = transformers.AutoTokenizer
    assert load_pretrained(load, str(tmp_path), what="matcher")("a")["input_ids"]  # control
    (tmp_path / "vocab.txt").write_text("\n".join([*lines, LONG]))
    with pytest.raises(ConfigError, match="has a word of 1,001 characters"):
        load_pretrained(load, str(tmp_path), what="matcher")


def ticks_during(work):
    """How often another thread ran while something worked."""
    count, ended = 0, threading.Event()

    def tick():
        nonlocal count
        while not ended.wait(0.001):
            count += 1

    thread = threading.Thread(target=tick)
    thread.start()
    before = count
    work()
    during = count - before
    ended.set()
    thread.join()
    return during


def test_other_threads_run_while_a_token_is_decoded():
    """The decoder is one that the checks refuse, because it takes long."""
    slow = wrapped("x" * 500 + "z1y", decoder=replaces(r"x*x*\dy", "", "decoders"))
    held = ticks_during(lambda: slow.decode([1]))
    released = ticks_during(lambda: decode_rows(slow, [[1]]))
    assert released > 5 * max(held, 1)  # control: the library's own function holds the lock


@pytest.mark.parametrize("keep_spaces", [False, True])
def test_texts_are_those_of_the_library(keep_spaces):
    made = wrapped("b .")
    made.add_special_tokens({"eos_token": "<end>"})
    rows = [[0, 1, 2], [], [1, 1, 0]]
    for cleans in (False, True):
        made.clean_up_tokenization_spaces = cleans
        expected = made.batch_decode(
            rows, skip_special_tokens=True, clean_up_tokenization_spaces=cleans and not keep_spaces
        )
        assert decode_rows(made, rows, keep_spaces=keep_spaces) == expected
