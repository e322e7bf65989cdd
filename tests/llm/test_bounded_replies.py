"""A hostile service: its replies are bounded, and do their work with the library alone (the controls)."""

from __future__ import annotations

import asyncio
import itertools
import json
import time

import pytest

from fakes.raw_server import RawServer, endless, head, inflated, whole
from viper.doctor.endpoint import Endpoint, request_models
from viper.errors import ModelError
from viper.llm import bounded_replies
from viper.llm.client import ChatModel, ChatSettings, Message


def completion(text="a red mug", **more):
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], **more}).encode()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def ask(server, timeout_s=5.0):
    model = ChatModel(ChatSettings("m", server.url, timeout_s=timeout_s, max_retries=1))
    (found,) = model.chat_blocking([[Message("user", "What is it?")]], [16])
    return found


def pieces(body, size=1):
    yield head("Transfer-Encoding: chunked")
    for at in range(0, len(body), size):
        part = body[at : at + size]
        yield b"%x\r\n%b\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def slowly():
    yield head("Content-Length: 99999")
    while True:
        time.sleep(0.02)
        yield b" "


ENDLESS_HEADERS = [b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"A: " + b"b" * 4000 + b"\r\n")
PAD = b" " * 30_000
REFUSAL = json.dumps({"error": {"message": "m" * 3_000_000}}).encode()
DEEP_ERROR = b'{"error": {"detail": ' + b"[" * 900 + b"]" * 900 + b"}}"
ANSWERS = {
    "inflates": (lambda: whole(inflated(20), "Content-Encoding: gzip"), "is compressed"),
    "is endless": (endless, "is larger than 1,000,000 bytes"),
    "is endless blanks": (lambda: endless(b" " * 9000), "is larger than 1,000,000 bytes"),
    "comes byte by byte": (lambda: pieces(PAD + completion()), "in more than 20,000 pieces"),
    "is an endless error": (lambda: endless(status="400 X"), "is larger than 1,000,000 bytes"),
    "is a long error": (lambda: whole(REFUSAL[:900_000], status="400 X"), "HTTP 400"),
    "is a deep error": (lambda: whole(DEEP_ERROR, status="400 X"), "HTTP 400"),
    "is slow": (slowly, "did not answer within 1 s"),
    "has endless headers": (lambda: itertools.chain(*ENDLESS_HEADERS), "cannot be reached"),
    "redirects": (lambda: whole(b"", "Location: /elsewhere", status="307 X"), "HTTP 307"),
    "redirects a post": (lambda: whole(b"", "Location: http://[::1]/", status="302 X"), "HTTP 302"),
    "is deep": (lambda: whole(b'{"choices": ' + b"[" * 100_000), "not JSON"),
    "has a long number": (lambda: whole(completion(a=1)[:-1] + b"0" * 9999 + b"}"), "not JSON"),
    "says a thing twice": (lambda: whole(completion()[:-1] + b', "choices": []}'), "not JSON"),
    "is infinite": (lambda: whole(completion(a=1)[:-1] + b"e999}"), "not JSON"),
    "has many values": (lambda: whole(b"[" + b"[]," * 300_000 + b"[]]"), "not JSON"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_reply_is_refused_in_one_line(monkeypatch, name):
    monkeypatch.setattr(bounded_replies, "MAX_REPLY_BYTES", 1_000_000)
    answer, complaint = ANSWERS[name]
    with RawServer(lambda line: answer()) as server:
        failure = ask(server, 1.0 if "slow" in name else 20.0)
        assert isinstance(failure, ModelError)
        assert complaint in str(failure)
        assert "\n" not in str(failure)
        assert len(str(failure)) < 600
        assert all("elsewhere" not in line for line in server.lines)
        assert server.sent < 12_000_000  # with what lies in buffers of the kernel


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_ordinary_reply_may_come_in_pieces(size):
    with RawServer(lambda line: pieces(completion(), size)) as server:
        assert ask(server).text == "a red mug"
        assert len(server.lines) == 1


def test_a_reply_that_is_refused_is_not_asked_for_again():
    with RawServer(lambda line: whole(inflated(1), "Content-Encoding: gzip")) as server:
        ask(server)
        assert len(server.lines) == 1


@pytest.mark.parametrize("name", ["inflates", "redirects"])
def test_control_the_library_alone_does_it(name):
    import openai

    def answer(line):
        if "elsewhere" in line:
            return whole(completion("of elsewhere"))
        return ANSWERS[name][0]()

    async def run(server):
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url, max_retries=0) as client:
            raw = await client.chat.completions.with_raw_response.create(
                model="m", messages=[{"role": "user", "content": "?"}]
            )
            return raw.text

    with RawServer(answer) as server:
        text = asyncio.run(run(server))
    assert len(text) == 20_000_000 if name == "inflates" else "of elsewhere" in text


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "9" * 5000,
        "1e999",
        "nan",
        "-1",
        "Mon, 99 Foo",
        "\xff",
    ],
)
def test_a_strange_time_to_wait_is_no_wait(value):
    busy = f"Retry-After: {value}"
    replies = iter([whole(b"{}", busy, status="429 X"), whole(completion())])
    with RawServer(lambda line: next(replies)) as server:
        found = ask(server)
        assert isinstance(found, ModelError) or found.text == "a red mug"


