"""Tokenizers that make a short text take for ever or gigabytes are refused; the library alone does it."""

from __future__ import annotations

import base64
import json
import time
import timeit

import pytest
import tokenizers

from viper.backends.foreign_config import check_transformers, number_fault
from viper.backends.foreign_tokenizer import regex_fault, tokenizer_fault
from viper.errors import ConfigError

_LETTERS = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
_SMALL = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
KNOWN = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+",
    rf"[^\r\n\p{{L}}\p{{N}}]?[{_LETTERS}]*[{_SMALL}]+{_ENDINGS}?|\p{{N}}{{1,3}}|\s+(?!\S)|\s+",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"\d{1,3}(?=(?:\d{3})*\b)",
    r"[0-9][0-9][0-9]",
    r" {2,}",
    r"[\p{L}&&[^\p{Han}]]+",
]
BOMBS = [
    "(a+)+$", "(a|a)*$", "(a|aa)+$", "(a*)*b", "((a{1,3}))+b", "(a?a?)*b", "(?=(a+)+)b", "a**b",
    "(?:a?){500}b", "((((a+)?)?)?)+", "(?:(?:a|b)|c)*d", "a?" * 30 + "a" * 30, "(?:a|aa)" * 40 + "b",
    "a+a+a+b", "a{0,900}a{0,900}a{0,900}b", "a{1,99999}", r"(a)\1+", r"(?<n>a)\g<n>", "(?R)", "(?~ab)",
    "(a", "a)", "[a", "*a", "a" * 6000,
    r"x*x*\dy", "x{0,1000}x{0,1000}y", "(?:x*)(x*y)", "(x*x*)y", "(?=x*x*y)", "x*(?:x*y|z)", r"x*x*\b",
    "(?x)(?:a|a#[\n)*b#])", "(?ix:a#[\n)", r"x*x*\(?i:'s|'t|'re|'ve|'m|'ll|'d)?y", f"a*a*{_ENDINGS}?b",
    f"{_ENDINGS}?" * 9, f"a*a*{_ENDINGS}?+",
    "[a-z ]{0,16}" * 5 + r"(?=\x01)", "[a-z]{0,16}" * 3, "[a-z]{0,9}" * 4,
    "(?:[a-z]{0,9}[a-z]{0,9}){1}[a-z]{1,9}",
    "(?:" + "|".join("abcdefgh") + ")" * 1 + "(?:a|b|c|d|e|f|g|h)" * 2, "[a-z]{0,15}[a-z]{0,15}x*y",
    "[a-z]{0,4}[a-z]{0,4}x*y",
    "(?=[a-z]{0,16})[a-z]{0,16}[a-z]{0,3}", f"(?:{'|'.join('a' * 300)})", "(?:a|(?:b{0,15}|c{0,15})d{0,15})",
]  # fmt: skip


@pytest.mark.parametrize("pattern", KNOWN)
def test_a_pattern_of_a_known_tokenizer_is_accepted(pattern):
    assert regex_fault(pattern) is None


@pytest.mark.parametrize("pattern", BOMBS, ids=lambda text: text[:24])
def test_a_pattern_that_may_take_for_ever_is_refused(pattern):
    assert regex_fault(pattern)


@pytest.mark.parametrize("pattern", ["a*b", "a+", "a{3,}", "a{0,900}", "[ab]*"])
def test_the_number_of_patterns_that_repeat_is_bounded(pattern):
    def steps(count):
        return {"normalizer": {"normalizers": [replacing_pattern(pattern)] * count}}

    assert tokenizer_fault(steps(32)) is None
    assert "patterns that repeat" in str(tokenizer_fault(steps(33)))
    assert tokenizer_fault({"normalizer": {"normalizers": [replacing_pattern("ab")] * 33}}) is None


def seconds_of(count):
    """Time of the library for patterns that match in 17 to the power of some ways."""
    pattern = tokenizers.Regex("[a-z ]{0,16}" * count + r"(?=[\x01\x02])")
    split = tokenizers.pre_tokenizers.Split(pattern, "isolated")
    start = time.process_time()
    split.pre_tokenize_str("a dog on a red sofa next to the cat!\x01")
    return time.process_time() - start


