"""Data files and rows of strangers: an error of one line before the run, or a failed row."""

from __future__ import annotations

import json
import math

import pytest
from click.testing import CliRunner

from fakes import bench
from fakes.bench import row
from viper import Engine
from viper.errors import InputError
from viper.usage import Usage
from viper_benchmarks.cli import bench as bench_command
from viper_benchmarks.compare import compare_runs
from viper_benchmarks.digests import Digests
from viper_benchmarks.programs import SavedPrograms
from viper_benchmarks.row import BaselineResult, SampleResult
from viper_benchmarks.run_folder import RunFolder, read_rows, readable
from viper_benchmarks.sample import Sample
from viper_benchmarks.tasks.jsonl import JsonlSamples

VQA = {"id": "7", "image": "a.png", "query": "Is there a cup?", "answer": "no"}
BOX = {"id": "8", "image": "a.png", "query": "cup", "box_xyxy": [0, 0, 9, 9]}


def written(path, *rows):
    lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


# -- data files

REFUSED = {
    "an id that is a lone surrogate": {**VQA, "id": "\ud800"},
    "an id of a megabyte": {**VQA, "id": "x" * 900_000},
    "a number of 319 digits as an id": {**VQA, "id": 10**318},
    "a tag with a lone surrogate": {**VQA, "tags": ["hops:\udfff"]},
    "a tag of 5,000 digits": {**VQA, "tags": ["hops:" + "9" * 5000]},
    "ten thousand tags": {**VQA, "tags": [str(n) for n in range(10_000)]},
    "a question with a lone surrogate": {**VQA, "query": "\ud800"},
    "an answer with a lone surrogate": {**VQA, "answer": "\ud800"},
    "an annotator with a lone surrogate": {**VQA, "answers": ["no", "\ud800"]},
    "a choice with a lone surrogate": {**VQA, "choices": ["\ud800"]},
    "a program with a lone surrogate": {**VQA, "program": "'\ud800'"},
    "a box of 1e308": {**BOX, "box_xyxy": [-1e308, -1e308, 1e308, 1e308]},
    "a box of 319 digits": {**BOX, "box_xyxy": [0, 0, 10**318, 9]},
    "a task of a megabyte": {**VQA, "task": "x" * 900_000},
    "a box of a megabyte": {**BOX, "box_xyxy": "x" * 900_000},
}
NO_ROWS = {
    "a number of 5,000 digits": '{"id": %s, "image": "a", "query": "q", "answer": "x"}'
    % ("9" * 5000),
    "NaN": '{"id": 1, "image": "a", "query": "q", "box_xyxy": [0, 0, NaN, 9]}',
    "Infinity": '{"id": 1, "image": "a", "query": "q", "box_xyxy": [0, 0, Infinity, 9]}',
    "1e999": '{"id": 1, "image": "a", "query": "q", "box_xyxy": [0, 0, 1e999, 9]}',
    "a key twice": '{"id": 1, "id": 2, "image": "a", "query": "q", "answer": "x"}',
    "a list": "[1]",
    "a text": '"x"',
    "deep nesting": "[" * 100_000,
}


@pytest.mark.parametrize(
    "hostile", [*REFUSED.values(), *NO_ROWS.values()], ids=[*REFUSED, *NO_ROWS]
)
def test_a_hostile_data_file_is_one_line_before_the_run_begins(tmp_path, hostile):
    data = written(tmp_path / "rows.jsonl", VQA, hostile)
    done = CliRunner().invoke(
        bench_command,
        ["jsonl", "--data", str(data), "--models", "stub", "--output", str(tmp_path / "run")],
    )
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "rows.jsonl:2" in done.output
    assert len(done.output.splitlines()) == 1
    assert len(done.output) < 500
    assert not (tmp_path / "run").exists()


def test_the_same_rows_without_what_is_hostile_are_read(tmp_path):
    assert len(JsonlSamples(written(tmp_path / "rows.jsonl", VQA, BOX))) == 2


def test_what_is_refused_breaks_later_steps_without_the_check():
    with pytest.raises(UnicodeEncodeError):
        "\ud800".encode()
    with pytest.raises(ValueError, match="Exceeds the limit"):
        int("9" * 5000)
    with pytest.raises(OverflowError):
        math.isfinite(10**318)
    width = 1e308 - -1e308
    assert math.isnan(width / (width + width))


@pytest.mark.parametrize("read", [str, None], ids=["id", "other"])
def test_samples_of_any_reader_are_checked(tmp_path, read):
    bad = {"id": "\ud800"} if read else {"tags": ("\ud800",)}
    with pytest.raises(InputError, match="lone surrogate"):
        Sample(**{"id": "1", "task": "vqa", "image": tmp_path, "query": "q", **bad})


