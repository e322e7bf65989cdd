"""A trace file may come from anybody: it is read exactly, or refused with the place that is wrong."""

from __future__ import annotations

import copy
import json
import random
import string

import jsonschema
import pytest

from fakes import runs
from viper.errors import InputError
from viper.trace import read
from viper.trace.files import trace_text
from viper.trace.read import read_trace, read_trace_file, trace_of
from viper.trace.schema import KEYWORDS, problem, schema

VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.fixture
def made(fake_engine):
    """The JSON values of runs of several kinds."""
    answers = [
        runs.run_of(fake_engine, runs.PROGRAMS["dict, set and tuple"], choices=("a", "b")),
        runs.run_of(fake_engine, runs.PROGRAMS["caught ValueError"]),
        runs.run_of(fake_engine, runs.PROGRAMS["check"]),
        runs.voted(fake_engine),
    ]
    return [json.loads(trace_text(answer.trace.to_json())) for answer in answers]


@pytest.fixture
def value(fake_engine):
    """The JSON value of one run."""
    answer = runs.run_of(fake_engine, runs.PROGRAMS["caught ValueError"])
    return json.loads(trace_text(answer.trace.to_json()))


def test_what_was_read_is_what_was_written(made):
    for value in made:
        trace = trace_of(copy.deepcopy(value))
        assert trace_text(trace.to_json()) == trace_text(value)
        assert trace_of(trace.to_json()) == trace


def test_a_file_is_read_with_its_pictures(tmp_path, value):
    path = tmp_path / "run.json"
    path.write_text(trace_text(value))
    assert read_trace_file(path) == (trace_of(value), None)
    crop = {"box_xyxy": [0, 0, 1, 1], "data": "data:image/jpeg;base64,AA=="}
    path.write_text(trace_text(value | {"embedded": {"crops": [crop]}}))
    assert read_trace_file(path).embedded == {"crops": [crop]}
    assert read_trace(path) == trace_of(value)


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index))


def _mutated(value, dice):
    """Change a trace in one place."""
    value = copy.deepcopy(value)
    places = [place for place in _places(value) if place]
    *path, last = dice.choice(places)
    holder = value
    for key in path:
        holder = holder[key]
    act = dice.randrange(4)
    other = dice.choice(
        [None, True, -1, 0, 7, 0.5, "", "check", "vqa", [], {}, ["a"], [1, 2, 3, 4], [1, 2, 3, "x"]]
    )
    if act == 0 and isinstance(holder, dict):
        del holder[last]
    elif act == 1 and isinstance(holder, dict):
        holder["".join(dice.choices(string.ascii_lowercase, k=3))] = other
    else:
        holder[last] = other
    return value


def test_reader_and_published_schema_agree_on_changed_traces(made):
    dice = random.Random(5)
    verdicts = {True: 0, False: 0}
    for _ in range(400):
        value = _mutated(dice.choice(made), dice)
        valid = VALIDATOR.is_valid(value)
        assert (problem(value) is None) == valid, problem(value)
        verdicts[valid] += 1
        if valid:
            try:
                trace = trace_of(value)
            except InputError as error:  # what no schema can say
                assert "chosen must be the index" in str(error)  # noqa: PT017
            else:
                assert trace_text(trace.to_json()) == trace_text(value)
        else:
            with pytest.raises(InputError):
                trace_of(value)
    assert min(verdicts.values()) > 40


