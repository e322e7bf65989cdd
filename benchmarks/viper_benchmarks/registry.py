"""The benchmark tasks: those of this package, and plugins by entry point.

A plugin is a distribution with an entry point in the group `viper.benchmarks`; its name is the task's,
its value `module:TASK`. Listing the names does not import plugins.
"""

from __future__ import annotations

from viper.errors import ConfigError, did_you_mean
from viper.plugins import BENCHMARKS, Plugin, find_plugins
from viper_benchmarks.task import BenchmarkTask

__all__ = ["BUILT_IN", "load_task", "plugin_tasks", "task_names"]

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


def plugin_tasks() -> dict[str, Plugin]:
    """Return the plugins by task name, without importing them.

    Raises:
        ConfigError: Two tasks have the same name.
    """
    return find_plugins(BENCHMARKS, reserved=BUILT_IN)


def task_names() -> list[str]:
    """Return the names of all tasks, built-in ones first."""
    return [*BUILT_IN, *plugin_tasks()]


def load_task(name: str) -> BenchmarkTask:
    """Import a task.

    Raises:
        ConfigError: There is no such task, or its plugin is broken; the message names the distribution.
    """
    own = {name: Plugin(BENCHMARKS, name, value, "Viper", "") for name, value in BUILT_IN.items()}
    tasks = own | plugin_tasks()
    if name not in tasks:
        raise ConfigError(
            f"There is no benchmark {name!r}. {did_you_mean(name, tasks)}Benchmarks: {', '.join(tasks)}."
        )
    plugin = tasks[name]
    loaded = plugin.load()
    if not isinstance(loaded, BenchmarkTask):
        raise ConfigError(
            f"The entry point {plugin.value!r} of {plugin.origin} must name a BenchmarkTask, but "
            f"it is {type(loaded).__name__}."
        )
    return loaded
