"""`world`: how fast the small world is drawn.

| figure | what it is |
|---|---|
| `scenes_per_s` | scenes of 320×240 pixels, sampled and drawn, per second of one core |
| `sample_ms` | time to sample a scene: where things stand, and which of them are seen |
| `render_ms` | time to draw its picture, depth map and boxes |

Times are those of the processor, so that other work on the machine matters less; every figure comes from
the median over all scenes of all rounds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from viper_benchmarks.perf.publish import Row, publish, result_options

__all__ = ["GOAL_SCENES_PER_S", "measure", "table", "world"]

GOAL_SCENES_PER_S = 20
"""Scenes of 320×240 pixels per second on one core."""
_SIZE = (320, 240)
_SCENES = 30
# In a round; they differ in what is drawn, so that one round says little about another's scenes.


@click.command()
@result_options
def world(rounds: int, as_json: bool, output: Path | None) -> None:
    """Measure how fast scenes of the small world are drawn.

    \b
    python -m viper_benchmarks.perf world
    python -m viper_benchmarks.perf world --json
    """
    result = measure(rounds)
    publish(result, table(result), as_json=as_json, output=output)


def measure(rounds: int, scenes: int = _SCENES) -> dict[str, Any]:
    """Draw scenes and return what they took as a JSON value."""
    from viper.builtin.world import render, sample_scene
    from viper_benchmarks.perf.machine import describe_machine, describe_versions
    from viper_benchmarks.perf.samples import Samples

    machine = describe_machine()  # before the load of the benchmark itself
    render(sample_scene(0, size=_SIZE))  # everything is imported now
    whole, sampled, drawn = Samples(), Samples(), Samples()
    for number in range(rounds):
        times: list[tuple[float, float]] = []
        for seed in range(number * scenes, (number + 1) * scenes):
            start_s = time.process_time()
            scene = sample_scene(seed, size=_SIZE)
            sampled_s = time.process_time()
            render(scene)
            times.append((sampled_s - start_s, time.process_time() - sampled_s))
        whole.add_round([1000 * (one + two) for one, two in times])
        sampled.add_round([1000 * one for one, _ in times])
        drawn.add_round([1000 * two for _, two in times])
    return {
        "scenes_per_s": round(1000 / whole.median, 2),
        "sample_ms": round(sampled.median, 3),
        "render_ms": round(drawn.median, 3),
        "p95_ms": round(whole.p95, 3),
        "round_scenes_per_s": [round(1000 / median, 2) for median in whole.round_medians],
        "size": list(_SIZE),
        "scenes": whole.count,
        "machine": machine,
        "versions": describe_versions(("viper-vision", "numpy")),
    }


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""
    word = "reached" if result["scenes_per_s"] >= GOAL_SCENES_PER_S else "missed"
    machine, versions = result["machine"], result["versions"]
    return [
        Row(
            "scenes_per_s",
            f"{result['scenes_per_s']:g} /s",
            f"≥ {GOAL_SCENES_PER_S} /s, {word}",
            "scenes of 320×240 pixels on one core",
        ),
        Row("sample_ms", f"{result['sample_ms']:g} ms", "", "to sample a scene"),
        Row("render_ms", f"{result['render_ms']:g} ms", "", "to draw it"),
        Row("p95_ms", f"{result['p95_ms']:g} ms", "", "both, of the slowest scene in twenty"),
        Row(
            "scenes",
            str(result["scenes"]),
            "",
            f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average_1min']}, "
            f"{versions['python']}, numpy {versions['numpy']}",
        ),
    ]
