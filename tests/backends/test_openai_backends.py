from __future__ import annotations

import base64
import io
import logging

import numpy as np
import pytest
from PIL import Image

from fakes import llm_server
from fakes.llm_server import LLMServer
from fakes.views import image, view
from viper.errors import ConfigError, ModelError
from viper.images.image import View
from viper.models.registry import BackendRef, backends_for, open_backend
from viper.models.roles import AnswerRequest, CompletionRequest
from viper.usage import Usage

KEY = "sk-planted-7f3a9c51e2"


@pytest.fixture(autouse=True)
def _planted_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def load(role, server, query=""):
    text = f"openai:fake?base_url={server.url}&max_retries=0{query}"
    return open_backend(BackendRef.parse(role, text))


def picture_of(request):
    (_, user) = request.body["messages"]
    url = user["content"][0]["image_url"]["url"]
    head, _, data = url.partition(",")
    return head, Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_answerer_sends_the_crop_and_the_question():
    whole = image(90, 60, 1)
    crop = View(whole, (10.0, 0.0, 80.0, 59.5))
    with LLMServer([llm_server.text("a red mug")]) as server:
        (answer,) = load("answerer", server).answer([AnswerRequest(crop, "What is this?")])
    assert answer.text == "a red mug"
    assert answer.usage == Usage(11, 7, cost_usd=None)
    system, user = server.requests[0].body["messages"]
    assert system["role"] == "system"
    assert "one to three words" in system["content"]
    assert user["content"][1] == {"type": "text", "text": "What is this?"}
    head, sent = picture_of(server.requests[0])
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(sent), crop.pixels())


@pytest.mark.parametrize(
    ("size", "sent_size", "kind"),
    [
        ((3000, 1500), (1024, 512), "jpeg"),
        ((1, 1), (56, 56), "png"),
        ((2000, 4), (1024, 64), "png"),
    ],
)
def test_a_crop_is_brought_into_bounds(size, sent_size, kind):
    with LLMServer([llm_server.text("ok")]) as server:
        load("answerer", server).answer([AnswerRequest(view(*size), "What?")])
    head, sent = picture_of(server.requests[0])
    assert sent.size == sent_size
    assert head == f"data:image/{kind};base64"


def test_the_bound_can_be_set():
    with LLMServer([llm_server.text("ok")]) as server:
        load("answerer", server, "&max_side=100").answer([AnswerRequest(view(300, 200), "What?")])
    assert picture_of(server.requests[0])[1].size == (100, 67)


def test_answers_come_in_order():
    def reply(request):
        return llm_server.text(request.body["messages"][1]["content"][1]["text"].upper())

    with LLMServer(reply) as server:
        requests = [AnswerRequest(view(8, 8), f"q{index}") for index in range(12)]
        answers = load("answerer", server).answer(requests)
    assert [answer.text for answer in answers] == [f"Q{index}" for index in range(12)]


def test_the_language_model_sends_the_prompt_as_it_is_with_the_limit_of_each_request():
    def reply(request):
        limit = request.body["max_tokens"]
        return llm_server.text(f"{request.body['messages'][0]['content']} / {limit}")

    with LLMServer(reply) as server:
        model = load("language", server)
        answers = model.complete(
            [CompletionRequest("{braces} and\nlines", 7), CompletionRequest("capital?", 9)]
        )
        assert model.complete([]) == []
    assert [answer.text for answer in answers] == ["{braces} and\nlines / 7", "capital? / 9"]
    assert server.requests[0].body["messages"][0]["role"] == "user"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (llm_server.refuse(401, f"bad key {KEY}"), "HTTP 401: bad key [key]. Set OPENAI_API_KEY"),
        (llm_server.refuse(429, "slow down"), "HTTP 429: slow down. Wait and try again"),
        (llm_server.refuse(500, "oops"), "HTTP 500: oops. The fault is on the side of"),
        (llm_server.raw(b"{"), "sent a reply that is not JSON"),
        (llm_server.text(""), "sent an empty completion"),
        (llm_server.drop(), "cannot be reached"),
    ],
    ids=["401", "429", "500", "malformed", "empty", "dropped"],
)
@pytest.mark.parametrize("role", ["answerer", "language"])
def test_a_failed_call_is_a_model_error_without_the_key(role, reply, expected, caplog):
    caplog.set_level(logging.DEBUG)
    with LLMServer([reply]) as server:
        backend = load(role, server)
        call = backend.answer if role == "answerer" else backend.complete
        question = AnswerRequest(view(8, 8), "What?")
        request = question if role == "answerer" else CompletionRequest("What?")
        (error,) = call([request])
    assert isinstance(error, ModelError)
    assert expected in str(error)
    assert "planted" not in str(error) + repr(error) + caplog.text


@pytest.mark.parametrize("role", ["answerer", "language"])
def test_both_are_marked_as_remote_and_named_by_model_and_address(role):
    assert backends_for(role)["openai"].remote
    with LLMServer([llm_server.text("ok")]) as server:
        fingerprint = load(role, server).fingerprint
    assert fingerprint.startswith(f"openai:fake@{server.url}?temperature=0")
    assert KEY not in fingerprint


@pytest.mark.parametrize("role", ["answerer", "language"])
def test_loading_without_a_key_or_with_an_unknown_option_is_refused(role, monkeypatch):
    with pytest.raises(ConfigError, match="Unknown option 'modle'"):
        open_backend(BackendRef.parse(role, "openai:fake?modle=x"))
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="openai:fake needs an API key"):
        open_backend(BackendRef.parse(role, "openai:fake"))


@pytest.mark.parametrize("role", ["answerer", "language"])
def test_a_key_that_the_service_sends_back_is_masked_in_what_people_read(role):
    with LLMServer([llm_server.text(f"you are {KEY}")]) as server:
        backend = load(role, server)
        if role == "answerer":
            (found,) = backend.answer([AnswerRequest(view(8, 8), "What?")])
        else:
            (found,) = backend.complete([CompletionRequest("What?")])
    assert found.text == "you are [key]"


def test_a_key_of_fewer_than_eight_characters_is_no_secret(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    with LLMServer([llm_server.text("a fox in a box")]) as server:
        (found,) = load("answerer", server).answer([AnswerRequest(view(8, 8), "What?")])
    assert found.text == "a fox in a box"


@pytest.mark.parametrize("size", [(1024, 1024), (4096, 4096)])
def test_the_answerer_counts_instruction_question_and_image_as_it_is_sent(size):
    with LLMServer([llm_server.text("ok")]) as server:
        tokens = load("answerer", server).prompt_tokens(AnswerRequest(view(*size), "What?"))
    assert 1400 < tokens < 1600


def test_a_model_without_a_system_role_gets_the_instruction_with_the_question():
    def reply(request):
        if request.body["messages"][0]["role"] == "system":
            return llm_server.refuse(400, "System role not supported")
        return llm_server.text("a red mug")

    with LLMServer(reply) as server:
        backend = load("answerer", server)
        for _ in range(2):
            (answer,) = backend.answer([AnswerRequest(view(8, 8), "What is it?")])
            assert answer.text == "a red mug"
    assert len(server.requests) == 3
    (turn,) = server.requests[-1].body["messages"]
    said = turn["content"][1]["text"]
    assert "one to three words" in said
    assert said.endswith("\n\nWhat is it?")
