from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import traceback

import pytest

from fakes import llm_server
from fakes.llm_server import LLMServer
from viper.errors import ConfigError, ModelError
from viper.llm import client as llm
from viper.llm.client import ChatModel, ChatSettings, Message
from viper.llm.replies import read_completion
from viper.usage import Usage

KEY = "sk-planted-7f3a9c51e2"


@pytest.fixture(autouse=True)
def _planted_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(llm, "_BACKOFF_S", 0.01)


def ask(server, *texts, **options):
    model = ChatModel(ChatSettings.parse("fake", {"base_url": server.url, **options}))
    conversations = [[Message("user", text)] for text in texts or ("hello",)]
    return whole(model.chat_blocking(conversations, [50] * len(conversations)))


def whole(results):
    """Raise the error of a call that failed."""
    for result in results:
        if isinstance(result, ModelError):
            raise result
    return results


def test_returns_the_text_and_the_usage():
    with LLMServer([llm_server.text("a dog")]) as server:
        (answer,) = ask(server)
    assert answer.text == "a dog"
    assert answer.usage == Usage(11, 7, cost_usd=None)


def test_sends_key_model_and_settings():
    with LLMServer([llm_server.text("ok")]) as server:
        ask(server, "what?", temperature="0.5", max_tokens="9")
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "fake",
        "messages": [{"role": "user", "content": "what?"}],
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_a_local_server_is_asked_without_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with LLMServer([llm_server.text("ok")]) as server:
        assert ask(server)[0].text == "ok"
    assert server.requests[0].headers["authorization"] == "Bearer none"


def test_answers_come_in_the_order_of_the_questions_and_eight_at_a_time():
    def reply(request):
        said = request.body["messages"][0]["content"]
        # The first question is the slowest to answer.
        return llm_server.text(said.upper(), delay_s=0.15 if said == "q0" else 0.03)

    with LLMServer(reply) as server:
        answers = ask(server, *(f"q{index}" for index in range(20)))
    assert [answer.text for answer in answers] == [f"Q{index}" for index in range(20)]
    assert 2 <= server.most_at_once <= 8


def test_no_question_makes_no_request():
    with LLMServer([llm_server.text("ok")]) as server:
        model = ChatModel(ChatSettings.parse("fake", {"base_url": server.url}))
        assert model.chat_blocking([], []) == []
    assert server.requests == []


def test_drops_what_a_model_thinks_aloud():
    with LLMServer([llm_server.text("<think>\nhm, red?\n</think>\nblue")]) as server:
        assert ask(server)[0].text.strip() == "blue"


def test_reads_content_in_parts():
    parts = [{"type": "text", "text": "two "}, {"type": "text", "text": "dogs"}]
    with LLMServer([llm_server.completion({"content": parts})]) as server:
        assert ask(server)[0].text == "two dogs"


def test_an_unpaired_surrogate_in_a_question_is_replaced():
    with LLMServer([llm_server.text("ok")]) as server:
        ask(server, "caf\udce9")
    assert server.requests[0].body["messages"][0]["content"] == "caf?"


