from __future__ import annotations

import contextlib
import json
import os

import pytest

from fakes.bench import row
from fakes.disks import FailingWrites, file_size_limit
from viper.errors import InputError, WriteError
from viper_benchmarks.row import BaselineResult, ErrorAttribution, SampleResult
from viper_benchmarks.run_folder import RunFolder, read_rows, read_run

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


@pytest.mark.parametrize("mark", [",", "[", "{", '",', "\\,"])
def test_an_answer_of_marks_is_a_row_like_any_other(tmp_path, mark):
    entry = row("1", 0.0, prediction=mark * 300_000)
    samples = run_with(tmp_path / "run", entry)
    assert list(read_rows(samples)) == [entry]
    assert (
        sum(map(samples.read_text().count, "[{,")) > 200_000
    )  # the control: more than values may be


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


# -- a disk that is full in the middle of a row


def rows_until_it_fails(folder):
    """Append rows of about 3 kB until that fails; return the error and the number of finished rows."""
    for number in range(1000):
        try:
            folder.append(row(str(number), query="x" * 2500))
        except WriteError as error:
            return str(error), number
    raise AssertionError("the disk was never full")


def ids(samples):
    return [one.id for one in read_rows(samples)]


def goes_on_after_a_failure(path, limited, make_room):
    with RunFolder(path, SETTINGS, resume=False) as folder:
        folder.write_run({})
        with limited:
            message, finished = rows_until_it_fails(folder)
        assert finished > 1
        assert message.count("--resume") == 1
        assert "samples.jsonl' cannot be written (" in message
        content = folder.samples.read_bytes()
        assert content.endswith(b"\n"), "a part of a row is left"
        assert content.count(b"\n") == finished
        make_room()
    with RunFolder(path, SETTINGS, resume=True) as folder:
        folder.append(row("more"))
        folder.write_report({})
        folder.write_page("page")
    assert ids(folder.samples) == [*map(str, range(finished)), "more"]


def test_a_full_disk_leaves_whole_rows_and_a_later_run_goes_on(small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 150_000)
    goes_on_after_a_failure(small_disk / "run", contextlib.nullcontext(), filler.unlink)


def test_a_limit_on_files_leaves_whole_rows_and_a_later_run_goes_on(tmp_path):
    goes_on_after_a_failure(tmp_path / "run", file_size_limit(20_000), lambda: None)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_whichever_write_fails_rows_are_whole_and_a_later_run_goes_on(tmp_path, k, monkeypatch):
    write = os.write
    # In pieces, so that a failure comes in the middle of a row.
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, memoryview(data)[:700]))
    goes_on_after_a_failure(tmp_path / "run", FailingWrites(10 + k), lambda: None)


def test_a_row_file_without_the_guard_is_torn(small_disk):
    (small_disk / "filler").write_bytes(b"x" * 150_000)
    path = small_disk / "samples.jsonl"
    stream = path.open("a", encoding="utf-8")
    line = json.dumps(row("1", query="x" * 2500).to_json()) + "\n"
    with contextlib.suppress(OSError):
        while stream.write(line):
            stream.flush()
    assert not path.read_bytes().endswith(b"\n")
    (small_disk / "filler").unlink()
    stream.close()


def test_an_interruption_in_the_middle_of_a_row_leaves_whole_rows(tmp_path, monkeypatch):
    with RunFolder(tmp_path, SETTINGS, resume=False) as folder:
        folder.append(row("1"))
        write = os.write

        def interrupted(descriptor, data):
            write(descriptor, memoryview(data)[:10])
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            folder.append(row("2"))
        monkeypatch.undo()
        folder.append(row("3"))
    assert ids(folder.samples) == ["1", "3"]


def test_a_run_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="is a file, not a folder"):
        RunFolder(tmp_path / "file" / "run", SETTINGS, resume=False)


def test_a_row_and_settings_with_a_lone_surrogate_come_back(tmp_path):
    settings = {**SETTINGS, "data": "/tmp/\udce9"}
    run_with(tmp_path, row("\udce9"), settings=settings)
    assert ids(tmp_path / "samples.jsonl") == ["\udce9"]
    assert read_run(tmp_path)["data"] == "/tmp/\udce9"
