from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from viper.cli import cli
from viper.generate.generator import GenerationRequest
from viper.generate.prompt import PromptStyle, build_messages

LOCAL_SERVER = "openai:m?base_url=http://127.0.0.1:9/v1"
QUESTION = "How many cups are there?"


def viper(*arguments):
    return CliRunner().invoke(cli, ["generate", *arguments])


def test_shows_the_conversation_and_its_size_and_asks_nobody():
    result = viper(QUESTION, "--generator", LOCAL_SERVER, "--show-prompt")
    messages = build_messages(GenerationRequest(QUESTION))
    assert result.exit_code == 0
    assert result.stdout.startswith("--- system\nYou write one Python function")
    assert result.stdout.endswith(f"--- user\n{messages[-1].text}\n")
    characters = sum(len(message.text) for message in messages)
    assert f"the prompt has {characters} characters, about " in result.stderr
    assert result.stderr.endswith(" tokens (estimated)\n")


def test_shows_it_as_json_with_fewer_examples():
    generator = f"{LOCAL_SERVER}&examples=1&api=brief"
    result = viper(QUESTION, "--generator", generator, "--show-prompt", "--json")
    shown = json.loads(result.stdout)
    messages = build_messages(GenerationRequest(QUESTION), PromptStyle(1, "brief"))
    assert shown["messages"] == [{"role": m.role, "content": m.text} for m in messages]
    assert shown["tokenizer"] is None
    assert shown["tokens"] < sum(len(m.text) for m in messages) / 3


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((QUESTION, "--show-prompt"), 1, "The generator 'grammar' uses no language model"),
        (("--file", "x.jsonl", "--show-prompt"), 2, "shows the prompt of one QUESTION"),
        (("", "--show-prompt", "--generator", LOCAL_SERVER), 1, "The question is empty"),
    ],
)
def test_says_why_there_is_no_prompt(arguments, code, expected):
    result = viper(*arguments)
    assert result.exit_code == code
    assert expected in result.stderr


@pytest.mark.parametrize("generator", ["openai:gpt-5-mini", "auto:openai:gpt-5-mini"])
def test_a_prompt_needs_no_key(generator, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    shown = viper(QUESTION, "--generator", generator, "--show-prompt")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("--- system\nYou write one Python function")
    asked = viper("xyzzy plugh", "--generator", generator)  # the control
    assert asked.exit_code == 1
    assert "needs an API key" in asked.stderr


def test_the_model_of_the_environment_shows_its_prompt_without_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("VIPER_LLM", "openai:gpt-5-mini")
    assert viper(QUESTION, "--generator", "auto", "--show-prompt").exit_code == 0


@pytest.mark.parametrize(
    ("generator", "complaint"),
    [
        ("openai:m?base_ulr=x", "Did you mean 'base_url'"),
        ("openai:m?api_key=sk-0123456789", "holds a user name, a password or a query"),
        ("openai:", "Write openai:MODEL"),
        ("opneai:m", "Unknown generator 'opneai'"),
    ],
)
def test_a_wrong_generator_has_no_prompt_either(generator, complaint):
    result = viper(QUESTION, "--generator", generator, "--show-prompt")
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "0123456789" not in result.output
