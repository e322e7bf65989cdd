"""What a program writes into its trace, Viper reads again: no run can keep itself from being audited."""

from __future__ import annotations

import logging

import pytest

from fakes import runs
from viper.errors import InputError
from viper.replay import replay
from viper.storage import bounded_json
from viper.trace import read
from viper.trace.files import write_trace
from viper.trace.read import read_trace

MARKS = {
    "commas": ",", "brackets": "[", "braces": "{", "after a quotation mark": '",',
    "after an escaped one": '\\",',
    "after backslashes": "\\\\\\,", "after a line feed": "\n,", "beside other letters": "é,日[",
    "behind a separator": "\u2028,", "JSON": '{"a": [1, 2]},',
}  # fmt: skip


def everywhere(text):
    """A program with a text in every place of its trace that a program can fill."""
    return f"""def execute_command(image):
    text = {text!r}
    print(text)
    for i in range(20):
        try:
            image.find('cup ' + text[:150])
        except ValueError as error:
            print(error)
    found = image.find('cup')
    return [text, {{text: [text, found]}}, [[[]]] * 20]
"""


@pytest.mark.parametrize("name", MARKS)
def test_marks_in_texts_are_no_values(fake_engine, tmp_path, name, monkeypatch):
    trace = runs.run_of(fake_engine, everywhere(MARKS[name] * 300)).trace
    assert trace.failure is None
    path = tmp_path / "run.json"
    write_trace(path, trace)
    most = 2_000
    monkeypatch.setattr(read, "_MAX_PARTS", most)
    assert read_trace(path).to_json() == trace.to_json()
    # The controls: with the marks in texts there are more, and the values alone are counted.
    assert sum(map(path.read_text(encoding="utf-8").count, "[{,")) > most
    monkeypatch.setattr(read, "_MAX_PARTS", 500)
    with pytest.raises(InputError, match="more than 500 values"):
        read_trace(path)


PROGRAMS = {
    "infinite": "return [float('inf'), -float('inf')]",
    "no number": "return float('nan')",
    "a large number": "return [10 ** 30]",
    "a lone surrogate": "print('\\ud800')\nreturn {'\\ud800': '\\udfff'}",
    "control characters": "print('\\x00\\x1b')\nreturn '\\x00\\x1b\\x7f\\x85'",
    "nesting": "value = 1\nfor i in range(31):\n    value = {'a': value}\nreturn value",
    "deeper nesting": "value = 1\nfor i in range(60):\n    value = [value]\nreturn value",
    "many keys": "return {str(i): i for i in range(3000)}",
    "keys that look alike": "return {1: 'a', '1': 'b', True: 'c', None: 'd', 'None': 'e'}",
    "tags of the host": "return [{'type': 'patch'}, {'type': 'dict', 'items': 7}, {'type': 'object'}]",
    "a hostile phrase": "image.find('\\ud800\\x00,' * 50)\nreturn 1",
    "a hostile message": "raise ValueError(',[{' * 5000 + '\\ud800')",
    "infinite arguments": "return image.crop(float('inf'), 0, 1e308 * 10, 5)",
    "sets and tuples": "return [{1, 2.5, 'a'}, (1, (2, ()))]",
    "a tiny number": "return [5e-324, -0.0, 2 ** 63 - 1, -(2 ** 63)]",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_whatever_a_program_does_its_trace_is_read(fake_engine, tmp_path, name):
    body = PROGRAMS[name].replace("\n", "\n    ")
    trace = runs.run_of(fake_engine, f"def execute_command(image):\n    {body}\n").trace
    write_trace(tmp_path / "run.json", trace)
    again = read_trace(tmp_path / "run.json")
    assert again.failure == trace.failure or "?" in again.failure.message


@pytest.mark.slow
def test_a_program_at_all_its_limits_is_read_and_replayed(fake_engine, tmp_path):
    source = """def execute_command(image):
    for i in range(1990):
        image.find('cup' + ',' * 190)
    print(',' * 9900)
    return [',' * 100000] + [[[], {}]] * 60000
"""
    trace = runs.run_of(fake_engine, source).trace
    write_trace(tmp_path / "run.json", trace)
    assert replay(read_trace(tmp_path / "run.json")).identical


def test_a_trace_that_is_too_large_is_written_with_a_warning(
    fake_engine, tmp_path, monkeypatch, caplog
):
    trace = runs.run_of(fake_engine, runs.FIND).trace
    with caplog.at_level(logging.WARNING):
        write_trace(tmp_path / "small.json", trace)
        assert caplog.text == ""
        monkeypatch.setattr(read, "_MAX_PARTS", 50)
        write_trace(tmp_path / "run.json", trace)
    assert "too large for Viper to read again" in caplog.text
    with pytest.raises(InputError, match="more than 50 values"):
        read_trace(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("text", "values"),
    [(b"[" + b"1," * 99 + b"1]", 100), (b'{"a": ' * 100, 100), (b'["' + b"," * 999 + b'"]', 1),
     (b'["a\\",[{"]', 1), (b'["a\\\\", "b"]', 2), (b'["a\\\\\\", "]', 1), (b'["[,', 1), (b'["[,\\', 1),
     (b'["a\n,", 1]', 2), (b"", 0), (b'"' * 50, 0)],
)  # fmt: skip
def test_values_are_counted_outside_of_strings(text, values):
    for content in (text, text.decode()):
        assert not bounded_json.holds_more_values(content, values)
        assert values == 0 or bounded_json.holds_more_values(content, values - 1)


def test_what_is_no_json_is_not_read_to_its_end():
    assert bounded_json.holds_more_values(b'"",' * 2 + b'"' * 1_000, 1)
