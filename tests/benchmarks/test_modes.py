"""Runs by the best effort and without it: defaults, both at once, older runs, saved programs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import bench, official
from fakes.bench import HAT, row
from viper import Engine
from viper.cli import cli
from viper.progress_bars import StepBars
from viper_benchmarks.evaluator import LocalEvaluator
from viper_benchmarks.progress import RunProgress
from viper_benchmarks.run_folder import read_rows
from viper_benchmarks.runner import RunPlan, run
from viper_benchmarks.scorer import Scorer
from viper_benchmarks.tasks.jsonl import JsonlSamples

ABSENT = "def execute_command(image):\n    return absent('dog').exists('cup')"
PLAIN = "def execute_command(image):\n    return ImagePatch(image).exists('cup')"
ROWS = [
    {"id": "absent", "image": "a.png", "query": "Is it?", "answer": "yes", "program": ABSENT},
    {"id": "plain", "image": "a.png", "query": "Is it?", "answer": "yes", "program": PLAIN},
    {"id": "gone", "image": "gone.png", "query": "Is it?", "answer": "yes"},
]


@pytest.fixture
def data(tmp_path):
    return bench.folder(tmp_path, ROWS)


def invoke(data, *more, task="jsonl"):
    command = ["bench", task, "--data", str(data), "--models", "stub", *more]
    return CliRunner().invoke(cli, command)


def rows_of(folder):
    return {one.id: one for one in read_rows(folder / "samples.jsonl")}


def test_rows_record_outcome_doubts_and_how(data, tmp_path):
    out = tmp_path / "out"
    assert invoke(data, "--best-effort", "--output", str(out)).exit_code == 0
    rows = rows_of(out)
    assert {name: one.outcome for name, one in rows.items()} == {
        "absent": "answered_with_doubts", "plain": "answered", "gone": "no_answer",
    }  # fmt: skip
    (doubt,) = rows["absent"].doubts
    assert doubt.condition == "dog"
    assert rows["plain"].how == "program"
    line = json.loads((out / "samples.jsonl").read_text().splitlines()[0])
    assert line["outcome"] in ("answered", "answered_with_doubts", "no_answer")
    assert {"doubts", "how", "margin", "weakest", "confidence", "found"} <= line.keys()


def test_without_best_effort_what_is_absent_is_not_answered(data, tmp_path):
    out = tmp_path / "out"
    assert invoke(data, "--output", str(out)).exit_code == 0
    absent = rows_of(out)["absent"]
    assert (absent.outcome, absent.failure, absent.prediction) == ("no_answer", "absent", None)


@pytest.mark.parametrize("flag", ["--best-effort", "--no-best-effort"])
def test_both_modes_answer_every_sample_twice_in_one_report(data, tmp_path, flag):
    out = tmp_path / "out"
    result = invoke(data, flag, "--both-modes", "--output", str(out), "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    best, strict = (report["modes"][mode] for mode in ("best_effort", "no_best_effort"))
    assert best["failures"] == {"input": 1}
    assert sorted(strict["failures"]) == ["absent", "input"]
    assert best["n"] == strict["n"] == report["n"] == 3
    assert best["outcomes"]["doubtful"]["n"] == 1
    assert strict["outcomes"]["doubtful"]["n"] == 0
    main = best if flag == "--best-effort" else strict
    assert report["accuracy"] == main["accuracy"]
    assert report["best_effort"] == (flag == "--best-effort")
    rows = rows_of(out)
    assert all(one.other_mode.best_effort != report["best_effort"] for one in rows.values())
    page = (out / "report.html").read_text()
    assert "not answered (absent)" in page or "dog" in page
    assert page.count("<polyline") == 2


def test_a_run_of_both_modes_is_resumed_as_one(data, tmp_path):
    out = tmp_path / "out"
    command = ("--both-modes", "--output", str(out), "--json")
    whole = json.loads(invoke(data, *command).stdout)
    samples = out / "samples.jsonl"
    samples.write_text("".join(samples.read_text().splitlines(keepends=True)[:1]))
    resumed = json.loads(invoke(data, *command, "--resume").stdout)
    assert resumed["modes"] == whole["modes"]
    refused = invoke(data, "--output", str(out), "--resume")
    assert refused.exit_code == 1
    assert "has both_modes = true" in refused.stderr


def test_a_run_is_not_resumed_in_the_other_mode(data, tmp_path):
    out = tmp_path / "out"
    assert invoke(data, "--output", str(out)).exit_code == 0
    refused = invoke(data, "--output", str(out), "--resume", "--best-effort")
    assert refused.exit_code == 1
    assert "has best_effort = false" in refused.stderr


def aged(out):
    """Make a run one of an older version: no outcomes, no modes."""
    run_json = json.loads((out / "run.json").read_text())
    for name in ("best_effort", "both_modes"):
        del run_json[name]
    (out / "run.json").write_text(json.dumps(run_json))
    lines = []
    new = "outcome margin doubts untested how confidence weakest found trace other_mode".split()
    for line in (out / "samples.jsonl").read_text().splitlines():
        old = json.loads(line)
        lines.append(json.dumps({name: old[name] for name in old if name not in new}))
    (out / "samples.jsonl").write_text("\n".join(lines[:2]) + "\n")


def test_a_run_of_an_older_version_is_resumed_as_it_was_answered(data, tmp_path):
    out = tmp_path / "out"
    assert invoke(data, "--best-effort", "--output", str(out)).exit_code == 0
    aged(out)
    result = invoke(data, "--output", str(out), "--resume", "--json")
    assert result.exit_code == 0, result.stderr
    assert "begun by an older version, by the best effort" in result.stderr
    report = json.loads(result.stdout)
    assert report["best_effort"] is True
    # What an older row says of untested conditions is a doubt.
    assert rows_of(out)["absent"].outcome == "answered_with_doubts"
    assert report["outcomes"]["doubtful"]["n"] == 1


def test_a_run_of_an_older_version_is_not_mixed_with_another_mode(data, tmp_path):
    out = tmp_path / "out"
    assert invoke(data, "--best-effort", "--output", str(out)).exit_code == 0
    aged(out)
    refused = invoke(data, "--output", str(out), "--resume", "--no-best-effort")
    assert refused.exit_code == 1
    assert "has best_effort = true" in refused.stderr


@pytest.mark.parametrize(
    ("task", "default"),
    [("gqa", "best-effort"), ("okvqa", "best-effort"), ("vqav2", "best-effort"),
     ("refcoco", "best-effort"), ("refcocog", "best-effort"),
     ("clevr", "no-best-effort"), ("jsonl", "no-best-effort")],
)  # fmt: skip
def test_the_help_names_the_mode_that_is_the_default(task, default):
    text = " ".join(CliRunner().invoke(cli, ["bench", task, "--help"]).stdout.split())
    assert f"[default: {default}]" in text
    assert ("presupposes that each question is answered" in text) == (default == "best-effort")


@pytest.mark.parametrize("task", ["vqav2", "refcoco"])
def test_missing_images_of_official_files_are_named(tmp_path, task):
    folder = official.vqa(tmp_path) if task == "vqav2" else official.refcoco(tmp_path)
    images = list(folder.rglob("*.jpg"))
    assert images
    for image in images:
        image.unlink()
    result = invoke(folder, task=task)
    assert result.exit_code == 1
    assert "images are missing" in result.stderr
    assert images[0].name in result.stderr
    assert "cocodataset.org" in result.stderr


# -- saved programs


def saved(path, **more):
    value = {"id": "1", "program": PLAIN, "message": None, **more}
    path.write_text(json.dumps(value) + "\n")
    return path


UNTESTED = [{"condition": "wearing a hat", "why": "no matcher is served", "needs": "matcher"}]


@pytest.mark.parametrize(
    "more", [{"untested": UNTESTED}, {"unverified": ["wearing a hat"]}], ids=["row", "older row"]
)
def test_what_a_saved_program_does_not_test_stays_a_doubt(tmp_path, more):
    data = bench.folder(tmp_path, [{**ROWS[0], "id": "1", "program": None}])
    programs = ["--programs", str(saved(tmp_path / "saved.jsonl", **more))]
    strict, best = tmp_path / "strict", tmp_path / "best"
    assert invoke(data, *programs, "--output", str(strict)).exit_code == 0
    assert invoke(data, *programs, "--output", str(best), "--best-effort").exit_code == 0
    (refused,), (doubtful,) = rows_of(strict).values(), rows_of(best).values()
    assert (refused.failure, refused.outcome) == ("model", "no_answer")
    assert "wearing a hat" in refused.message
    assert doubtful.outcome == "answered_with_doubts"
    assert [doubt.condition for doubt in doubtful.doubts] == ["wearing a hat"]
    # And once more, from the rows of that run.
    again = tmp_path / "again"
    options = ["--programs", str(best / "samples.jsonl"), "--output", str(again)]
    assert invoke(data, *options, "--best-effort").exit_code == 0
    (kept,) = rows_of(again).values()
    assert kept.doubts == doubtful.doubts


def test_a_saved_program_without_doubts_has_none(tmp_path):
    data = bench.folder(tmp_path, [{**ROWS[0], "id": "1", "program": None}])
    programs = ["--programs", str(saved(tmp_path / "saved.jsonl"))]
    assert invoke(data, *programs, "--output", str(tmp_path / "out")).exit_code == 0
    (one,) = rows_of(tmp_path / "out").values()
    assert (one.outcome, one.doubts) == ("answered", ())


BLIND = "def execute_command(image):\n    return 'yes'"


@pytest.mark.parametrize("mode", ["--best-effort", "--no-best-effort"])
def test_a_saved_program_that_looks_at_nothing_answers_nothing(tmp_path, mode):
    data = bench.folder(tmp_path, [{**ROWS[0], "id": "1", "program": None}])
    programs = ["--programs", str(saved(tmp_path / "saved.jsonl", program=BLIND))]
    assert invoke(data, *programs, mode, "--output", str(tmp_path / "out")).exit_code == 0
    (one,) = rows_of(tmp_path / "out").values()
    assert (one.failure, one.outcome) == ("check", "no_answer")


def test_a_program_of_the_data_is_the_users_own_also_when_it_runs_again(tmp_path):
    data = bench.folder(tmp_path, [{**ROWS[0], "id": "1", "program": BLIND}])
    first, again = tmp_path / "first", tmp_path / "again"
    assert invoke(data, "--output", str(first)).exit_code == 0
    programs = ["--programs", str(first / "samples.jsonl")]
    assert invoke(data, *programs, "--output", str(again)).exit_code == 0
    assert [one.prediction for one in rows_of(again).values()] == ["yes"]


def test_a_program_of_the_users_own_may_answer_without_looking(tmp_path):
    data = bench.folder(tmp_path, [{**ROWS[0], "id": "1", "program": BLIND}])
    assert invoke(data, "--output", str(tmp_path / "out")).exit_code == 0
    (one,) = rows_of(tmp_path / "out").values()
    assert (one.failure, one.prediction) == (None, "yes")


@pytest.mark.parametrize("bad", [3, ["x"], [{"condition": 1}], [None]], ids=str)
def test_malformed_doubts_of_saved_programs_are_refused(tmp_path, bad):
    data = bench.folder(tmp_path, [{**ROWS[0], "id": "1", "program": None}])
    result = invoke(data, "--programs", str(saved(tmp_path / "saved.jsonl", untested=bad)))
    assert result.exit_code == 1
    assert (
        "saved.jsonl:1 has 'untested' or 'unverified' that are not those of a run" in result.stderr
    )


# -- progress


def test_progress_says_the_shares_of_the_outcomes(monkeypatch):
    said = []
    monkeypatch.setattr(StepBars, "update", lambda self, what, done, total: said.append(what))
    progress = RunProgress(4)
    for one in (row("1"), row("2", doubts=(HAT,)), row("3", 0.0, failure="absent"), row("4")):
        progress.advance(one, True)
    assert "accuracy 100.0%, answered 100%" in said[0]
    assert "not answered" not in said[0]
    assert "accuracy 75.0%, answered 50%, doubtful 25%, not answered 25%" in said[-1]


def test_the_baselines_guess_also_where_the_run_may_not(tmp_path):
    from viper_benchmarks.baselines import Baselines, Prior

    data = bench.folder(tmp_path, [ROWS[0]])
    with Engine("stub") as engine:
        scorer = Scorer(data_folder=tmp_path)
        samples = JsonlSamples(data)
        baselines = Baselines(engine, scorer, Prior.of(samples))
        report = run(RunPlan("jsonl", samples), LocalEvaluator(engine, scorer, baselines))
    assert report["failures"] == {"absent": 1}
    assert report["baselines"]["blind"]["failures"] == {}