def test_control_the_library_tries_all_lengths_of_bounded_repetitions():
    assert seconds_of(4) > 20 * seconds_of(2)


def adding(pieces, ids):
    """A step that puts special tokens around every text."""
    return {"type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}]
            + [{"SpecialToken": {"id": "[E]", "type_id": 0}}] * pieces,
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[E]": {"id": "[E]", "ids": [0] * ids, "tokens": ["[E]"] * ids}}}  # fmt: skip


@pytest.mark.parametrize(
    "step",
    [
        adding(480, 1000),
        adding(1, 300),
        adding(300, 1),
        {"type": "Sequence", "processors": [{"type": "ByteLevel"}, adding(20, 20)]},
        {"type": "Sequence", "processors": [adding(1, 1), adding(1, 1)]},
        {**adding(1, 1), "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 50},
        {**adding(1, 1), "pair": adding(9, 1)["single"] * 30},
    ],
    ids=["both", "ids", "pieces", "in a sequence", "twice", "the text many times", "of pairs"],
)
def test_a_step_that_adds_many_tokens_is_refused(step):
    assert tokenizer_fault({"post_processor": step})
    assert tokenizer_fault({"post_processor": adding(2, 1)}) is None


def test_control_the_library_adds_them_to_every_text():
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[E]": 0, "a": 1}, "[E]"))
    state = json.loads(made.to_str())
    state["post_processor"] = adding(20, 100)
    made = tokenizers.Tokenizer.from_str(json.dumps(state))
    assert len(made.encode("a").ids) == 2001
    assert made.num_special_tokens_to_add(False) == 2000


@pytest.mark.parametrize("first", ["added_tokens.json", "vocab.json"])
def test_a_verdict_on_a_file_is_that_of_its_kind(tmp_path, first):
    """The same bytes are sound as a table of words, and come first."""
    text = json.dumps({"pre_tokenizer": splitting("(a+)+$"), "n": first})
    (tmp_path / first).write_text(text)
    check_transformers(tmp_path)
    check_transformers(tmp_path)  # remembered
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(ConfigError, match=r"tokenizer\.json' cannot be loaded"):
        check_transformers(tmp_path)


STEP = {"type": "Replace", "pattern": {"Regex": "a"}, "content": ""}


@pytest.mark.parametrize(
    "decoder",
    [
        STEP,
        {"type": "Sequence", "decoders": [{"type": "Fuse"}, STEP]},
        {"type": "Sequence", "decoders": [{"type": "Sequence", "decoders": [STEP]}]},
        {"type": "Replace", "pattern": {"String": "a", "Regex": "a"}, "content": ""},
        {"type": "Split", "pattern": {"Regex": "x*"}},
    ],
)
def test_a_decoder_has_no_pattern_at_all(decoder):
    assert "in a decoder" in tokenizer_fault({"decoder": decoder})[1]
    assert (
        tokenizer_fault({"normalizer": decoder}) is None
    )  # control: the pattern itself is harmless
    literal = {"type": "Replace", "pattern": {"String": "_"}, "content": " "}
    assert tokenizer_fault({"decoder": literal}) is None


def test_control_two_repetitions_that_something_follows_take_cubic_time():
    tokenizers = pytest.importorskip("tokenizers")

    def seconds(pattern, n):
        split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
        return min(
            timeit.repeat(lambda: split.pre_tokenize_str("x" * n + "z1y"), number=1, repeat=3)
        )

    assert seconds(r"x*x*\dy", 300) > 5 * seconds(r"x*x*", 300)


@pytest.mark.parametrize("part", ["(", "[", "a?", "(?:", "\\", "a|", "{1,", "[^]"])
def test_the_check_of_a_pattern_is_linear(part):
    def seconds(n):
        return min(timeit.repeat(lambda: regex_fault(part * n), number=1, repeat=5))

    most = 5000 // len(part)
    assert seconds(most) < 40 * (seconds(most // 4) + 1e-4)


def splitting(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def test_control_the_library_takes_twice_as_long_for_every_letter():
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("(a+)+$"), "isolated")

    def seconds(n):
        text = "a" * n + "!"
        return min(timeit.repeat(lambda: tokenizer.encode(text), number=1, repeat=3))

    assert seconds(20) > 8 * seconds(14)  # 64 times as much


def test_control_replacements_multiply():
    from tokenizers import normalizers

    doubling = normalizers.Sequence([normalizers.Replace("a", "aaaa")] * 6)
    assert len(doubling.normalize_str("a")) == 4**6


def replacing(text, content):
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


def replacing_pattern(pattern):
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": ""}


def charsmap(text):
    return base64.b64encode((4).to_bytes(4, "little") + bytes(4) + text + b"\0").decode()


FAULTS = {
    "a pattern": {"pre_tokenizer": splitting("(a+)+$")},
    "a pattern in a sequence": {"pre_tokenizer": {"type": "Sequence", "x": [{"y": [splitting("(a*)*b")]}]}},
    "a pattern that is replaced": {"normalizer": replacing_pattern("(a|a)*b")},
    "a pattern in a decoder": {"decoder": replacing_pattern("(a|a)*b")},
    "a pattern that is no text": {"pre_tokenizer": splitting(7)},
    "a long replacement": {"normalizer": replacing("a", "b" * 1000)},
    "replacements that multiply": {"normalizer": {"normalizers": [replacing("a", "aaaa")] * 4}},
    "the same in a decoder": {"decoder": {"type": "Sequence", "decoders": [replacing("a", "aaaa")] * 4}},
    "a long text before": {"normalizer": {"type": "Prepend", "prepend": "a" * 1000}},
    "a map to long texts": {"normalizer": {"precompiled_charsmap": charsmap(b"a" * 5000)}},
    "a map that is none": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "?"}},
    "padding": {"padding": {"strategy": {"Fixed": 10**10}}},
    "padding to a multiple": {"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": 2**40}},
    "long words": {"model": {"type": "WordPiece", "vocab": {}, "max_input_chars_per_word": 10**9}},
    "a long prefix": {"model": {"type": "WordPiece", "vocab": {}, "continuing_subword_prefix": "#" * 10**6}},
    "a long special token": {"added_tokens": [{"id": 0, "content": "x" * 10**6}]},
    "many special tokens": {"post_processor": {"single": [{"SpecialToken": {}}] * 5000}},
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_hostile_tokenizer_is_refused_by_its_place(tmp_path, name):
    assert tokenizer_fault(FAULTS[name])
    (tmp_path / "tokenizer.json").write_text(json.dumps(FAULTS[name]))
    with pytest.raises(ConfigError, match=r"tokenizer\.json' cannot be loaded: its entry \w+"):
        check_transformers(tmp_path)


def test_an_ordinary_tokenizer_is_accepted(tmp_path):
    table = {
        "padding": None,
        "added_tokens": [{"id": 0, "content": "<|endoftext|>"}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, replacing(" ", "▁")]},
        "pre_tokenizer": splitting(KNOWN[0]),
        "model": {"type": "BPE", "vocab": {"x" * 1000: 1}, "merges": [["a", "b" * 999]]},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(table))
    check_transformers(tmp_path)
    check_transformers(tmp_path)  # remembered


@pytest.mark.parametrize(
    ("key", "value", "of_processor"),
    [
        ("num_hidden_layers", 10**9, False),
        ("depths", [2, 2, 10**9], False),
        ("n_layer", 1e9, False),
        ("n_positions", 10**7, False),
        ("image_size", 10**6, False),
        ("height", 10**6, True),
        ("size", [10**6, 10**6], True),
        ("image_seq_len", 10**9, True),
        ("max_image_tiles", 10**9, True),
        ("longest_edge", 10**12, True),
        ("num_additional_image_tokens", 10**9, True),
    ],
)
def test_a_number_that_takes_all_memory_or_time_is_refused(key, value, of_processor):
    assert number_fault(key, value, of_processor=of_processor)


@pytest.mark.parametrize(
    ("key", "value", "of_processor"),
    [
        ("num_hidden_layers", 126, False),
        ("vocab_size", 262_144, False),
        ("max_position_embeddings", 10_485_760, False),
        ("num_labels", 21_843, False),
        ("model_max_length", 1e30, False),
        ("longest_edge", 16_777_216, True),
        ("image_seq_len", 169, True),
        ("rescale_factor", 1 / 255, True),
        ("num_hidden_layers", True, False),
        ("rope_theta", 500_000_000, False),
        ("model_max_length", 10**30, False),
        ("max_pixels", 12_845_056, True),
        ("hidden_size", 16_384, False),
        ("intermediate_size", 53_248, False),
        ("seed", 2**32 - 1, False),
    ],
)
def test_a_number_of_a_known_model_is_accepted(key, value, of_processor):
    assert number_fault(key, value, of_processor=of_processor) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_labels", 10**6),
        ("num_labels", 10**9),
        ("vocab_size", 10**9),
        ("hidden_size", 10**8),
        ("max_source_positions", 20_000_000),
        ("max_position_embeddings", 20_000_000),
        ("extra_ids", 10**6),
        ("offset", 10**6),
        ("a_name_that_nobody_knows", 10**8),
        ("negative", -(10**8)),
        ("digits", 10**318),
    ],
)
def test_a_number_of_any_name_is_bounded(key, value):
    assert "and more than" in str(number_fault(key, value, of_processor=False))


