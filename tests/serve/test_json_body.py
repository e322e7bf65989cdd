"""The shape of a JSON body is bounded before anything is made of it; its image may be long."""

from __future__ import annotations

import base64
import json
import random
import tracemalloc

import pytest
from pydantic import ValidationError

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from viper.serve import base64_text, json_body
from viper.serve.api_error import ApiError
from viper.serve.json_body import parse_body
from viper.serve.requests import AskFields, _from_json

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


@pytest.mark.parametrize("size", [10, 60_000, 70_000, 3_000_000])
def test_the_image_may_be_long_and_is_what_the_parser_of_the_library_reads(size):
    for text in ("A" * size, "/9j/" * (size // 4)):
        body = json.dumps({"question": "x", "image": text, "task": "vqa"})
        for sent in (body.encode(), bytearray(body.replace("/", "\\/").encode())):
            fields = parse_body(sent)
            image = fields.pop("image")
            if not isinstance(image, str):  # as it was sent
                assert len(image) > 60_000
                image = bytes(image).replace(b"\\/", b"/").decode()
            assert {**fields, "image": image} == json.loads(body)


ESCAPES = (r"\u0041", r"\n", r"\"", r"\\", r"\\\"", r"\\/")


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("where", ["first", "last", "everywhere"])
def test_a_long_image_with_escapes_other_than_of_a_slash_is_refused(where, escape):
    def body(size):
        text = {
            "first": escape + "A" * size,
            "last": "A" * size + escape,
            "everywhere": escape * (size // len(escape)),
        }[where]
        return f'{{"question": "x", "image": "{text}"}}'.encode()

    with pytest.raises(ApiError) as caught:
        _from_json(bytearray(body(4_000_000)), AskFields, 20_000_000)
    assert caught.value.status == 400
    assert parse_body(body(100)) == json.loads(body(100))  # the control


SLOW = {
    "backslashes": b"\\\\",
    "quotation marks": b'\\"',
    "letters as escapes": b"\\u0041",
    "slashes as escapes": b"\\/",
    "base64": b"AAAA",
    "emoji": "\U0001f642".encode(),
    "texts": b'","',
    "commas": b'",,,,,,',
    "blanks": b'"        ',
    "bytes": b"\xff",
}


@pytest.mark.parametrize("field", ["image", "question"])
@pytest.mark.parametrize("name", SLOW)
def test_no_call_goes_over_a_long_body(field, name, monkeypatch):
    """Each call of C code holds the interpreter's lock: others wait until it returns."""
    body = bytearray(
        b'{"%s": "%s"}' % (field.encode(), SLOW[name] * (26_000_000 // len(SLOW[name])))
    )
    given = []
    real = (json_body._IN_TEXT, json_body.parse_json, base64_text.binascii.a2b_base64)

    class Pattern:
        def match(self, text, start, end):
            given.append(end - start)
            return real[0].match(text, start, end)

    def parse(content, **options):
        given.append(len(content))
        return real[1](content, **options)

    def decode(part, **options):
        given.append(len(part))
        return real[2](part, **options)

    monkeypatch.setattr(json_body, "_IN_TEXT", Pattern())
    monkeypatch.setattr(json_body, "parse_json", parse)
    monkeypatch.setattr(base64_text.binascii, "a2b_base64", decode)
    with pytest.raises(ApiError):
        _from_json(body, AskFields, 20_000_000)
    assert max(given, default=0) <= 300_000


@pytest.mark.parametrize("name", SLOW)
def test_a_long_body_takes_no_more_memory_than_its_image(name):
    body = bytearray(
        b'{"question": "x", "image": "%s"}' % (SLOW[name] * (26_000_000 // len(SLOW[name])))
    )

    def refused():
        with pytest.raises(ApiError):
            _from_json(body, AskFields, 9_000_000)

    assert peak_bytes(refused) < len(body)


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
