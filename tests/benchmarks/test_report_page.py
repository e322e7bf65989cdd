from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from fakes import bench
from fakes.bench import HAT, row
from viper import Engine
from viper_benchmarks.judgement import FoundBox, ModeResult, WeakestCall
from viper_benchmarks.report_page import render_page
from viper_benchmarks.sample import Sample

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def page_of(*rows, folder=None, **more):
    made = {**bench.report("jsonl", rows, 1.0), "split": None, "subset": None, "metric": "default",
            "exposure": None, "left": 0, **more}  # fmt: skip
    samples = [Sample(r.id, r.task, (folder or Path()) / r.image, r.query) for r in rows]
    settings = {"generator": "grammar", "backends": {}, "programs": None}
    return "".join(render_page(made, settings, rows, samples, folder))


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
    assert not re.search(r"(src|href)=\"(?!data:|#p\d)", page)


def test_samples_are_shown_with_both_boxes(tmp_path):
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
def test_all_samples_are_on_the_page_and_can_be_filtered(n):
    page = page_of(
        *(row(f"wrong {i}", 0.0) for i in range(n)), row("right"),
        row("doubt", 0.0, doubts=(HAT,)), row("none", 0.0, failure="absent", message="No cup."),
        row("word", how="direct"),
    )  # fmt: skip
    assert page.count("<figure") == n + 4
    assert "chosen by their ids alone" not in page
    kinds = dict(re.findall(r'for="show-(\w+)">([^<]+)<', page))
    assert kinds == {
        "all": f"all {n + 4}", "right": "right 2", "wrong": f"wrong {n + 1}", "unanswered": "not answered 1",
        "doubtful": "doubtful 1", "direct": "one model’s word 1",
    }  # fmt: skip
    assert page.count('<figure class="card wrong') == n + 1
    assert page.count('<figure class="card wrong doubtful">') == 1
    assert page.count('<figure class="card unanswered">') == 1


def test_a_page_of_very_many_samples_is_bounded(monkeypatch):
    monkeypatch.setattr("viper_benchmarks.listing.MOST_LISTED", 7)
    rows = [row(str(i), query="q" * 100_000, program="p" * 100_000) for i in range(30)]
    page = page_of(*rows)
    assert page.count("<figure") == 7
    assert "7 of 30, chosen by their ids alone" in page
    assert set(shown(page)) == set(shown(page_of(*reversed(rows))))
    assert len(page) < 100_000


def shown(page):
    return re.findall(r'<p class="soft">(\d+)</p>', page)


def test_programs_are_left_out_when_they_would_fill_the_page(monkeypatch):
    monkeypatch.setattr("viper_benchmarks.listing._PROGRAMS_CHARACTERS", 50)
    page = page_of(*(row(str(i), program="p" * 30) for i in range(9)))
    assert page.count("<pre>") == 2
    assert page.count("<figure") == 9


def test_samples_that_share_an_image_share_its_picture(tmp_path):
    bench.folder(tmp_path)
    page = page_of(*(row(str(i), image="a.png") for i in range(5)), folder=tmp_path)
    assert page.count("data:image/jpeg;base64,") == 1
    assert page.count('<use href="#p0"/>') == 5


def test_pictures_beyond_their_share_are_left_out_and_those_of_odd_samples_come_first(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("viper_benchmarks.listing._IMAGES_BYTES", 0)
    for name in "abc":
        Image.new("RGB", (20, 10)).save(tmp_path / f"{name}.png")
    rows = [row(name, float(name != "c"), image=f"{name}.png") for name in "abc"]
    page = page_of(*rows, folder=tmp_path)
    assert 'aria-label="c.png"' in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert "a.png left out: the page has pictures enough" in page


def test_doubts_and_what_an_answer_hangs_on_are_shown():
    page = page_of(
        row("1", doubts=(HAT,), weakest=WeakestCall("ImagePatch.verify_property", 4, 0.61, 0.5))
    )
    assert "not verified: wearing a hat (no matcher is served)" in page
    assert (
        "Hangs most on ImagePatch.verify_property in line 4: 0.61 with the threshold 0.50" in page
    )


def test_found_boxes_are_drawn_by_their_role(tmp_path):
    bench.folder(tmp_path)
    found = tuple(
        FoundBox((float(i), 0.0, 20.0, 20.0), HOSTILE, role)
        for i, role in enumerate(("answer", "rejected", "reference", "found", HOSTILE))
    )
    page = page_of(row("1", image="a.png", found=found), folder=tmp_path)
    for role, n in {"answer": 1, "rejected": 1, "reference": 1, "found": 2}.items():
        assert page.count(f'<rect class="{role}"') == n


@pytest.mark.parametrize(
    ("trace", "linked"),
    [("traces/0123456789abcdef.html", True), ("javascript:alert(1)", False), ("../x.html", False),
     ("traces/0123456789abcdef.html#x", False), ("https://example.org", False), (None, False)],
)  # fmt: skip
def test_only_pages_of_the_run_are_linked(trace, linked):
    page = page_of(row("1", 0.0, trace=trace))
    assert ("the whole run" in page) == linked
    assert ('href="traces/' in page) == linked


def test_both_modes_stand_side_by_side():
    strict = ModeResult(False, None, None, False, 0.0, "absent", "No cup was found.")
    page = page_of(row("1", doubts=(HAT,), other_mode=strict))
    assert "Outcomes: best effort" in page
    assert "Outcomes: without best effort" in page
    assert "Without best effort: not answered (absent)" in page
    assert page.count("<polyline") == 2


def test_the_page_says_what_risk_and_coverage_are_and_whose_definition_it_is():
    page = page_of(row("1"), row("2", 0.0))
    assert "El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017" in page
    assert page.count("<polyline") == 1
    assert "area 0.500" in page


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
