from __future__ import annotations

import re
from pathlib import Path

import pytest

from fakes import bench
from fakes.bench import row
from viper import Engine
from viper_benchmarks.report_page import render_page
from viper_benchmarks.sample import Sample

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def page_of(*rows, folder=None, **more):
    made = {**bench.report("jsonl", rows, 1.0), "split": None, "subset": None, "metric": "default",
            "exposure": None, "left": 0, **more}  # fmt: skip
    samples = [Sample(r.id, r.task, (folder or Path()) / r.image, r.query) for r in rows]
    settings = {"generator": "grammar", "backends": {}, "programs": None}
    return render_page(made, settings, rows, samples, folder)


def test_texts_of_models_and_data_are_escaped():
    page = page_of(
        row(HOSTILE, 0.0, query=HOSTILE, prediction=HOSTILE, answer=HOSTILE, program=HOSTILE,
            failure="model", message=HOSTILE, tags=(HOSTILE,), image=HOSTILE),
        split=HOSTILE,
    )  # fmt: skip
    assert "<script" not in page
    assert "49" not in re.findall(r"\b49\b", page)
    assert "&lt;script&gt;" in page


def test_the_page_needs_no_network():
    page = page_of(row("1", 0.0))
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_wrong_samples_are_shown_with_both_boxes(tmp_path):
    bench.folder(tmp_path)
    wrong = row("1", 0.0, task="grounding", iou=0.2, image="a.png", query="left cup",
                box_xyxy=(60.0, 0.0, 90.0, 80.0), right_box_xyxy=(0.0, 0.0, 30.0, 80.0),
                program="def execute_command(image): ...")  # fmt: skip
    page = page_of(wrong, folder=tmp_path)
    assert "data:image/jpeg;base64," in page
    assert 'viewBox="0 0 90 80"' in page
    assert 'class="right" x="0.0"' in page
    assert 'class="given" x="60.0"' in page
    assert "IoU 0.20" in page
    assert "def execute_command" in page


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    assert "gone.png cannot be read" in page_of(row("1", 0.0, image="gone.png"), folder=tmp_path)


def test_tags_with_a_kind_have_a_table_of_their_own_in_the_order_of_numbers():
    rows = [row(str(n), 1.0, tags=(f"hops:{n}", "plain")) for n in (10, 2)]
    page = page_of(*rows)
    hops = page[page.index("<h2>Hops</h2>") :]
    assert hops.index('name">2<') < hops.index('name">10<')
    assert "<h2>Tags</h2>" in page


@pytest.mark.parametrize("n", [0, 1, 60])
def test_the_gallery_shows_some_of_the_wrong_samples(n):
    page = page_of(*(row(str(i), 0.0) for i in range(n)), row("right"))
    assert page.count("<figure") == min(n, 24)
    assert (f"{min(n, 24)} of {n}, chosen by their ids alone" in page) == (n > 0)


def test_a_whole_run_writes_its_page(tmp_path):
    data = bench.folder(tmp_path)
    with Engine("stub") as engine:
        bench.score(data, engine, output=tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Is there a cup?" in page
    assert "runtime" in page


@pytest.mark.parametrize(
    "hidden", ["\u3164", "\u2800", "\ufe0f", "\U000e0041", "\u202e"], ids=ascii
)
def test_characters_without_a_shape_are_shown_as_escapes(hidden):
    text = f"yes{hidden}"
    wrong = row("1", 0.0, query=text, prediction=text, answer=text, program=text, tags=(text,),
                failure="model", message=text, image=text)  # fmt: skip
    page = page_of(wrong, split=text)
    assert page.count(f"yes{hidden.encode('unicode_escape').decode()}") >= 8
    assert hidden not in page
