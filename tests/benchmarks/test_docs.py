"""Every task has its page, which says what the reader does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from viper_benchmarks.registry import BUILT_IN, load_task
from viper_benchmarks.scorer import METRICS

DOCS = Path(__file__).parents[2] / "docs"


def page_of(name):
    pages = (DOCS / "benchmarks").glob("*.md")
    found = [page for page in pages if f"`{name}`" in page.read_text().splitlines()[0]]
    assert len(found) == 1, f"{name} has {len(found)} pages"
    return found[0]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_task_has_a_page_with_its_version_its_splits_and_its_files(name):
    task, text = load_task(name), page_of(name).read_text()
    assert f"Version {task.version} of" in text.replace("\n", " ")
    for n in task.splits.values():
        assert n is None or f"{n:,}" in text
    for line in task.layout.splitlines():
        assert Path(line.split()[0].rstrip(",")).suffix in text


def test_the_overview_links_every_page_and_names_every_metric():
    text = (DOCS / "benchmarks.md").read_text()
    for name in BUILT_IN:
        assert f"(benchmarks/{page_of(name).name})" in text
    for metric in METRICS:
        assert metric == "default" or f"`{metric}`" in text


def test_the_cost_is_that_of_the_results():
    text = (DOCS / "benchmarks.md").read_text()
    result = json.loads((DOCS.parent / "benchmarks" / "results" / "runner.json").read_text())
    shown = re.findall(r"\| `(\w+)` \| ([\d.,]+)", text)
    figures = {name: float(value.replace(",", "")) for name, value in shown}
    for name in ("samples_per_s", "engine_per_s", "runner_per_s", "overhead_us"):
        assert figures[name] == pytest.approx(result[name], rel=0.01)
