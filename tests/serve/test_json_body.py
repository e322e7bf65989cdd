"""The shape of a JSON body is bounded before anything is made of it; its image may be long."""

from __future__ import annotations

import base64
import json
import random
import tracemalloc

import pytest
from pydantic import ValidationError

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from viper.serve.api_error import ApiError
from viper.serve.json_body import parse_body
from viper.serve.requests import AskFields

N = 20_000
GOOD = '"image": "AAAA", "question": "x"'
WIDE = {
    "unknown keys": "{" + "".join(f'"{n:x}":0,' for n in range(N)) + GOOD + "}",
    "numbers in a list": '{"choices": [' + "1," * 9 * N + "1], " + GOOD + "}",
    "texts in a list": '{"choices": [' + '"",' * 5 * N + '""], ' + GOOD + "}",
    "lists in a list": '{"choices": [' + "[]," * 5 * N + "[]], " + GOOD + "}",
    "objects in a list": '{"choices": [' + "{}," * 5 * N + "{}], " + GOOD + "}",
    "numbers behind the image": '{"image": "AAAA", "question": [' + "1," * 9 * N + "1]}",
    "the image again and again": "{" + '"image":"A",' * N + GOOD + "}",
    "images in objects": '{"choices": [' + '{"image":"A"},' * N + "{}]}",
    "values of no key": "[" + "0," * 9 * N + "0]",
}


def peak_bytes(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", WIDE)
def test_a_body_of_many_values_is_refused_before_they_are_made(name):
    body = WIDE[name].encode()

    def refused():
        with pytest.raises(ApiError) as caught:
            parse_body(body)
        assert caught.value.status == 400

    def unbounded():
        def last(pairs):  # without the check of keys that occur twice, too
            return list(pairs)

        try:
            AskFields.model_validate(json.loads(body, object_pairs_hook=last))
        except ValidationError as error:
            error.errors()

    assert peak_bytes(refused) < 100_000
    assert peak_bytes(unbounded) > 1_000_000  # the control


LONG = {
    "a question": '{"question": "LONG", "image": "AAAA"}',
    "a key": '{"LONG": 0, "image": "AAAA"}',
    "blanks": '{"question": "x",  BLANKS "image": "AAAA"}',
    "a second image": '{"image": "AAAA", "question": "x", "image": "LONG"}',
    "the key of the image, written otherwise": '{"\\u0069mage": "LONG", "question": "x"}',
    "a text behind the word image": '{"choices": ["image", "LONG"]}',
    "a number": '{"image": "AAAA", "timeout_s": 1DIGITS}',
}


@pytest.mark.parametrize("name", LONG)
def test_only_the_image_may_be_long(name):
    def filled(size):
        text = LONG[name].replace("LONG", "A" * size)
        return text.replace("BLANKS", " " * size).replace("DIGITS", "0" * size).encode()

    with pytest.raises(ApiError) as caught:
        parse_body(filled(1_000_001))
    assert caught.value.status == 413
    if name != "a second image":
        assert parse_body(filled(10))  # the control


def test_the_image_may_be_long_and_is_what_the_parser_of_the_library_reads():
    for text in ("A" * 3_000_000, "/9j/" * 400_000, 'ä"\\\n\u2028' * 300_000):
        for escaped in (True, False):
            body = json.dumps({"question": "x", "image": text}, ensure_ascii=escaped)
            assert parse_body(body.encode())["image"] == text
            slashes = body.replace("/", "\\/")
            assert parse_body(bytearray(slashes.encode()))["image"] == text


def test_ordinary_bodies_are_read_as_the_parser_of_the_library_reads_them():
    chance = random.Random(0)
    pieces = ["image", "a", '"', "\\", "/", ":", ",", "{", "[", "é", "\n", "\U0001f642", " "]
    for _ in range(500):
        value = {
            name: chance.choice(
                [
                    "".join(chance.choices(pieces, k=chance.randrange(9))),
                    [base64.b64encode(chance.randbytes(3)).decode()],
                    chance.random(),
                    None,
                ]
            )
            for name in chance.sample(["image", "question", "choices", "a,[", 'x"image"'], 4)
        }
        body = json.dumps(value, indent=chance.choice([None, 1]), ensure_ascii=False)
        assert parse_body(body.encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"image": "AAAA',
        b'{"image": "AAAA\\"}',
        b'{"image": "' + b'\\"' * 100_000,
        b'{"image": "A\nA"}',
        b'{"image": "A" "question": "x"}',
        b'{"image": "\xff", "question": "x"}',
        b'{"image": "\\x", "question": "x"}',
        b'{"question": "x", "question": "y", "image": "AAAA"}',
        b'{"question": 1' + b"0" * 400 + b"}",
        b'{"question": ' * 100 + b"1" + b"}" * 100,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_json_is_refused(body):
    with pytest.raises(ApiError) as caught:
        parse_body(body)
    assert caught.value.status == 400
    assert len(caught.value.message) < 250