HOSTILE_BUT_ANSWERED = {
    "an image of 300 letters": {**VQA, "image": "a" * 300},
    "an image with a null character": {**VQA, "image": "a\0.png"},
    "an image that is a lone surrogate": {**VQA, "image": "\udce9.png"},
    "an image that is a folder": {**VQA, "image": ".."},
    "an answer of 300,000 commas": {**VQA, "program": f'return "{"," * 150_000}"'},
    "a program of nulls": {**VQA, "program": "\0" * 100},
    "an answer of nulls": {**VQA, "program": 'return "\\0" * 200000'},
    "a tag of digits": {**VQA, "tags": ["hops:" + "9" * 190, "hops:2", "hops:²", "hops:٣"]},
    "a box that is not there": {**BOX, "image": "gone.png"},
}


def test_odd_rows_are_answered_or_failed_and_the_run_is_reported_and_used_again(tmp_path):
    rows = [{**one, "id": name} for name, one in HOSTILE_BUT_ANSWERED.items()]
    data, out = bench.folder(tmp_path, rows), tmp_path / "out"
    with Engine("stub") as engine:
        report = bench.score(data, engine, output=out)
        assert report["n"] == len(rows)
        assert report["failures"]["input"] == 5
        again = bench.score(data, engine, output=out, resume=True)
        assert (again["n"], again["accuracy"]) == (len(rows), report["accuracy"])
    assert "picture" in (out / "report.html").read_text()
    assert compare_runs(out, out)["n"] == len(rows)
    SavedPrograms(out / "samples.jsonl")
    strict(out / "report.json")


def strict(path):
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))


# -- what a run writes, it reads again

UNREADABLE = {
    "NaN": {"iou": math.nan},
    "infinite time": {"ms": math.inf},
    "a negative time": {"ms": -1.0},
    "infinite cost": {"usage": Usage(cost_usd=math.inf)},
    "a score above one": {"scores": {"normalised": 1e308}},
    "a box of 1e308": {"box_xyxy": (0.0, 0.0, 1e308, 1e308)},
    "a box of two numbers": {"box_xyxy": (0.0, 1.0)},
    "an answer too large for a row": {"prediction": "\0" * 3_000_000},
    "more values than a row may have": {"unverified": ("",) * 250_000},
    "a baseline that is NaN": {"baselines": {"blind": BaselineResult("x", None, False, math.nan)}},
}


@pytest.mark.parametrize("hostile", UNREADABLE.values(), ids=UNREADABLE)
def test_a_row_that_could_not_be_read_is_written_as_a_failure(tmp_path, hostile):
    entry = row("1", **hostile)
    with RunFolder(tmp_path, {"task": "jsonl"}, resume=False) as folder:
        kept = folder.append(entry)
        folder.append(row("2"))
    assert [one.id for one in read_rows(folder.samples)] == ["1", "2"]
    assert next(iter(read_rows(folder.samples))) == kept
    assert (kept.failure, kept.correct, kept.score) == ("limit", False, 0.0)
    assert "cannot be kept in a row" in kept.message
    assert readable(row("2")) == row("2")
    # The control: as it came, it cannot be read.
    line = json.dumps(entry.to_json(), ensure_ascii=False)
    folder.samples.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is not a row of a run"):
        list(read_rows(folder.samples))


# -- rows of strangers

FORGED = {
    "a score of 1e308": {"score": 1e308},
    "a negative score": {"score": -1.0},
    "an IoU of 2": {"iou": 2.0},
    "a count of 319 digits": {"calls": 10**318},
    "a negative count": {"calls": -1},
    "forwards of 319 digits": {"forwards": {"detector": 10**318}},
    "tokens of 319 digits": {"usage": {"prompt_tokens": 10**318}},
    "a cost of 1e308": {"usage": {"cost_usd": 1e308}},
    "a time of 1e308": {"ms": 1e308},
    "a box of one number": {"right_box_xyxy": [1.0]},
    "a former name that is a text": {"error_attribution": None, "blame": "x"},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("mark", ["", "\ud800"], ids=["", "with a lone surrogate"])
def test_forged_numbers_are_one_line_for_resume_and_compare(tmp_path, change, mark):
    value = json.loads(json.dumps(row("1", query=mark).to_json()))
    assert SampleResult.from_json(dict(value)).id == "1"  # the control
    if "blame" in change:
        del value["error_attribution"]
        change = {"blame": "x"}
    samples = written(tmp_path / "samples.jsonl", value | change)
    with pytest.raises(InputError, match="line 1 is not a row of a run"):
        compare_runs(tmp_path, tmp_path)
    with pytest.raises(InputError) as caught:
        list(read_rows(samples))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"calls": "3"}, {"correct": "yes"}, {"score": "nan"}], ids=str)
