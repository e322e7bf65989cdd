"""TOML of a stranger: bounded before it is parsed, and refused in one line."""

from __future__ import annotations

import re
import time
import tomllib

import pytest

from viper.engine.preset_file import read_preset_file
from viper.engine.presets import load_presets
from viper.errors import ConfigError
from viper.settings.schema import load_settings
from viper.texts.toml import MAX_TOML_BYTES, TomlError, parse_toml

HOSTILE = {
    "a key of 200,000 parts": "a" + ".a" * 200_000 + " = 1",
    "a key of 20,000 parts": "a" + ".a" * 20_000 + " = 1",
    "a table of 20,000 parts": "[a" + ".a" * 20_000 + "]",
    "spaced parts": "a" + " . a" * 20_000 + " = 1",
    "quoted parts": 'a."b"' * 10_000 + " = 1",
    "many keys of 200 parts": "\n".join(f"k{n}" + ".a" * 200 + " = 1" for n in range(200)),
    "a key within a table": "x = {a" + ".a" * 20_000 + " = 1}",
    "nested lists": "x = " + "[" * 40_000 + "]" * 40_000,
    "nested lists over lines": "x = " + "[\n" * 40_000 + "]" * 40_000,
    "nested tables": "x = " + "{a = " * 10_000 + "1" + "}" * 10_000,
    "lists that do not end": "x = [" * 10_000,
    "a number of 50,000 digits": "x = " + "9" * 50_000,
    "a hexadecimal number of 50,000 digits": "port = 0x" + "f" * 50_000,
    "a number within a table": "[serve]\nport = 0x" + "f" * 5_000,
    "a file of a megabyte": "# comment\n" * 100_000,
    "no UTF-8": b"x = '\xff'",
    "a null byte": "x = '\x00'",
}


def content(text):
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_toml_is_refused_at_once(name, tmp_path, monkeypatch):
    data = content(HOSTILE[name])
    started = time.thread_time()
    with pytest.raises(TomlError) as refused:
        parse_toml(data)
    assert time.thread_time() - started < 0.5
    assert len(str(refused.value)) < 300
    assert str(refused.value).isprintable()

    # A file of settings, of a user or one that was found, and a file of presets.
    file = tmp_path / "viper.toml"
    file.write_bytes(data)
    for variables in ({}, {"VIPER_CONFIG": str(file)}):
        with pytest.raises(ConfigError) as error:
            load_settings(variables, tmp_path)
        assert "viper.toml" in str(error.value)
        assert "\n" not in str(error.value)
    monkeypatch.setenv("VIPER_PRESETS", str(file))
    with pytest.raises(ConfigError, match=re.escape(str(file))):
        load_presets()
    with pytest.raises(ConfigError, match="own file"):
        read_preset_file(data, "own file")


def test_the_control_the_parser_alone_takes_cubic_time_and_recurses():
    def took_s(parts):
        started = time.thread_time()
        tomllib.loads("a" + ".a" * parts + " = 1")
        return time.thread_time() - started

    assert took_s(1_600) > 6 * took_s(400)
    with pytest.raises((RecursionError, tomllib.TOMLDecodeError)):
        tomllib.loads(HOSTILE["nested lists"])
    with pytest.raises(ValueError, match="4300 digits"):
        repr(tomllib.loads(HOSTILE["a hexadecimal number of 50,000 digits"]))


def test_settings_of_a_user_are_read():
    text = """
# ...................................................................... a line of dots
models = "small"
[backends]
detector = "onnx:../../models/v1.2.3/yolox.nano.onnx?device=cpu"
[serve]
port = 1
"""
    assert parse_toml(content(text)) == tomllib.loads(text)
    assert parse_toml(b"\xef\xbb\xbfa = 1") == {"a": 1}
    assert MAX_TOML_BYTES >= 50_000
