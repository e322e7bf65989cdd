"""The base64 text of an image is decoded part by part, as the library decodes it at once."""

from __future__ import annotations

import base64
import binascii
import random

import pytest

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from viper.serve import base64_text
from viper.serve.api_error import ApiError
from viper.serve.base64_text import decode_base64

MOST = 1_000_000


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(base64_text, "_PART_BYTES", 8)


def view(text):
    return memoryview(bytearray(text.encode()))


def test_texts_of_every_length_are_decoded():
    chance = random.Random(0)
    for size in range(60):
        content = chance.randbytes(size)
        text = base64.b64encode(content).decode()
        assert decode_base64(text, MOST) == content
        assert decode_base64(view(text), MOST) == content


def test_an_escape_of_a_slash_may_stand_at_the_border_of_two_parts():
    for before in range(12):
        text = "A" * before + "/" * (32 - before)
        content = base64.b64decode(text)
        assert decode_base64(view(text.replace("/", "\\/")), MOST) == content
        assert decode_base64(view("data:image/png;base64," + text), MOST) == content
        uri = ("data:image/png;base64," + text).replace("/", "\\/")
        assert decode_base64(view(uri), MOST) == content
        with pytest.raises(ApiError):  # the control: this text is no part of JSON
            decode_base64(uri, MOST)


def test_what_the_library_refuses_is_refused_wherever_it_stands():
    chance = random.Random(1)
    refused = accepted = 0
    for _ in range(3_000):
        text = "".join(chance.choices("AB/=", weights=[9, 9, 9, 1], k=chance.randrange(1, 24)))
        try:
            expected = base64.b64decode(text, validate=True)
        except binascii.Error:
            refused += 1
            with pytest.raises(ApiError, match="not base64"):
                decode_base64(view(text), MOST)
        else:
            if text and len(text) % 4 == 0:  # the library also takes a mark too many
                accepted += 1
                assert decode_base64(view(text), MOST) == expected
    assert min(refused, accepted) > 100


@pytest.mark.parametrize(
    "wrong", ["\\", "\\u0041", "é", "\n", " ", "\x00", "=", "AAA=", "-", "\ud800"]
)
@pytest.mark.parametrize("place", [0, 7, 8, 9, 16, 24])
def test_what_is_no_base64_is_refused_at_every_place(place, wrong):
    text = "A" * place + wrong + "A" * 20
    with pytest.raises(ApiError) as caught:
        decode_base64(text, MOST)
    assert caught.value.status == 400
    if wrong != "\ud800":
        with pytest.raises(ApiError):
            decode_base64(view(text), MOST)


def test_the_size_is_counted_while_it_is_decoded():
    text = base64.b64encode(b"x" * 60).decode()
    assert decode_base64(text, 60) == b"x" * 60
    with pytest.raises(ApiError) as caught:
        decode_base64(text, 59)
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "prefix", ["data:image/é;base64,", "data:\x1b;base64,", "data:a\nb;base64,"]
)
def test_a_data_uri_is_printable_ascii(prefix):
    with pytest.raises(ApiError, match="printable ASCII"):
        decode_base64(prefix + "AAAA", MOST)
    assert decode_base64("DATA:image/x;charset=utf-8; BASE64 ,AAAA", MOST) == b"\0\0\0"
