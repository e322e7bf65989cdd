"""JSON of a stranger: each fault is one line, and no line is read that never ends."""

from __future__ import annotations

import io
import json

import pytest

from viper.errors import ConfigError, InputError
from viper.texts import json_input
from viper.texts.json_input import JsonError, numbered_lines, parse_json

HOSTILE = {
    "nested lists": b"[" * 200_000,
    "nested objects": b'{"a":' * 200_000,
    "a number of 5,000 digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "half a value": b'{"id": "a',
    "no UTF-8": b'{"id": "\xff"}',
    "nothing": b"  ",
    "two values": b"{} {}",
    "a null byte": b'{"id": "a"}\x00',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_json_is_one_error(data):
    with pytest.raises(JsonError) as refused:
        parse_json(data)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250
    with pytest.raises((ValueError, RecursionError)):  # the control: errors of four kinds
        json.loads(data)


def readers(path):
    from viper.cli.generate import _rows
    from viper.limber.examples import read_examples
    from viper_benchmarks.programs import SavedPrograms
    from viper_benchmarks.run_folder import read_rows, read_run
    from viper_benchmarks.tasks.json_files import Expected
    from viper_benchmarks.tasks.jsonl import JsonlSamples

    (path.parent / "run.json").write_bytes(path.read_bytes())
    return {
        "generate --file": lambda: list(_rows(str(path), {"task": "vqa", "choices": ()})),
        "captions": lambda: read_examples(path),
        "saved programs": lambda: SavedPrograms(path),
        "rows of a run": lambda: list(read_rows(path)),
        "a run": lambda: read_run(path.parent),
        "an official file": lambda: Expected("questions", "somebody").json(path),
        "a benchmark": lambda: JsonlSamples(path),
    }


@pytest.mark.parametrize("name", "0123456")
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_every_reader_refuses_it_in_one_line(name, data, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(data + b"\n")
    reader, read = list(readers(path).items())[int(name)]
    if not data.strip() and reader in ("generate --file", "a run", "rows of a run"):
        return
    with pytest.raises((InputError, ConfigError)) as refused:
        read()
    assert "\n" not in str(refused.value), reader
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("size", [1_001, 5_000, 1_000_000])
def test_a_line_that_does_not_end_is_not_read(size, tmp_path, monkeypatch):
    monkeypatch.setattr(json_input, "MAX_LINE_BYTES", 1_000)
    file = io.BytesIO(b"{}\n" + b"a" * size)
    lines = numbered_lines(file)
    assert next(lines) == (1, b"{}\n")
    with pytest.raises(JsonError, match=r"more than 1,000 bytes in line 2"):
        next(lines)
    assert file.tell() < 1_100  # the rest stays where it is
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": "' + b"a" * size + b'"}\n')
    for name in ("captions", "rows of a run", "a benchmark"):
        with pytest.raises(InputError, match="in line 1"):
            readers(path)[name]()


def test_the_control_lines_of_a_limit_are_read():
    assert list(numbered_lines(io.BytesIO(b"a\nb"))) == [(1, b"a\n"), (2, b"b")]
    assert parse_json("\ufeff1".encode()) == 1
    assert parse_json('{"a": [1, null]}') == {"a": [1, None]}


def test_a_large_file_of_templates_or_of_a_map_is_not_read(tmp_path):
    from viper.backends.prompt_templates import read_templates

    path = tmp_path / "templates.txt"
    path.write_text("a photo of a {}.\n")
    assert read_templates(str(path)) == ("a photo of a {}.",)
    path.write_text("a photo of a {}.\n" * 100_000)
    with pytest.raises(ConfigError, match="templates="):
        read_templates(str(path))
