"""Tokenizers are checked after loading, whatever files they are of, and decode without the lock."""

from __future__ import annotations

import json
import threading

import pytest

from fakes import tiny_models
from viper.backends.foreign_arguments import arguments_fault
from viper.backends.foreign_config import check_transformers
from viper.backends.foreign_tokenizer import MOST_WORD_CHARS
from viper.backends.loaded_tokenizer import check_loaded, decode_rows
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")


def clip_with(folder, **changed):
    """A model with changed steps of its tokenizer, in a class of the library that has no steps of its own."""
    tiny_models.clip(folder)
    path, settings = folder / "tokenizer.json", folder / "tokenizer_config.json"
    table = json.loads(path.read_text())
    if "dropout" in changed:
        table["model"] |= changed
    else:
        table |= changed
    path.write_text(json.dumps(table))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast"}
    settings.write_text(json.dumps(json.loads(settings.read_text()) | kind))
    return folder


def loaded(folder):
    return load_pretrained(transformers.AutoTokenizer, str(folder), what="matcher")


def unigram(**entries):
    return {"type": "Unigram", "unk_id": None, "vocab": [["a", 0.0], ["b", 0.0]], **entries}


@pytest.mark.parametrize(
    "changed",
    [
        {"pre_tokenizer": {"type": "FixedLength", "length": 0}},  # a panic
        {"model": unigram(byte_fallback=False)},  # a plain exception
    ],
    ids=["panic", "exception"],
)
def test_a_tokenizer_that_fails_is_refused_in_one_line(tmp_path, changed):
    with pytest.raises(
        ConfigError, match=r"The tokenizer of .* cannot be used|cannot be loaded"
    ) as raised:
        loaded(clip_with(tmp_path / "clip", **changed))
    assert "\n" not in str(raised.value)


def test_tokens_at_random_are_refused(tmp_path):
    for dropout in (0.5, 1.0):
        with pytest.raises(ConfigError, match=r"model\.dropout makes tokens at random"):
            loaded(clip_with(tmp_path / f"clip_{dropout}", dropout=dropout))
    for dropout in (0.0, None):
        assert loaded(clip_with(tmp_path / f"clip_{dropout}", dropout=dropout))("red")


def test_tokens_at_random_are_refused_however_the_tokenizer_came(tmp_path):
    tokenizer = loaded(clip_with(tmp_path / "clip", dropout=None))
    tokenizer.backend_tokenizer.model.dropout = 0.5
    rows = {tuple(tokenizer("a red mug on the table")["input_ids"]) for _ in range(50)}
    assert len(rows) > 1  # the control
    with pytest.raises(ConfigError, match="makes tokens at random"):
        check_loaded(tokenizer, displayed="x")


def test_sentencepiece_is_not_asked_for_tokens_at_random():
    table = {"sp_model_kwargs": {"enable_sampling": True, "alpha": 0.1}}
    assert arguments_fault(table) == ("sp_model_kwargs.enable_sampling", "makes tokens at random")
    assert arguments_fault({"sp_model_kwargs": {"enable_sampling": False}}) is None


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
