"""A trace keeps what a language model was sent and replied: bounded, and without secrets."""

from __future__ import annotations

import pytest

from fakes.cups import picture
from fakes.generators import ScriptedGenerator
from viper import Engine
from viper.trace.read import trace_of

REPLY = "Here it is:\n```python\ndef execute_command(image):\n    return 1\n```\nGood luck."
PROMPT = "--- system\nWrite a program.\n\n--- user\nHow many?"


def asked(prompt, reply=REPLY):
    with Engine("none", ScriptedGenerator([reply], prompt_text=prompt)) as engine:
        return engine.ask(picture(), "How many?").trace


def test_prompt_and_raw_reply_are_kept_and_read_again():
    trace = asked(PROMPT)
    turn = trace.turns[0]
    assert (turn.prompt, turn.reply) == (PROMPT, REPLY)
    assert "Here it is" not in turn.source
    assert trace_of(trace.to_json()).turns[0].prompt == PROMPT


def test_nothing_is_kept_where_no_language_model_was_asked():
    turn = asked("").turns[0]
    assert (turn.prompt, turn.reply) == ("", "")
    with Engine("none") as engine:
        turn = engine.run_program("return 1", picture()).trace.turns[0]
    assert (turn.prompt, turn.reply) == ("", "")


def test_a_very_long_conversation_loses_its_middle():
    reply = REPLY + "\n" + "so " * 100_000
    turn = asked(f"begin {'x' * 1_000_000} end", reply).turns[0]
    for text, start in ((turn.prompt, "begin "), (turn.reply, "Here it is")):
        assert len(text) < 41_000
        assert text.startswith(start)
        assert "characters are left out" in text
    assert turn.prompt.endswith(" end")


@pytest.mark.parametrize("where", ["prompt", "reply"])
def test_secrets_are_hidden(monkeypatch, where):
    monkeypatch.setenv("OPENAI_API_KEY", "planted-7f3a9c51e2")
    told = f"the key is planted-7f3a9c51e2. {REPLY}"
    turn = asked(told if where == "prompt" else PROMPT, told if where == "reply" else REPLY).turns[
        0
    ]
    assert "planted" not in turn.prompt + turn.reply
    assert "[key]" in getattr(turn, where)
