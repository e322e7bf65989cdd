"""A benchmark whose samples are rows of JSON."""

from viper_benchmarks.task import BenchmarkTask
from viper_benchmarks.tasks.jsonl import JsonlSamples


def read(data, split):
    """Read the samples of a split."""
    return JsonlSamples(data / f"{split}.jsonl")


TASK = BenchmarkTask(
    "streets", 1, "Questions about streets.", "val.jsonl", "the tests", read, {"val": 1}, "val"
)