FAILURES = {
    "unauthorized": (
        llm_server.refuse(401, f"Incorrect API key provided: {KEY}"),
        "HTTP 401: Incorrect API key provided: [key]. Set OPENAI_API_KEY to a key that this "
        "service accepts.",
    ),
    "unknown model": (
        llm_server.refuse(404, "The model `fake` does not exist"),
        "HTTP 404: The model `fake` does not exist. Check the model's name, and that base_url",
    ),
    "rate limit": (
        llm_server.refuse(429, "Too many requests", retry_after="0"),
        "HTTP 429: Too many requests. Wait and try again",
    ),
    "long rate limit": (
        llm_server.refuse(429, "Daily limit", retry_after="3600"),
        "HTTP 429 and asked to wait 3600 s: Daily limit.",
    ),
    "no credit": (
        llm_server.refuse(429, "You exceeded your quota.", code="insufficient_quota"),
        "HTTP 429: You exceeded your quota. Wait and try again",
    ),
    "server fault": (
        llm_server.refuse(500, "CUDA out of memory"),
        "HTTP 500: CUDA out of memory. The fault is on the side of the service",
    ),
    "page of a proxy": (
        llm_server.Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
        "HTTP 502. The fault is on the side of the service",
    ),
    "not JSON": (
        llm_server.raw(b'{"choices": [{"mess'),
        'sent a reply that is not JSON: \'{"choices": [{"mess\'. Check that base_url',
    ),
    "web page": (
        llm_server.raw(b"<html>It works!</html>", "text/html"),
        "sent a reply that is not JSON: '<html>It works!</html>'.",
    ),
    "nothing": (llm_server.raw(b""), "sent a reply that is not JSON: ''."),
    "other JSON": (
        llm_server.raw_json({"result": "a dog"}),
        'sent JSON that is not a chat completion: \'{"result": "a dog"}\'.',
    ),
    "an error with success": (
        llm_server.raw_json({"error": "model is loading"}),
        "sent an error with HTTP 200: model is loading. Try again, or look at the service's log.",
    ),
    "an error with success, and the key": (
        llm_server.raw_json({"error": {"message": f"bad key {KEY}", "code": 401}}),
        "sent the error 401 with HTTP 200: bad key [key]. Set OPENAI_API_KEY to a key",
    ),
    "JSON list": (
        llm_server.raw_json([1, 2]),
        "sent JSON that is not a chat completion: '[1, 2]'.",
    ),
    "deep JSON": (llm_server.raw(b"[" * 100_000), "sent a reply that is not JSON: '[[["),
    "no choices": (
        llm_server.raw_json({"choices": []}),
        "sent a completion without a choice.",
    ),
    "choice of another shape": (
        llm_server.raw_json({"choices": ["a dog"]}),
        "sent a completion without a choice.",
    ),
    "empty content": (llm_server.text(""), "sent an empty completion."),
    "null content": (llm_server.text(None), "sent an empty completion."),
    "blank content": (llm_server.text(" \n"), "sent an empty completion."),
    "all tokens thought away": (
        llm_server.text("<think>well", finish_reason="length"),
        "used up its tokens before it wrote an answer (a model that thinks first does this). "
        "Give a larger max_tokens.",
    ),
    "refusal": (
        llm_server.completion({"content": None, "refusal": "I cannot help with that."}),
        "refused to answer: 'I cannot help with that.'.",
    ),
    "content filter": (
        llm_server.text(None, finish_reason="content_filter"),
        "withheld its answer (content filter). Ask in other words.",
    ),
    "filtered prompt": (
        llm_server.refuse(400, "The prompt was filtered.", code="content_filter"),
        "HTTP 400: The prompt was filtered. Ask in other words.",
    ),
    "closed connection": (llm_server.drop(), "cannot be reached: "),
    "slow": (
        llm_server.text("late", delay_s=0.5),
        "did not answer within 0.2 s. Give a larger timeout, or a faster model.",
    ),
    "control characters": (
        llm_server.refuse(400, "no\n\x1b[31mred\x07 text"),
        "HTTP 400: no \ufffd[31mred\ufffd text. Check",
    ),
}


@pytest.mark.parametrize(("reply", "expected"), FAILURES.values(), ids=FAILURES.keys())
def test_each_failure_is_one_line_that_names_model_and_address_and_no_key(reply, expected, caplog):
    caplog.set_level(logging.DEBUG)
    with LLMServer([reply]) as server, pytest.raises(ModelError) as caught:
        ask(server, timeout="0.2" if "within" in expected else "10")
    message = str(caught.value)
    assert message.startswith(f"The model 'fake' at {server.url} ")
    assert expected in message
    assert message.isprintable()
    assert len(message) < 500
    shown = "".join(traceback.format_exception(caught.value))
    for place in (message, repr(caught.value), shown, caplog.text):
        assert KEY not in place
        assert "planted" not in place
    assert caught.value.__cause__ is None


def test_an_unreachable_host_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    model = ChatModel(ChatSettings.parse("fake", {"base_url": url, "max_retries": "1"}))
    with pytest.raises(ModelError, match=r"cannot be reached: .*Check base_url") as caught:
        whole(model.chat_blocking([[Message("user", "hi")]], [5]))
    assert url in str(caught.value)


@pytest.mark.parametrize(
    "trouble",
    [
        llm_server.refuse(429, "slow down", retry_after="0.05"),
        llm_server.refuse(500, "oops"),
        llm_server.refuse(503, "busy"),
        llm_server.drop(),
    ],
    ids=["429", "500", "503", "dropped"],
)
def test_a_passing_trouble_is_retried(trouble):
    with LLMServer([trouble, trouble, llm_server.text("fine")]) as server:
        assert ask(server)[0].text == "fine"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "requests"),
    [
        (llm_server.refuse(401, "no"), 1),
        (llm_server.refuse(429, "no", code="insufficient_quota"), 1),
        (llm_server.refuse(429, "no", retry_after="3600"), 1),
        (llm_server.refuse(429, "no", retry_after="Wed, 21 Oct 2990 07:28:00 GMT"), 1),
        (llm_server.refuse(429, "no", retry_after="nan"), 3),
        (llm_server.refuse(500, "no"), 3),
    ],
    ids=["401", "no credit", "long wait", "far date", "nonsense wait", "500"],
)
def test_a_request_is_repeated_only_where_that_may_help(reply, requests):
    with LLMServer([reply]) as server, pytest.raises(ModelError):
        ask(server)
    assert len(server.requests) == requests


def test_the_wait_that_a_server_asks_for_is_kept():
    loop_times = []

    def reply(_request):
        loop_times.append(asyncio.run(_now()))
        if len(loop_times) == 1:
            return llm_server.refuse(429, "slow down", retry_after="0.3")
        return llm_server.text("ok")

    with LLMServer(reply) as server:
        ask(server)
    assert loop_times[1] - loop_times[0] >= 0.3