def test_control_the_library_makes_a_name_for_every_label():
    from transformers import CLIPConfig

    assert len(CLIPConfig(num_labels=50_000).id2label) == 50_000


def sequence(kind, steps):
    return {"type": "Sequence", kind: steps}


# A map in sentencepiece's form: a table without entries, and a text of 30 bytes.
CHARSMAP = base64.b64encode(bytes(4) + b"x" * 30 + b"\0").decode()
GROWING = {
    "bytes of bytes": {"pre_tokenizer": sequence("pretokenizers", [{"type": "ByteLevel"}] * 12)},
    "bytes of bytes, normalized": {
        "normalizer": sequence("normalizers", [{"type": "ByteLevel"}] * 12)
    },
    "blanks around blanks": {
        "normalizer": sequence("normalizers", [{"type": "BertNormalizer"}] * 12)
    },
    "a prefix of every part": {"normalizer": {"type": "Prepend", "prepend": "x" * 400}},
    "many marks of words": {
        "pre_tokenizer": sequence("pretokenizers", [{"type": "Metaspace"}] * 20)
    },
    "maps of maps": {
        "normalizer": sequence(
            "normalizers", [{"type": "Precompiled", "precompiled_charsmap": CHARSMAP}] * 2
        )
    },
    "two kinds": {
        "normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "é" * 20},
        "pre_tokenizer": sequence("pretokenizers", [{"type": "ByteLevel"}] * 2),
    },
}


@pytest.mark.parametrize("name", GROWING)
def test_steps_whose_growths_multiply_are_refused(name):
    fault = tokenizer_fault(GROWING[name])
    assert fault
    assert "makes texts more than 64 times as long" in fault[1]
    for key, step in GROWING[name].items():  # control: one of them is usual
        for inner in [*step.values()][1:2]:
            if isinstance(inner, list):
                assert tokenizer_fault({key: inner[0]}) is None


def test_the_library_alone_lets_growths_multiply():
    from tokenizers import pre_tokenizers

    steps = pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(False, use_regex=False)] * 12)
    assert sum(len(text) for text, _ in steps.pre_tokenize_str("é")) >= 2**12


@pytest.mark.parametrize("kind", ["steps", "patterns"])
def test_the_number_of_steps_is_bounded(kind):
    pattern = {"String": "a"} if kind == "steps" else {"Regex": "a"}
    step = {"type": "Replace", "pattern": pattern, "content": "b"}
    few, many = (400, 2000) if kind == "steps" else (90, 200)
    assert tokenizer_fault({"normalizer": sequence("normalizers", [step] * few)}) is None  # control
    fault = tokenizer_fault({"normalizer": sequence("normalizers", [step] * many)})
    assert fault
    assert kind in fault[1]