def test_every_word_of_the_schema_is_read():
    """An unknown keyword of schema.json would be a rule that the reader does not keep."""

    def rules(rule):
        yield rule
        for key in ("properties", "$defs"):
            for inner in rule.get(key, {}).values():
                yield from rules(inner)
        for key in ("items", "additionalProperties"):
            if isinstance(rule.get(key), dict):
                yield from rules(rule[key])
        for key in ("oneOf", "anyOf"):
            for inner in rule.get(key, ()):
                yield from rules(inner)

    assert {key for rule in rules(schema()) for key in rule} <= KEYWORDS


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v["attempts"][0]["calls"][0].update(line="3"),
         "attempts[0].calls[0].line must be an integer, but is '3'. It was not written by Viper, or was "
         "changed."),
        (lambda v: v["attempts"][0]["calls"][0].update(line=True),
         "attempts[0].calls[0].line must be an integer, but is true"),
        (lambda v: v["attempts"][0]["calls"][0]["failure"].update(kind="KeyError"),
         "attempts[0].calls[0].failure.kind must be one of"),
        (lambda v: v["attempts"][0].pop("printed"), "attempts[0] lacks the key 'printed'"),
        (lambda v: v.update(extra=1), "The trace has the unknown key 'extra'"),
        (lambda v: v.update(task="drawing"), "task must be one of 'vqa', 'grounding', but is 'drawing'"),
        (lambda v: v["image"].update(width=-1), "image.width must be 0 or more, but is -1"),
        (lambda v: v.update(chosen=5), "chosen must be the index of one of the 1 attempts, but is 5"),
        (lambda v: v.update(chosen=None), "chosen must be the index of one of the 1 attempts"),
        (lambda v: v.update(version=1), "It is a trace of version 1, which lacks what a replay needs"),
        (lambda v: v.update(version=3), "Use a newer Viper: pip install --upgrade viper-vision"),
        (lambda v: v.update(version="2"), "version must be the number 2, but is '2'"),
        (lambda v: v.update(format="zip"), "It is no trace of Viper"),
        (lambda v: v.update(question="a\ud800"), "question must be a text without lone surrogates"),
        (lambda v: v["models"].update({"\ud800": "x"}), "A key of models must be a text without lone"),
        (lambda v: v.update(total_ms=float("inf")), "total_ms must be a finite number, but is inf"),
        (lambda v: v.update(total_ms=2**70), "total_ms must be a number of 64 bits"),
        (lambda v: v["attempts"][0].update(returned={1}), "attempts[0].returned must be a JSON value"),
        (lambda v: v.update(embedded={"picture": "http://x"}),
         "embedded.picture must match '^data:image/png;base64,'"),
    ],
    ids=range(19),
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(value, change, told):
    change(value)
    with pytest.raises(InputError) as caught:
        trace_of(value)
    assert told in str(caught.value)


def deep(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8 text: byte 0 is 0xff"),
        (b"[1, 2]", "It is no trace of Viper"),
        (b'{"format": NaN}', "holds the number NaN, which JSON has not"),
        (b'{"format": -Infinity}', "holds the number -Infinity"),
        (b'{"total_ms": 1e999}', "total_ms must be a finite number, but is inf"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b'{"question": "\\ud800"}', "question must be a text without lone surrogates"),
        (deep(100).encode(), "nested deeper than 64 levels"),
        (deep(100_000).encode(), "nested deeper than 64 levels"),
    ],
    ids=["empty", "bytes", "list", "nan", "infinity", "overflow", "digits", "surrogate", "deep", "deeper"],
)  # fmt: skip
def test_a_file_that_is_no_trace_is_refused_with_its_name(tmp_path, text, told):
    path = tmp_path / "run.json"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert str(caught.value).startswith(f"'{path}' cannot be used: ")
    assert told in str(caught.value)


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    path.write_text("[" + "[]," * 100 + "[]]")
    monkeypatch.setattr(read, "_MAX_PARTS", 50)
    with pytest.raises(InputError, match="it holds more than 50 values"):
        read_trace(path)
    monkeypatch.setattr(read, "MAX_BYTES", 50)
    with pytest.raises(InputError, match="is larger than 50 bytes"):
        read_trace(path)


def test_a_trace_of_the_first_version_tells_in_its_notes_what_was_tested_in_part(value):
    attempt = value["attempts"][0]
    call = attempt["calls"][0]
    del call["unverified"]
    call["notes"] = [
        "'woman' detected as 'person' (narrower)",
        "'taxi' detected as 'car' (narrower)",
    ]
    attempt["unverified"] = ["'woman' detected as 'person'"]
    read = trace_of(value).attempts[0].calls[0]
    assert read.unverified == ("'woman' detected as 'person'",)
    assert trace_of(trace_of(value).to_json()).attempts[0].calls[0] == read
