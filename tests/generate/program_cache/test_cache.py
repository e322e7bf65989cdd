"""The memo through an engine: what is remembered, what is used again, and what is not."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3

import numpy as np
import pytest

from fakes.backends import FakeDetector
from fakes.generators import ScriptedGenerator
from viper import Engine
from viper.generate import program_cache as package
from viper.generate.program_cache import Store, store
from viper.generate.program_cache import cache as module
from viper.generate.registry import open_generator

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
COUNT = "return len(image.find('cup'))"
CUP = ((1, 2, 30, 40), 0.9)


DIVIDES = "image.exists('cup'); return 3 // (len('cup') - 5)"
"""Fails for words of five letters."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memo.sqlite"


@pytest.fixture
def asker(path):
    """Asks with a scripted language model; gives the answer, and how often the model was asked."""

    def ask(question, sources, *, options=None, engine="stub", **asking):
        generator = ScriptedGenerator(list(sources), **(options or {}).pop("generator", {}))
        with Engine(engine, generator, memo=path, **(options or {})) as made:
            answer = made.ask(PICTURE, question, **asking)
        return answer, len(generator.requests)

    return ask


def skeletons(path):
    return [entry.skeleton for entry in Store(path).entries()]


def test_the_next_question_of_the_same_form_is_answered_without_the_model(asker, path):
    first, asked = asker("How many cups are there?", [f"```python\n{COUNT}\n```"])
    assert (first.text, asked, first.to_json()["memo"]) == ("3", 1, False)
    second, asked = asker("How many dogs are there?", [])
    assert (second.text, asked) == ("3", 0)
    assert "find('dog')" in second.program
    made = second.to_json()
    assert (made["memo"], made["generator"], made["attempts"]) == (True, "scripted", 1)
    assert made["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0}
    assert second.trace.to_json()["turns"][0]["from_program_cache"] is True
    assert [entry.uses for entry in Store(path).entries()] == [1]


def test_a_program_can_be_written_from_memory_without_running_it(asker, path):
    asker("How many cups are there?", [COUNT])
    with Engine("stub", ScriptedGenerator([]), memo=path) as engine:
        program = engine.generate("How many dogs are there?")
    assert program.from_cache
    assert "find('dog')" in program.source


def test_without_a_file_nothing_is_remembered(tmp_path):
    generator = ScriptedGenerator([COUNT] * 2)
    with Engine("stub", generator) as engine:
        for question in ("How many cups are there?", "How many dogs are there?"):
            assert not engine.ask(PICTURE, question).to_json()["memo"]
    assert len(generator.requests) == 2


def test_a_program_that_failed_is_not_remembered(asker, path):
    asker("How many cups are there?", ["return [][0]"], options={"max_attempts": 1})
    assert skeletons(path) == []


def test_a_repaired_program_is_not_remembered(asker, path):
    answer, _ = asker("How many cups are there?", ["return [][0]", COUNT])
    assert answer.text == "3"
    assert skeletons(path) == []


def test_programs_that_vote_are_not_remembered_nor_recalled(asker, path):
    asker("How many cups are there?", [COUNT] * 2, options={"votes": 2})
    assert skeletons(path) == []
    asker("How many cups are there?", [COUNT])
    _, asked = asker("How many dogs are there?", [COUNT] * 2, options={"votes": 2})
    assert asked == 2


def test_the_grammars_programs_are_not_remembered(asker, path):
    grammar_like = {"generator": {"can_repair": False}}
    asker("How many cups are there?", [COUNT], options=grammar_like)
    assert skeletons(path) == []


def test_a_program_that_fails_when_used_again_is_forgotten_and_the_model_is_asked(asker, path):
    asker("How many cups are there?", [DIVIDES])
    assert skeletons(path) == ["how many ‹noun plural› are there"]
    answer, asked = asker("How many horses are there?", [COUNT])  # len('horse') is 5
    assert (answer.text, asked, answer.to_json()["memo"]) == ("3", 1, False)
    kept = answer.trace.attempts
    assert [attempt.from_program_cache for attempt in kept] == [True, False]
    assert kept[0].failure is not None
    assert kept[0].failure.kind == "runtime"
    (entry,) = Store(path).entries()
    assert "find('cup')" in json.loads(entry.template)["source"]


def test_the_model_that_is_asked_after_a_remembered_program_knows_nothing_of_it(path):
    with Engine("stub", ScriptedGenerator([DIVIDES]), memo=path) as engine:
        engine.ask(PICTURE, "How many cups are there?")
    generator = ScriptedGenerator([COUNT])
    with Engine("stub", generator, memo=path) as engine:
        engine.ask(PICTURE, "How many horses are there?")
    assert generator.requests[0].rejected == ()


@pytest.mark.parametrize(
    "other",
    [
        {"options": {"generator": {"name": "other"}}},
        {"task": "grounding"},
        {"choices": ["1", "2"]},
    ],
    ids=["generator", "task", "choices"],
)
def test_under_other_conditions_the_model_is_asked(asker, other):
    asker("How many cups are there?", [COUNT])
    _, asked = asker("How many dogs are there?", ["return None"] * 3, **other)
    assert asked > 0


def test_another_prompt_or_contract_asks_the_model(asker, monkeypatch):
    asker("How many cups are there?", [COUNT])
    with monkeypatch.context() as changed:
        changed.setattr("viper.generate.prompt.prompt_version", lambda: "another")
        assert asker("How many dogs are there?", [COUNT])[1] == 1
    with monkeypatch.context() as changed:
        changed.setattr(module, "_spec_hash", lambda spec: "another")
        assert asker("How many cats are there?", [COUNT])[1] == 1
    assert asker("How many cows are there?", [])[1] == 0


def test_models_of_one_name_at_two_addresses_are_two(path):
    class Addressed(ScriptedGenerator):
        fingerprint = "here"

    with Engine("stub", Addressed([COUNT]), memo=path) as engine:
        engine.ask(PICTURE, "How many cups are there?")
    elsewhere = Addressed([COUNT])
    elsewhere.fingerprint = "there"
    with Engine("stub", elsewhere, memo=path) as engine:
        engine.ask(PICTURE, "How many cups are there?")
    assert len(elsewhere.requests) == 1


def test_choices_that_the_question_names_are_replaced_with_it(asker):
    body = "return image.best_text_match(['red', 'blue'])"
    asker("Is the cup red or blue?", [body], choices=["red", "blue"])
    answer, asked = asker("Is the cup green or black?", [], choices=["green", "black"])
    assert (asked, answer.text) == (0, "green")


def test_a_closed_vocabulary_must_know_the_new_word(fake_engine, path):
    detector = FakeDetector({"cup": [CUP]}, vocabulary=("cup", "dog"))
    generator = ScriptedGenerator([COUNT, "image.exists('cup'); return 7"])
    engine = fake_engine(generator, options={"memo": path}, detector=detector)
    engine.ask(PICTURE, "How many cups are there?")
    assert engine.ask(PICTURE, "How many dogs are there?").to_json()["memo"]
    assert engine.ask(PICTURE, "How many unicorns are there?").text == "7"
    assert len(generator.requests) == 2


def test_a_question_becomes_data_and_never_code(asker):
    asker("Is there a cup?", ["return image.exists('cup')"])
    assert asker("Is there a dog?", [])[1] == 0
    for hostile in ("Is there a ')+open('x?", 'Is there a "?', "Is there a \\?"):
        answer, asked = asker(hostile, ["image.exists('x'); return 'asked'"])
        assert (answer.text, asked) == ("asked", 1)


@pytest.mark.parametrize("trouble", ["corrupt", "folder", "another program's"])
def test_trouble_with_the_file_is_told_once_and_fails_no_answer(asker, path, trouble, caplog):
    if trouble == "corrupt":
        path.write_bytes(b"nonsense" * 1000)
    elif trouble == "folder":
        path.mkdir()
    else:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE t (x)")
        other.close()
    with caplog.at_level(logging.WARNING, "viper"):
        answer, asked = asker("How many cups are there?", [COUNT])
    assert (answer.text, asked) == ("3", 1)
    (record,) = caplog.records
    assert "Programs are not cached." in record.getMessage()


def test_a_busy_file_is_left_out_once_and_used_again(asker, path, monkeypatch, caplog):
    asker("How many cups are there?", [COUNT])
    monkeypatch.setattr(store, "_BUSY_TIMEOUT_S", 0.05)
    with (
        caplog.at_level(logging.WARNING, "viper"),
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
        Engine("stub", ScriptedGenerator([COUNT]), memo=path) as engine,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert engine.ask(PICTURE, "Is there a cup?").text == "3"  # not remembered
        other.execute("ROLLBACK")
        assert engine.ask(PICTURE, "How many dogs are there?").to_json()["memo"]
    assert caplog.records == []
    assert len(skeletons(path)) == 1


def test_an_entry_that_was_tampered_with_is_dropped(asker, path):
    asker("How many cups are there?", [COUNT])
    with sqlite3.connect(path) as file:
        file.execute("UPDATE entries SET template = '{\"slots\": 3}'")
    file.close()
    answer, asked = asker("How many cups are there?", [COUNT])
    assert (answer.text, asked) == ("3", 1)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"VIPER_MEMO": "off"}, None),
        ({"VIPER_MEMO": "OFF "}, None),
        ({"VIPER_MEMO": "/x/y.sqlite"}, "/x/y.sqlite"),
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/viper/memo.sqlite"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.cache/viper/memo.sqlite"),
        ({"HOME": "/home/me"}, "/home/me/.cache/viper/memo.sqlite"),
    ],
    ids=repr,
)
def test_the_environment_says_where_the_memo_lies(environment, expected, monkeypatch):
    for name in ("VIPER_MEMO", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    place = package.program_cache_path()
    assert (None if place is None else place.as_posix()) == expected


@pytest.mark.parametrize("kind", ["openai:x?base_url=http://127.0.0.1:9/v1&", "local:x?"])
def test_a_generator_of_other_settings_has_another_fingerprint(kind):
    prints = {
        open_generator(f"{kind}{option}").fingerprint
        for option in ("", "temperature=1", "examples=2", "api=brief", "max_tokens=9")
    }
    assert len(prints) == 5