@pytest.mark.parametrize("count", [10**300, -1, 1.5, True, "7", None, [1], 10**10])
def test_a_strange_number_of_tokens_is_replaced_by_an_estimate(count):
    usage = {"prompt_tokens": count, "completion_tokens": count}
    with RawServer(lambda line: whole(completion(usage=usage))) as server:
        usage = ask(server).usage
        assert (usage.prompt_tokens, usage.completion_tokens, usage.is_estimated) == (3, 3, True)
        assert usage.cost_usd is None


@pytest.mark.parametrize(
    "answer",
    [
        endless,
        slowly,
        lambda: whole(b"[" * 100_000),
        lambda: whole(b'{"data": [' + b'{"id": 1' + b"0" * 9999 + b"}]}"),
        lambda: whole(inflated(1), "Content-Encoding: gzip"),
        lambda: whole(b"", "Location: /elsewhere", status="302 X"),
        lambda: whole(b'{"data": []}' * 2),
    ],
)
def test_the_list_of_models_is_bounded_as_well(answer):
    with RawServer(lambda line: answer()) as server:
        start = time.monotonic()
        assert request_models(Endpoint(server.url), "", 2.0).models is None
        assert time.monotonic() - start < 10
        assert all("elsewhere" not in line for line in server.lines)


CODECS = ["punycode", "zlib", "idna", "utf-7", "unicode_escape", "uu", "no-such-codec"]


def named(body, codec, status="200 OK"):
    return whole(body, f"Content-Type: application/json; charset={codec}", status=status)


@pytest.mark.parametrize("codec", CODECS)
def test_a_reply_is_utf_8_whatever_codec_it_names(codec):
    with RawServer(lambda line: named(completion("a rote Tür \u2713"), codec)) as server:
        assert ask(server).text == "a rote Tür \u2713"


@pytest.mark.parametrize("status", ["200 OK", "400 X", "500 X"])
@pytest.mark.parametrize("codec", ["punycode", "zlib"])
def test_no_codec_takes_the_time_of_others(codec, status):
    body = b"x-" + b"a" * 400_000
    with RawServer(lambda line: named(body, codec, status)) as server:
        start = time.process_time()
        failure = ask(server)
        assert isinstance(failure, ModelError)
        assert "\n" not in str(failure)
        assert time.process_time() - start < 5


@pytest.mark.parametrize("codec", ["punycode", "zlib"])
def test_control_the_library_alone_takes_the_codec_that_a_reply_names(codec):
    import openai

    async def run(server):
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url, max_retries=0) as client:
            raw = await client.chat.completions.with_raw_response.create(
                model="m", messages=[{"role": "user", "content": "?"}]
            )
            return raw.text

    body = b"x-" + b"a" * 2000
    with RawServer(lambda line: named(body, codec)) as server:
        if codec == "zlib":  # no codec of texts
            with pytest.raises(AssertionError):
                asyncio.run(run(server))
        else:
            assert asyncio.run(run(server)) != body.decode()


def test_only_the_beginning_of_a_long_error_is_parsed(monkeypatch):
    import json as parser

    parsed = []
    original = parser.loads
    monkeypatch.setattr(
        parser, "loads", lambda text, **kw: parsed.append(len(text)) or original(text, **kw)
    )
    with RawServer(lambda line: whole(REFUSAL, status="400 X")) as server:
        assert "HTTP 400" in str(ask(server))
    assert max(parsed, default=0) <= 100_000
    monkeypatch.setattr(bounded_replies, "_USED_ERROR_BYTES", 10_000_000)  # control
    with RawServer(lambda line: whole(REFUSAL, status="400 X")) as server:
        ask(server)
    assert max(parsed) > 1_000_000