def test_a_lone_surrogate_does_not_make_the_types_of_a_row_laxer(tmp_path, change):
    value = json.loads(json.dumps(row("1", query="\ud800").to_json()))
    assert SampleResult.from_json(dict(value)).query == "\ud800"  # the control
    with pytest.raises(ValueError, match="validation error"):
        SampleResult.from_json(value | change)


def test_a_row_whose_id_is_a_lone_surrogate_is_ignored_like_any_that_is_not_in_the_data(tmp_path):
    data, out = bench.folder(tmp_path, [VQA]), tmp_path / "out"
    with Engine("stub") as engine:
        bench.score(data, engine, output=out)
        written(
            out / "samples.jsonl",
            json.loads((out / "samples.jsonl").read_text()),
            json.loads(json.dumps(row("\ud800").to_json())),
        )
        assert bench.score(data, engine, output=out, resume=True)["n"] == 1
    assert "\ud800" in Digests(["\ud800", "1"])


def test_rows_that_repeat_an_id_are_refused_wherever_rows_are_read(tmp_path):
    data, out = bench.folder(tmp_path, [VQA, BOX]), tmp_path / "out"
    with Engine("stub") as engine:
        bench.score(data, engine, output=out)
        samples = out / "samples.jsonl"
        once = samples.read_text()
        assert compare_runs(out, out)["n"] == 2  # the control
        samples.write_text(once + once.splitlines()[0] + "\n")
        with pytest.raises(InputError, match="two rows of the sample '7'"):
            bench.score(data, engine, output=out, resume=True)
    with pytest.raises(InputError, match="two rows of the sample '7'"):
        compare_runs(out, out)
    with pytest.raises(InputError, match="has the id '7' of an earlier row"):
        SavedPrograms(samples)


def test_a_grounding_row_without_an_iou_is_shown(tmp_path):
    data, out = bench.folder(tmp_path, [BOX]), tmp_path / "out"
    with Engine("stub") as engine:
        bench.score(data, engine, output=out)
        value = json.loads((out / "samples.jsonl").read_text())
        written(out / "samples.jsonl", {**value, "correct": False, "iou": None})
        bench.score(data, engine, output=out, resume=True)
    assert "gallery" in (out / "report.html").read_text()


def test_the_report_is_written_before_its_page(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("no page")

    monkeypatch.setattr("viper_benchmarks.runner.render_page", broken)
    data, out = bench.folder(tmp_path, [VQA]), tmp_path / "out"
    with Engine("stub") as engine, pytest.raises(RuntimeError, match="no page"):
        bench.score(data, engine, output=out)
    assert strict(out / "report.json")["n"] == 1


CROWDED = {
    "tags": {"tags": [f"t{i}" for i in range(190_000)]},
    "a long tag": {"tags": ["x" * 201]},
    "scores": {"scores": {f"s{i}": 1.0 for i in range(90_000)}},
    "forwards": {"forwards": {f"f{i}": 1 for i in range(90_000)}},
    "baselines": {
        "baselines": {
            f"b{i}": {"prediction": "x", "box_xyxy": None, "correct": True, "score": 1.0}
            for i in range(10_000)
        }
    },
    "a long failure": {"failure": "x" * 100_000},
    "a long cause": {"error_attribution": {"cause": "x" * 100_000, "fixed_by": []}},
    "conditions that are a number": {"unverified": 5, "doubts": None},
}


@pytest.mark.parametrize("change", CROWDED.values(), ids=CROWDED)
def test_a_row_cannot_fill_the_report_with_names(tmp_path, change):
    value = json.loads(json.dumps(row("1").to_json()))
    most = {"tags": ["x" * 200] * 100, "forwards": {f"f{i}": 1 for i in range(100)}}
    assert len(SampleResult.from_json(value | most).tags) == 100  # the control
    if "doubts" in change:
        del value["doubts"]
        change = {"unverified": 5}
    samples = written(tmp_path / "samples.jsonl", value | change)
    with pytest.raises(InputError, match="line 1 is not a row of a run"):
        list(read_rows(samples))
    with pytest.raises(InputError, match="line 1 is not a row of a run"):
        compare_runs(tmp_path, tmp_path)


def test_without_the_bound_each_name_is_a_row_of_the_report():
    tags = tuple(f"t{i}" for i in range(5_000))
    assert len(bench.report("jsonl", [row("1", tags=tags)], 1.0)["by_tag"]) == 5_000
