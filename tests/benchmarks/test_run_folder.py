from __future__ import annotations

import json

import pytest

from fakes.bench import row
from viper.errors import InputError
from viper_benchmarks.run_folder import RunFolder, read_rows, read_run
from viper_benchmarks.sample import BaselineResult, ErrorAttribution, SampleResult

SETTINGS = {"task": "jsonl", "models": "stub", "backends": {"detector": "stub"}}


def run_with(path, *rows, settings=SETTINGS, resume=False):
    with RunFolder(path, settings, resume=resume) as folder:
        folder.write_run({"n": len(rows)})
        for entry in rows:
            folder.append(entry)
    return path / "samples.jsonl"


def test_rows_come_back_as_they_went(tmp_path):
    entry = row(
        "1", 0.0, task="grounding", box_xyxy=(1.0, 2.0, 3.0, 4.0), right_box_xyxy=(0.0, 0.0, 1.0, 1.0),
        iou=0.25, tags=("a",), baselines={"blind": BaselineResult("x", (1.0, 2.0, 3.0, 4.0), False, 0.1)},
        error_attribution=ErrorAttribution("detector", ("detector", "matcher")), query="caf\u00e9",
    )  # fmt: skip
    assert list(read_rows(run_with(tmp_path / "run", entry))) == [entry]


def test_rows_have_the_former_names_too_and_are_read_by_them():
    entry = row("1", 0.0, program_cached=True, error_attribution=ErrorAttribution("several"))
    written = json.loads(json.dumps(entry.to_json()))
    assert written["memo"] is True
    assert written["blame"] == {"lost_by": "several", "mended_by": []}
    del written["program_cached"], written["error_attribution"]
    assert SampleResult.from_json(written) == entry


@pytest.mark.parametrize("cut", [1, 5, -1])
def test_a_line_that_a_kill_cut_off_is_taken_away(tmp_path, cut):
    samples = run_with(tmp_path, row("1"), row("2"))
    whole = samples.read_bytes()
    first = whole.index(b"\n") + 1
    samples.write_bytes(whole[: first + cut] if cut > 0 else whole[:cut])
    assert [entry.id for entry in read_rows(samples)] == (["1"] if cut > 0 else ["1", "2"])
    run_with(tmp_path, row("3"), resume=True)
    assert [entry.id for entry in read_rows(samples)] == ["1", "3"]


def test_a_kill_within_the_first_line_leaves_nothing(tmp_path):
    samples = run_with(tmp_path)
    samples.write_bytes(b'{"id": "1", "ta')
    run_with(tmp_path, row("2"), resume=True)
    assert [entry.id for entry in read_rows(samples)] == ["2"]


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    samples = run_with(tmp_path, row("1"))
    samples.write_bytes(b"{}\n" + samples.read_bytes())
    with pytest.raises(InputError, match=r"line 1 is not a row of a run"):
        list(read_rows(samples))


def test_a_folder_that_holds_a_run_is_not_written_to(tmp_path):
    run_with(tmp_path, row("1"))
    with pytest.raises(InputError, match=r"contains a run already. Add --resume"):
        run_with(tmp_path)


def test_a_run_is_resumed_with_the_same_settings_only(tmp_path):
    run_with(tmp_path, row("1"))
    other = {**SETTINGS, "backends": {"detector": "builtin"}}
    with pytest.raises(InputError, match=r'has backends = .*"stub".*but this one .*"builtin"'):
        run_with(tmp_path, settings=other, resume=True)
    run_with(tmp_path, settings={**SETTINGS, "backends": {"detector": "stub"}}, resume=True)


def test_two_processes_do_not_write_to_one_folder(tmp_path):
    with (
        RunFolder(tmp_path, SETTINGS, resume=False),
        pytest.raises(InputError, match="Another process writes to"),
    ):
        RunFolder(tmp_path, SETTINGS, resume=True)
    run_with(tmp_path, resume=True)


def test_a_refused_folder_is_not_left_locked(tmp_path):
    run_with(tmp_path, row("1"))
    for _ in range(2):
        with pytest.raises(InputError, match="contains a run already"):
            RunFolder(tmp_path, SETTINGS, resume=False)


def test_run_json_holds_the_settings(tmp_path):
    run_with(tmp_path)
    assert read_run(tmp_path) == {**SETTINGS, "n": 0}
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(InputError, match="must contain an object, but got list"):
        read_run(tmp_path)


def test_rows_of_a_file_that_is_not_there_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*samples\.jsonl"):
        list(read_rows(tmp_path / "samples.jsonl"))


def test_older_rows_are_read(tmp_path):
    old = {
        "id": "1", "task": "vqa", "prediction": "x", "box_xyxy": None, "correct": True, "iou": None,
        "failure": None, "message": None, "calls": 1, "forwards": {}, "ms": 1.0, "tags": [],
        "program": None, "unverified": [],
    }  # fmt: skip
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(old) + "\n")
    (entry,) = read_rows(path)
    assert (entry.id, entry.usage.cost_usd, entry.baselines) == ("1", None, {})


@pytest.mark.parametrize(
    "change",
    [{"score": True}, {"calls": True}, {"calls": "3"}, {"ms": "1"}, {"forwards": {"detector": True}},
     {"scores": {"accuracy": False}}, {"correct": 1}, {"correct": "yes"}, {"iou": True},
     {"box_xyxy": [True, 0, 1, 1]}],
    ids=str,
)  # fmt: skip
def test_a_row_with_a_number_of_another_type_is_refused(tmp_path, change):
    samples = run_with(tmp_path / "run", row("1"))
    line = json.loads(samples.read_text())
    assert len(list(read_rows(samples))) == 1
    samples.write_text(json.dumps(line | change) + "\n")
    with pytest.raises(InputError, match="line 1 is not a row of a run"):
        list(read_rows(samples))


@pytest.mark.parametrize("line", ["[1]", "7", "null", '"x"', "[" * 100_000], ids=range(5))
def test_a_line_that_is_no_row_is_refused(tmp_path, line):
    samples = tmp_path / "samples.jsonl"
    samples.write_text(line + "\n")
    with pytest.raises(InputError, match="line 1 is not a row of a run"):
        list(read_rows(samples))
