"""`world`: how fast the small world is drawn.

| figure | meaning |
|---|---|
| `scenes_per_s` | scenes of 320×240 pixels, sampled and drawn, per second of one core |
| `sample_ms` | time to sample a scene: positions of the objects, and which of them are visible |
| `render_ms` | time to draw its image, depth map and boxes |

Times are processor times, so that other work on the machine matters less; every figure is the median over
all scenes of all rounds.
"""

from __future__ import annotations

import time

from viper.builtin.world import render, sample_scene
from viper_benchmarks.perf.command import (
    Result,
    Row,
    benchmark,
    figure,
    machine_text,
    rounds_option,
    with_machine,
)
from viper_benchmarks.perf.samples import Samples

__all__ = ["measure", "table", "world"]

GOAL_SCENES_PER_S = 20
"""Scenes of 320×240 pixels per second on one core."""
_SIZE = (320, 240)
# Scenes per round; every round draws other ones.
_SCENES = 30


@with_machine("numpy")
def measure(rounds: int, scenes: int = _SCENES) -> Result:
    """Draw scenes and return the times as a JSON value."""
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
        "scenes": len(whole.values),
    }


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    return [
        figure(
            result,
            "scenes_per_s",
            "scenes of 320×240 pixels on one core",
            at_least=GOAL_SCENES_PER_S,
        ),
        figure(result, "sample_ms", "to sample a scene"),
        figure(result, "render_ms", "to draw it"),
        figure(result, "p95_ms", "both, of the slowest scene in twenty"),
        figure(result, "scenes", f"{machine_text(result)}, numpy {result['versions']['numpy']}"),
    ]


@benchmark(table)
@rounds_option
def world(rounds: int) -> Result:
    """Measure how fast scenes of the small world are drawn.

    \b
    python -m viper_benchmarks.perf world
    python -m viper_benchmarks.perf world --json
    """
    return measure(rounds)
