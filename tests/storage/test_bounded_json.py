"""JSON of strangers: each bomb is refused, and does its work in the standard library (the control)."""

from __future__ import annotations

import io
import json
import os
import sys
import tracemalloc

import pytest

from viper.errors import InputError
from viper.storage import bounded_json
from viper.storage.bounded_json import bounded_lines, parse_json, read_json

DEEP = b"[" * 200 + b"]" * 200
VERY_DEEP = b'{"a":' * 100_000
WIDE = b"[" + b"[]," * 400_000 + b"[]]"
LONG_INTEGER = b"[1" + b"0" * 40_000 + b"]"
TWICE = b'{"trust": false, "trust": true}'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b'"' + b"x" * 1_000_000 + b'"', "larger than 1,000,000 bytes"),
        (WIDE[:900_000] + b"]", "more than 200,000 values"),
        (WIDE, "larger than"),
        (DEEP, "nested deeper than 64 levels"),
        (b'{"a":' * 65 + b"{}" + b"}" * 65, "nested deeper"),
        (VERY_DEEP, "nested deeper"),
        (LONG_INTEGER, "a number of 40,001 digits"),
        (b'{"a": -' + b"9" * 400 + b"}", "a number of 401 digits"),
        (b"[0." + b"1" * 5000 + b"]", "too large or too long"),
        (b"[1e999]", "too large"),
        (b"[-1e999]", "too large"),
        (b"[NaN]", "NaN, which is not JSON"),
        (b"[-Infinity]", "-Infinity, which is not JSON"),
        (TWICE, "the key 'trust' occurs twice"),
        (b'[{"a": {"b": 1, "\\u0062": 2}}]', "the key 'b' occurs twice"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 text at byte 0"),
        (b'{"a": "\xff"}', "not UTF-8 text at byte 7"),
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_a_bomb_is_refused_with_a_clause(text, complaint):
    with pytest.raises(ValueError, match=complaint) as refused:
        parse_json(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_values_are_counted_before_any_is_made():
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 100,000 values"):
        parse_json(WIDE, max_bytes=2_000_000, max_values=100_000)
    refused = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    json.loads(WIDE)
    built = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused < len(WIDE) < built / 10  # control: the library makes all of them


def test_control_the_library_accepts_what_two_readers_see_differently():
    assert json.loads(TWICE) == {"trust": True}
    assert json.loads("[NaN, 1e999]")
    assert json.loads('{"a": 1}'.encode("utf-16")) == {"a": 1}
    assert json.loads(DEEP)


def test_control_a_deep_value_makes_others_fail(monkeypatch):
    monkeypatch.setattr(bounded_json, "MAX_DEPTH", 10_000)
    value = parse_json(b"[" * 700 + b"]" * 700)

    def walk(part):
        return [walk(item) + 1 for item in part] and 1

    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(600)
        with pytest.raises(RecursionError):
            walk(value)
    finally:
        sys.setrecursionlimit(limit)


def test_control_a_long_integer_is_read_with_the_limit_raised(monkeypatch):
    monkeypatch.setattr(bounded_json, "MAX_DIGITS", 100_000)
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # as PYTHONINTMAXSTRDIGITS=0 does
    try:
        assert parse_json(LONG_INTEGER)[0] > 1
        monkeypatch.undo()
        with pytest.raises(ValueError, match="40,001 digits"):
            parse_json(LONG_INTEGER)
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize(
    "value",
    [{}, [], 1, -1.5e300, "é\u2028", None, True, {"a": [{"b": [[]]}], "c": 2**63}],
)
def test_an_ordinary_value_is_read(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("text", ["\ufeff[1]", "\ufeff[1]".encode()], ids=["text", "bytes"])
def test_a_byte_order_mark_is_skipped(text):
    assert parse_json(text) == [1]
    with pytest.raises(ValueError, match=r"Expecting value|BOM"):
        parse_json(text[:1] * 2 + text if isinstance(text, str) else text[:3] + text)


def test_the_deepest_value_is_read():
    assert parse_json(b"[" * 64 + b"]" * 64)


def test_a_line_without_end_is_read_only_up_to_its_limit():
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.taken += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    source = Endless()
    with pytest.raises(ValueError, match="longer than 1,000 bytes"):
        list(bounded_lines(io.BufferedReader(source), max_bytes=1000))
    assert source.taken < 100_000
    assert list(bounded_lines(io.BytesIO(b"a\nb"), max_bytes=2)) == [b"a\n", b"b"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are those of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device", "missing"])
def test_what_is_no_regular_file_is_refused_without_a_wait(tmp_path, kind):
    path = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "device":
        path = path.with_name("zero")
        path.symlink_to("/dev/zero")
        path = path.resolve()
    with pytest.raises(InputError):
        read_json(path, what="configuration")
