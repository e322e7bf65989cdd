"""Every reader of JSON files refuses what is none in one line, and reads no line that never ends."""

from __future__ import annotations

import pytest

from viper.errors import ConfigError, InputError

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


@pytest.mark.parametrize("name", ["captions", "rows of a run", "a benchmark"])
def test_a_line_that_does_not_end_is_not_read(name, tmp_path, monkeypatch):
    for module, limit in (
        ("viper.limber.examples", "_MAX_LINE_BYTES"),
        ("viper_benchmarks.run_folder", "MAX_ROW_BYTES"),
        ("viper_benchmarks.tasks.jsonl", "_MAX_LINE_BYTES"),
    ):
        monkeypatch.setattr(f"{module}.{limit}", 1_000)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": "' + b"a" * 5_000 + b'"}\n')
    with pytest.raises(InputError, match=r"longer than 1,000 bytes"):
        readers(path)[name]()


def test_a_large_file_of_templates_or_of_a_map_is_not_read(tmp_path):
    from viper.backends.prompt_templates import read_templates

    path = tmp_path / "templates.txt"
    path.write_text("a photo of a {}.\n")
    assert read_templates(str(path)) == ("a photo of a {}.",)
    path.write_text("a photo of a {}.\n" * 100_000)
    with pytest.raises(ConfigError, match="templates="):
        read_templates(str(path))