async def _now():
    return asyncio.get_running_loop().time()


def test_one_failure_stands_alone_among_the_others():
    def reply(request):
        if request.body["messages"][0]["content"] == "bad":
            return llm_server.refuse(400, "nonsense")
        return llm_server.text("ok", delay_s=0.1)

    with LLMServer(reply) as server:
        model = ChatModel(ChatSettings.parse("fake", {"base_url": server.url}))
        asked = [[Message("user", text)] for text in ("good", "bad", "good")]
        first, second, third = model.chat_blocking(asked, [5] * 3)
    assert (first.text, third.text) == ("ok", "ok")
    assert isinstance(second, ModelError)
    assert "nonsense" in str(second)
    assert len(server.requests) == 3


def test_connections_are_kept_within_a_loop_and_renewed_for_the_next():
    with LLMServer([llm_server.text("ok")]) as server:
        model = ChatModel(ChatSettings.parse("fake", {"base_url": server.url}))

        async def run():
            for _ in range(2):
                (answer,) = await model.chat([[Message("user", "hi")]], [5])
            await model.aclose()
            await model.aclose()
            return answer.text

        assert asyncio.run(run()) == "ok"
        assert asyncio.run(run()) == "ok"


def test_a_cancelled_call_ends_at_once():
    with LLMServer([llm_server.text("late", delay_s=2.0)]) as server:
        model = ChatModel(ChatSettings.parse("fake", {"base_url": server.url}))

        async def run():
            call = asyncio.create_task(model.chat([[Message("user", "hi")]], [5]))
            await asyncio.sleep(0.2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await model.aclose()

        asyncio.run(asyncio.wait_for(run(), 1.5))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"api_key": "sk-secretsecret"}, "Set the environment variable OPENAI_API_KEY instead."),
        ({"base_ulr": "x"}, "Unknown option 'base_ulr' of openai:fake. Did you mean 'base_url'?"),
        ({"base_url": "localhost:8000"}, "is not an http address. Write http://host:port/v1."),
        ({"base_url": "http://h:port/v1"}, "is not an http address"),
        ({"base_url": "http://u:sk-secretsecret@h/v1"}, "holds a user name, a password or a query"),
        ({"base_url": "http://h/v1?k=sk-secretsecret"}, "holds a user name, a password or a query"),
        (
            {"base_url": "http://h", "timeout": "0"},
            "timeout='0' of openai:fake cannot be read: it must be a number",
        ),
        ({"base_url": "http://h", "max_tokens": "1.5"}, "it must be a whole number, at least 1."),
        ({"base_url": "http://h", "temperature": "warm"}, "it must be a number, at least 0."),
        ({"base_url": "http://h", "temperature": "nan"}, "it must be a number, at least 0."),
        ({"base_url": "http://h", "max_retries": "-1"}, "it must be a whole number, at least 0."),
    ],
)
def test_unusable_options_are_refused_without_showing_secrets(options, expected):
    with pytest.raises(ConfigError) as caught:
        ChatSettings.parse("fake", options)
    assert expected in str(caught.value)
    assert "secret" not in str(caught.value)


def test_openai_itself_needs_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match=r"needs an API key\. Set the environment variable"):
        ChatSettings.parse("gpt", {})


def test_a_model_needs_a_name():
    with pytest.raises(ConfigError, match="Write openai:MODEL"):
        ChatSettings.parse("", {})


def test_the_address_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://somewhere:1/v1/")
    assert ChatSettings.parse("m", {}).base_url == "http://somewhere:1/v1"
    assert ChatSettings.parse("m", {"base_url": "http://h"}).base_url == "http://h"


@pytest.mark.parametrize("key", ["sk-abc\n def", "“sk-abc”", "sk abc"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with LLMServer([llm_server.text("ok")]) as server, pytest.raises(ModelError) as caught:
        ask(server)
    assert "holds characters that no key has" in str(caught.value)
    assert "abc" not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_a_text_is_kept_as_it_was_written_whatever_the_key_is(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "anything")
    with LLMServer([llm_server.text("is anything left?")]) as server:
        assert ask(server)[0].text == "is anything left?"


def test_objects_do_not_show_the_key():
    model = ChatModel(ChatSettings.parse("fake", {"base_url": "http://h/v1"}))
    assert KEY not in repr(model) + repr(model.settings) + repr(vars(model))
    assert model.settings.fingerprint == "openai:fake@http://h/v1?temperature=0"


def test_importing_the_module_does_not_import_the_client_library():
    code = "import sys, viper.llm.client; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reply_without_text_says_what_it_was_billed():
    usage = '"usage": {"prompt_tokens": 9, "completion_tokens": 50}'
    body = f'{{"choices": [{{"message": {{"content": ""}}}}], {usage}}}'
    with pytest.raises(ModelError) as caught:
        read_completion(body.encode(), "The model", None)
    assert caught.value.usage.tokens == 59
