"""A trace file may come from anybody: it is read exactly, or refused with the place that is wrong."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace

import jsonschema
import pytest

from fakes import hostile_traces, runs
from fakes.mutations import mutated
from viper.cli import trace_text as trace_lines
from viper.errors import InputError
from viper.trace import read
from viper.trace.files import trace_text
from viper.trace.read import read_trace, trace_of
from viper.trace.schema import schema_text

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text()))


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


def test_a_file_is_read_with_its_images(tmp_path, value):
    path = tmp_path / "run.json"
    path.write_text(trace_text(value))
    assert (read_trace(path), read_trace(path).embedded) == (trace_of(value), None)
    crop = {"image": 0, "box_xyxy": [0.0, 0.0, 1.0, 1.0], "data": "data:image/jpeg;base64,AA=="}
    path.write_text(trace_text(value | {"embedded": {"crops": [crop]}}))
    trace = read_trace(path)
    assert trace == trace_of(value)
    assert trace.to_json()["embedded"] == {"images": [], "crops": [crop]}


def test_reader_and_published_schema_agree_on_changed_traces(made):
    dice = random.Random(5)
    verdicts = {True: 0, False: 0}
    for _ in range(400):
        value = mutated(dice.choice(made), dice)
        valid = VALIDATOR.is_valid(value)
        verdicts[valid] += 1
        if valid:
            try:
                trace = trace_of(value)
            except InputError as error:  # what no schema can say
                assert "must be the index" in str(error)  # noqa: PT017
            else:
                assert trace_of(trace.to_json()) == trace
        else:
            with pytest.raises(InputError):
                trace_of(value)
    assert min(verdicts.values()) > 40


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v["turns"][0]["calls"][0].update(line="3"),
         "turns[0].calls[0].line must be a valid integer, but is '3'. It was not written by Viper, or was "
         "changed."),
        (lambda v: v["turns"][0]["calls"][0].update(line=True),
         "turns[0].calls[0].line must be a valid integer, but is true"),
        (lambda v: v["turns"][0]["calls"][0]["error"].update(kind="KeyError"),
         "turns[0].calls[0].error.kind must be 'ValueError', 'TypeError', 'syntax'"),
        (lambda v: v["turns"][0].pop("printed"), "turns[0] lacks the key 'printed'"),
        (lambda v: v.update(extra=1), "The trace has the unknown key 'extra'"),
        (lambda v: v.update(task="drawing"), "task must be 'vqa' or 'grounding', but is 'drawing'"),
        (lambda v: v["images"][0].update(width=-1),
         "images[0].width must be greater than or equal to 0, but is -1"),
        (lambda v: v.update(chosen=5), "chosen must be the index of one of the 1 turns, but is 5"),
        (lambda v: v.update(chosen=None), "chosen must be the index of one of the 1 turns"),
        (lambda v: v.update(version=1), "It is a trace of version 1, which lacks what a replay needs"),
        (lambda v: v.update(version=5), "Use a newer Viper: pip install --upgrade viper-vision"),
        (lambda v: v.update(version="3"), "version must be the number 4, but is '3'"),
        (lambda v: v.update(format="zip"), "It is not a Viper trace"),
        (lambda v: v.update(question="a\ud800"), "question must be a text without lone surrogates"),
        (lambda v: v["models"].update({"\ud800": "x"}), "A key of models must be a text without lone"),
        (lambda v: v.update(total_ms=float("inf")), "total_ms must be a finite number, but is inf"),
        (lambda v: v.update(total_ms=2**70), "total_ms must be a number of 64 bits"),
        (lambda v: v["turns"][0].update(returned={1}), "turns[0].returned must be a JSON value"),
        (lambda v: v["turns"][0]["calls"][0].update(result=[{"type": "patch", "box_xyxy": [0, 0, 5, 5]}]),
         "turns[0].calls[0].result[0] must have the keys box_xyxy, category, image, score, type, but is an "
         "object of 2 keys"),
        (lambda v: v["turns"][0].update(returned=[{"a": 1}]),
         'turns[0].returned[0] must be a JSON value whose objects have the "type" patch, object or dict'),
        (lambda v: v["turns"][0].update(returned={"type": "dict", "items": [["a", 1], ["a", 2]]}),
         "turns[0].returned must have each key once, but is a dict of 2 items"),
        (lambda v: v["turns"][0].update(returned={"type": "patch", "image": 3, "box_xyxy": [0, 0, 5, 5],
                                                  "score": 1, "category": "cup"}),
         "image must be the index of one of the 1 images, but is 3"),
        (lambda v: v.update(embedded={"images": ["http://x"]}),
         "embedded.images[0] must match pattern '^data:image/png;base64,', but is 'http://x'"),
        (lambda v: v["turns"][0]["calls"][0].update(image=1),
         "image must be the index of one of the 1 images"),
        (lambda v: v["turns"][0]["calls"][0].update(box_xyxy=[1.0, 2.0, 3.0]),
         "turns[0].calls[0].box_xyxy lacks item '3'"),
        (lambda v: v["turns"][0]["calls"][0].update(box_xyxy=[1, 2, 3, "x"]),
         "turns[0].calls[0].box_xyxy[3] must be a valid number, but is 'x'"),
        (lambda v: v["turns"][0].update(usage=3), "turns[0].usage must be an object, but is 3"),
        (lambda v: v["turns"][0]["call_sites"][0].update(literals=[{}]),
         "turns[0].call_sites[0].literals[0] must be a valid string, but is an object of 0 keys"),
    ],
    ids=range(28),
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
        (b"[1, 2]", "It is not a Viper trace"),
        (b'{"format": NaN}', "holds the number NaN, which is not valid JSON"),
        (b'{"format": -Infinity}', "holds the number -Infinity"),
        (b'{"total_ms": 1e999}', "total_ms must be a finite number, but is inf"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b'{"question": "\\ud800"}', "question must be a text without lone surrogates"),
        (deep(106).encode(), "nested deeper than 104 levels"),
        (deep(100_000).encode(), "nested deeper than 104 levels"),
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


def small():
    return read_trace(hostile_traces.FOLDER / "floats.json").to_json()


@pytest.mark.parametrize("text", ["# fine\r    return 'no'", "\r\n", "x = 1\r", "\n\r", "'''\r'''"])
def test_a_carriage_return_hides_no_line_of_a_program(text):
    value = small()
    assert trace_of(value)  # the control
    value["turns"][0]["source"] += text
    with pytest.raises(InputError, match=r"turns\[0\]\.source holds a carriage return"):
        trace_of(value)


@pytest.mark.parametrize("mark", ["#0", "#1", "#0-", "\\u00230", "#0-0000000000000000"])
def test_no_text_of_a_file_stands_for_an_image(tmp_path, mark):
    value = small() | {"question": "data:image/png;base64," + "A" * 2_000_004}
    value["embedded"] = {"images": ["data:image/png;base64,@"], "crops": []}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(value).replace("@", mark))
    with pytest.raises(InputError, match="an image outside of embedded"):
        read_trace(path)


def test_a_deeply_nested_result_is_written_without_indentation(monkeypatch):
    value = small()
    indented = trace_text(value)
    monkeypatch.setattr("viper.trace.files._MOST_INDENTED_BYTES", 100)
    assert json.loads(trace_text(value)) == json.loads(indented) == value
    assert trace_text(value).count("\n") == 1


@pytest.mark.parametrize("chosen", [0, 99, 100, 120, 129])
def test_the_program_that_answered_is_displayed_wherever_it_stands(chosen):
    trace = trace_of(small())
    turns = [replace(trace.turns[0], printed=f"program {n + 1}.") for n in range(130)]
    many = replace(trace, turns=tuple(turns), chosen=chosen)
    lines = "\n".join(str(line) for line, _ in trace_lines._trace_lines(many, 5))
    assert f"program {chosen + 1} of 130" in lines
    assert lines.count(" of 130 by") == 100
