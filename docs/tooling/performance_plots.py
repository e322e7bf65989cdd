"""Draws the recorded results for `docs/performance.md`: `python -m docs.tooling.performance_plots`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["draw", "plot"]

_NAIVE, _ENGINE, _CEILING = "#b8bec9", "#2f6fde", "#7a8394"


@click.command()
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("benchmarks/results"),
    show_default=True,
    help="Folder with forwards.json, forwards_16.json, throughput.json and soak.json.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/performance"),
    show_default=True,
    help="Folder for the drawings.",
)
def plot(results: Path, output: Path) -> None:
    """Draw the recorded results as SVG; needs matplotlib (the extra bench)."""
    for path in draw(results, output):
        click.echo(str(path))


def draw(results: Path, output: Path) -> list[Path]:
    """Draw everything; return the files."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "svg.hashsalt": "viper",  # the same results give the same file
            "figure.facecolor": "white",
        }
    )

    def read(name: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads((results / name).read_text(encoding="utf-8"))
        return result

    output.mkdir(parents=True, exist_ok=True)
    return [
        _forwards(read("forwards.json"), read("forwards_16.json"), output / "forwards.svg"),
        _throughput(read("throughput.json"), output / "throughput.svg"),
        _soak(read("soak.json"), output / "soak.svg"),
    ]


def _forwards(alone: dict[str, Any], together: dict[str, Any], path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8.4, 3.0), layout="constrained", width_ratios=(3, 2)
    )
    names = ["naive", "one at a time", f"{together['concurrency']} at once"]
    counts = [alone["naive_forwards"], alone["engine_forwards"], together["engine_forwards"]]
    bars = left.barh(names, counts, color=[_NAIVE, _ENGINE, _ENGINE])
    labels = [
        f"{counts[0]:,}",
        f"{counts[1]:,}  (÷ {alone['ratio']:g})",
        f"{counts[2]:,}  (÷ {together['ratio']:g})",
    ]
    left.bar_label(bars, labels, padding=4)
    left.set_xlim(0, counts[0] * 1.15)
    left.invert_yaxis()
    left.set_xlabel(f"forwards for {alone['programs']} programs")
    sweep = together["sweep"]
    right.plot([s["model_ms"] for s in sweep], [s["ratio"] for s in sweep], "o-", color=_ENGINE)
    right.set_ylim(0)
    right.set_xlabel("time of a forward, ms")
    right.set_ylabel("times fewer forwards")
    right.set_title(f"{together['concurrency']} programs at once", fontsize=10)
    return _save(figure, path)


def _throughput(result: dict[str, Any], path: Path) -> Path:
    import matplotlib.pyplot as plt

    rows = result["rows"]
    names = ["naive", *(str(row["concurrency"]) for row in rows)]
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    heights = [rows[0]["naive_per_s"], *(row["programs_per_s"] for row in rows)]
    colors = [_NAIVE, *[_ENGINE] * len(rows)]
    axes.bar_label(axes.bar(names, heights, color=colors, width=0.55), fmt="%.3g", padding=2)
    ceiling = rows[0]["ceiling_per_s"]
    axes.axhline(ceiling, color=_CEILING, linestyle="--", linewidth=1)
    label = f"bare models, best batches {ceiling:.3g}"
    axes.text(-0.3, ceiling * 1.01, label, va="bottom", color=_CEILING)
    axes.set_ylim(0, ceiling * 1.12)
    axes.set_xlabel("programs at once")
    axes.set_ylabel("programs per second")
    device = result["machine"]["gpu"] or f"{result['machine']['cores']} CPU cores"
    axes.set_title(f"{result['size']} models, {device}", fontsize=10)
    return _save(figure, path)


def _soak(result: dict[str, Any], path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
    axes.plot(*zip(*result["rss_mb"], strict=True), color=_ENGINE)
    axes.set_ylim(0, max(mb for _, mb in result["rss_mb"]) * 1.15)
    axes.set_xlabel("programs")
    axes.set_ylabel("memory of the process, MB")
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:  # matplotlib's types are not complete
    import matplotlib.pyplot as plt

    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path


if __name__ == "__main__":
    plot()
