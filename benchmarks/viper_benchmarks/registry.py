"""Which tasks there are: those of this package, and plugins by entry point.

A plugin is a distribution with an entry point in the group `viper.benchmarks`; its name is the task's,
its value `module:TASK`. Listing names imports no plugin.
"""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points

from viper.errors import ConfigError, did_you_mean
from viper_benchmarks.task import BenchmarkTask

__all__ = ["BUILT_IN", "GROUP", "distribution_of", "load_task", "plugin_tasks", "task_names"]

GROUP = "viper.benchmarks"

BUILT_IN = {
    "refcoco": "viper_benchmarks.tasks.refcoco:REFCOCO",
    "refcoco+": "viper_benchmarks.tasks.refcoco:REFCOCO_PLUS",
    "refcocog": "viper_benchmarks.tasks.refcoco:REFCOCOG",
    "gqa": "viper_benchmarks.tasks.gqa:GQA",
    "clevr": "viper_benchmarks.tasks.clevr:CLEVR",
    "okvqa": "viper_benchmarks.tasks.vqa:OKVQA",
    "vqav2": "viper_benchmarks.tasks.vqa:VQAV2",
    "jsonl": "viper_benchmarks.tasks.jsonl:JSONL",
}


def plugin_tasks() -> dict[str, EntryPoint]:
    """Return the entry points of plugins by task name; imports none of them.

    Raises:
        ConfigError: Two distributions bring a task of the same name, or one of a built-in task's.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = "Viper itself" if point.name in BUILT_IN else None
        if point.name in found:
            other = distribution_of(found[point.name])
        if other is not None:
            raise ConfigError(
                f"Two distributions bring the benchmark {point.name!r}: {other} and "
                f"{distribution_of(point)}. Uninstall one of them."
            )
        found[point.name] = point
    return found


def task_names() -> list[str]:
    """Return the names of all tasks, built-in ones first."""
    return [*BUILT_IN, *sorted(plugin_tasks())]


def load_task(name: str) -> BenchmarkTask:
    """Import a task.

    Raises:
        ConfigError: There is no such task, or its plugin is broken; the message names the distribution.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        task = getattr(importlib.import_module(module), attribute)
        assert isinstance(task, BenchmarkTask)
        return task
    plugins = plugin_tasks()
    if name not in plugins:
        known = [*BUILT_IN, *sorted(plugins)]
        raise ConfigError(
            f"There is no benchmark {name!r}. {did_you_mean(name, known)}Benchmarks: {', '.join(known)}."
        )
    point = plugins[name]
    try:
        loaded = point.load()
    except Exception as error:  # a stranger's module may raise anything
        raise ConfigError(
            f"The benchmark {name!r} of {distribution_of(point)} cannot be loaded: "
            f"{type(error).__name__}: {error}. Update or uninstall that distribution."
        ) from error
    if not isinstance(loaded, BenchmarkTask):
        raise ConfigError(
            f"The entry point {point.value!r} of {distribution_of(point)} must name a BenchmarkTask, but "
            f"it is {type(loaded).__name__}."
        )
    return loaded


def distribution_of(point: EntryPoint) -> str:
    """Return name and version of the distribution that brings an entry point."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown distribution"
