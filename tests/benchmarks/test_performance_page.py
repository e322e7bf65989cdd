"""The page about speed says what the recorded results say, and shows their drawings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "performance.md").read_text().split())


def result(name):
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


@pytest.mark.parametrize(("name", "column"), [("forwards", 1), ("forwards_16", 2)])
def test_the_forwards_are_those_of_the_results(name, column):
    text = (ROOT / "docs" / "performance.md").read_text()
    recorded = result(name)

    def figure(row):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {row}")]
        return float(re.sub(r"[ ,%]", "", line.split("|")[column + 1]))

    assert figure("naive") == recorded["naive_forwards"]
    assert figure("engine") == recorded["engine_forwards"]
    assert figure("times fewer |") == pytest.approx(recorded["ratio"], abs=0.051)
    assert figure("… of a single") == recorded["median_ratio"]
    assert figure("programs with") == pytest.approx(recorded["share_below_2x"] * 100, abs=0.51)
    assert figure("answers that differ") == recorded["differing_answers"] == 0


def test_the_sentences_name_the_figures_of_the_results():
    sweep = {run["model_ms"]: run["ratio"] for run in result("forwards_16")["sweep"]}
    for ratio in sweep.values():
        assert f"{ratio:.1f}" in PAGE
    cold = result("forwards")
    assert f"{cold['cold_ratio']:.1f} are left, of the {cold['cold_limit']:.1f} that" in PAGE
    rows = result("throughput")["rows"]
    shown = ", ".join(f"{row['programs_per_s']:.1f}" for row in rows[:-1])
    assert f"{shown} and {rows[-1]['programs_per_s']:.1f} with 1, 4, 16 and 64 at once" in PAGE
    assert f"is {rows[0]['times_naive']:.0f} times as fast" in PAGE
    overhead = result("overhead")
    assert f"{overhead['engine_ms']:.1f} ms, its parts alone {overhead['parts_ms']:.1f} ms" in PAGE
    assert f"grows by {100 * result('soak')['rss_growth']:.1f} %" in PAGE


def test_every_result_says_what_it_was_measured_on():
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        recorded = json.loads(path.read_text())
        assert recorded["machine"]["cpu"]
        assert recorded["versions"]["python"].startswith("CPython")


def test_the_drawings_are_made_from_the_results(tmp_path):
    from docs.tooling.performance_plots import draw

    drawn = draw(ROOT / "benchmarks" / "results", tmp_path)
    assert {path.name for path in drawn} == {"forwards.svg", "throughput.svg", "soak.svg"}
    for path in drawn:
        assert f"(performance/{path.name})" in PAGE
        assert (ROOT / "docs" / "performance" / path.name).exists()
        assert path.read_text().startswith("<?xml")


def test_the_start_of_a_process_is_that_of_the_result():
    recorded = result("startup")
    for name in ("ask", "photo"):
        assert f"{recorded[f'{name}_s']:.2f} | {recorded[f'{name}_ratio']:.2f} ×" in PAGE
    assert f"{recorded['resident_mb']:.0f} MB" in PAGE
    for part in ("command line imported", "detector loaded", "answered"):
        assert f"| {part} | {recorded['timeline_ms'][part]} |" in PAGE
