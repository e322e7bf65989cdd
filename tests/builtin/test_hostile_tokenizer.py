"""The tokenizer in the folder of a built-in model may be a stranger's."""

from __future__ import annotations

import json
import os
from importlib.resources import files

import pytest

from viper.builtin.language import _read_tokenizer
from viper.errors import ConfigError

pytest.importorskip("tokenizers")


@pytest.fixture
def table():
    return json.loads((files("viper.builtin") / "weights" / "tokenizer.json").read_text())


def step(pattern, content=""):
    return {"type": "Replace", "pattern": pattern, "content": content}


HOSTILE = {
    "a cubic pattern": ("normalizer", step({"Regex": r"x*x*\dy"})),
    "an exponential pattern": ("normalizer", step({"Regex": "(?:a|a)*b"})),
    "a long replacement": ("normalizer", step({"String": "c"}, "x" * 400)),
    "a pattern in a decoder": ("decoder", step({"Regex": "a"})),
    "long padding": ("padding", {"strategy": {"Fixed": 10**9}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tokenizer_that_may_take_for_ever_is_refused(tmp_path, table, name):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(table))
    assert _read_tokenizer(path).encode("cube").ids  # control
    key, value = HOSTILE[name]
    path.write_text(json.dumps({**table, key: value}))
    with pytest.raises(ConfigError, match="holds no tokenizer"):
        _read_tokenizer(path)


@pytest.mark.parametrize("content", [b"[]", b"{", b"[" * 100_000, b" " * 2_000_000, b"{}"])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ConfigError, match="holds no tokenizer"):
        _read_tokenizer(tmp_path / "tokenizer.json")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "tokenizer.json")
    with pytest.raises(ConfigError, match="holds no tokenizer"):
        _read_tokenizer(tmp_path / "tokenizer.json")
