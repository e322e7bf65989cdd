"""Pages of whole runs beside a report: which samples have one, and what they may show."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from PIL import Image

from fakes import bench
from viper.cli import cli
from viper_benchmarks.run_folder import read_rows
from viper_benchmarks.trace_pages import is_page


def invoke(data, out, *more):
    command = ["bench", "jsonl", "--data", str(data), "--models", "stub", "--output", str(out)]
    return CliRunner().invoke(cli, [*command, *more])


def pages_of(out):
    return {one.id: one.trace for one in read_rows(out / "samples.jsonl") if one.trace}


def test_samples_that_are_not_simply_right_have_a_page_that_the_report_links(tmp_path):
    out = tmp_path / "out"
    assert invoke(bench.folder(tmp_path), out).exit_code == 0
    pages = pages_of(out)
    assert set(pages) == {"wrong", "fails"}  # an image that cannot be read has no trace
    report = (out / "report.html").read_text()
    for name in pages.values():
        assert f'href="{name}"' in report
        assert "<!doctype html>" in (out / name).read_text().lower()
    assert "Is there a cup?" in (out / pages["wrong"]).read_text()


@pytest.mark.parametrize(
    ("wanted", "ids"), [("none", set()), ("all", {"count", "wrong", "fails", "box", "none"})]
)
def test_all_or_none_may_be_asked_for(tmp_path, wanted, ids):
    out = tmp_path / "out"
    assert invoke(bench.folder(tmp_path), out, "--traces", wanted).exit_code == 0
    assert set(pages_of(out)) == ids


def test_some_are_bounded_also_over_a_resumed_run(tmp_path, monkeypatch):
    monkeypatch.setattr("viper_benchmarks.trace_pages.MOST_OF_SOME", 3)
    row = {"image": "a.png", "query": "Is there a cup?", "answer": "no"}
    data = bench.folder(tmp_path, [{**row, "id": str(n)} for n in range(8)])
    out = tmp_path / "out"
    assert invoke(data, out, "--limit", "2").exit_code == 0
    assert len(pages_of(out)) == 2
    assert invoke(data, out, "--resume").exit_code == 0
    assert len(pages_of(out)) == 3
    assert len(list((out / "traces").iterdir())) == 3


def test_a_page_shows_no_image_outside_of_the_data(tmp_path):
    (tmp_path / "data").mkdir()
    Image.new("RGB", (64, 48), (200, 10, 77)).save(tmp_path / "passport.png")
    row = {"id": "1", "image": "../passport.png", "query": "Is there a cup?", "answer": "no"}
    data = bench.folder(tmp_path / "data", [row, {**row, "id": "2", "image": "a.png"}])
    out = tmp_path / "out"
    assert invoke(data, out).exit_code == 0
    pages = pages_of(out)
    has_image = {id_: "data:image/" in (out / name).read_text() for id_, name in pages.items()}
    assert has_image == {"1": False, "2": True}


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path):
    data, out, elsewhere = bench.folder(tmp_path), tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    (out / "traces").symlink_to(elsewhere, target_is_directory=True)
    result = invoke(data, out)
    assert result.exit_code == 1
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--traces", "all", "--engine", "ray"], "--traces covers this process only")],
)
def test_pages_need_the_engine_of_this_process(tmp_path, options, complaint):
    result = invoke(bench.folder(tmp_path), tmp_path / "out", *options)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_pages_need_a_folder(tmp_path):
    command = ["bench", "jsonl", "--data", str(bench.folder(tmp_path)), "--models", "stub"]
    result = CliRunner().invoke(cli, [*command, "--traces", "some"])
    assert result.exit_code == 2
    assert "--traces needs --output" in result.stderr


@pytest.mark.parametrize(
    ("path", "expected"),
    [("traces/0123456789abcdef.html", True), ("traces/../a.html", False),
     ("/traces/0123456789abcdef.html", False),
     ("traces/0123456789abcdef.html\n", False), ("", False), (None, False)],
)  # fmt: skip
def test_only_names_that_are_written_here_are_pages(path, expected):
    assert is_page(path) == expected
