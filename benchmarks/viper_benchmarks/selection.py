"""Selects the samples of a task to score: all, a pinned subset, a list of ids, the first ones.

A pinned subset is defined by a rule, not by a list: the ids of a split that have the smallest SHA-256 of
`viper-bench/TASK/VERSION/SPLIT/ID`, read as UTF-8.
"""

from __future__ import annotations

import heapq
import itertools
from hashlib import sha256
from pathlib import Path

from viper.errors import ConfigError, InputError
from viper.storage.files import read_regular_file
from viper_benchmarks.digests import Digests
from viper_benchmarks.sample import DerivedSamples, Samples
from viper_benchmarks.task import BenchmarkTask

__all__ = ["choose"]

_MAX_IDS_BYTES = 1_000_000_000
"""Size of the largest list: GQA has 22 million questions of eight digits."""


def choose(
    task: BenchmarkTask,
    split: str,
    samples: Samples,
    *,
    subset: str | None = None,
    ids: Path | None = None,
    limit: int | None = None,
) -> Samples:
    """Return the samples to score, in the order of the data.

    Args:
        task: The task.
        split: Split of the task.
        samples: All samples of the split.
        subset: Name of a pinned subset.
        ids: File with an id per line.
        limit: Maximum number of samples.

    Raises:
        ConfigError: The subset is unknown, or both it and a file of ids are given.
        InputError: The file of ids is unusable, or an id is in no sample.
    """
    if subset is not None and ids is not None:
        raise ConfigError("--subset and --ids both select samples. Give one of them.")
    if subset is not None:
        samples = _chosen(samples, _subset(task, split, samples, subset))
    if ids is not None:
        wanted = _read_ids(ids)
        chosen = _chosen(samples, Digests(wanted))
        if len(chosen) < len(wanted):
            present = Digests(sample.id for sample in samples)
            missing = next(id_ for id_ in wanted if id_ not in present)
            raise InputError(
                f"{str(ids)!r} contains the id {missing!r}, which is not in the data. Check task and split."
            )
        samples = chosen
    if limit is None or limit >= len(samples):
        return samples
    return DerivedSamples(limit, lambda: itertools.islice(samples, limit))


def _read_ids(path: Path) -> list[str]:
    """Return the distinct ids in a file, one per line.

    Raises:
        InputError: The file cannot be read or is empty.
    """
    try:
        content = read_regular_file(str(path), max_bytes=_MAX_IDS_BYTES, what="list of ids")
        lines = content.decode("utf-8-sig").splitlines()
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(
            f"The ids in {str(path)!r} cannot be read ({error}). Give a text file with an id per line."
        ) from error
    found = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not found:
        raise InputError(f"{str(path)!r} contains no ids. Write one per line.")
    return found


def _subset(task: BenchmarkTask, split: str, samples: Samples, name: str) -> Digests:
    """Return the ids of a pinned subset."""
    if name not in task.subsets:
        subsets = ", ".join(f"{subset} ({n})" for subset, n in task.subsets.items()) or "none"
        raise ConfigError(f"{task.name} has no subset {name!r}. Subsets: {subsets}.")
    prefix = f"viper-bench/{task.name}/{task.version}/{split}/"
    hashed = ((sha256((prefix + sample.id).encode()).digest(), sample.id) for sample in samples)
    return Digests(id_ for _, id_ in heapq.nsmallest(task.subsets[name], hashed))


def _chosen(samples: Samples, ids: Digests) -> Samples:
    """Return the samples with some ids."""
    return DerivedSamples(
        sum(sample.id in ids for sample in samples),
        lambda: (sample for sample in samples if sample.id in ids),
    )
