"""`viper bench TASK`: from options to a report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from viper.engine.config import resolve_backends
from viper.errors import InputError
from viper.generate.auto import resolve_auto
from viper.trace.stats import RunStats
from viper_benchmarks.baselines import Prior
from viper_benchmarks.evaluator import SampleEvaluator
from viper_benchmarks.evaluator_spec import EvaluatorSpec
from viper_benchmarks.programs import SavedPrograms
from viper_benchmarks.runner import RunPlan, run
from viper_benchmarks.sample import SampleResult
from viper_benchmarks.scorer import Metric
from viper_benchmarks.selection import choose
from viper_benchmarks.task import BenchmarkTask

__all__ = ["Scoring", "data_folder", "prepare", "score"]

_LIBRARIES = (
    "torch",
    "torchvision",
    "transformers",
    "timm",
    "onnxruntime",
    "ultralytics",
    "open_clip_torch",
)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What is to be scored and how, checked: nothing has been asked yet."""

    plan: RunPlan
    recipe: EvaluatorSpec
    official_n: int | None
    """Samples of the whole split in the official files, where all of it is scored and that is known."""


def data_folder(data: Path) -> Path:
    """Return the folder that paths of the data are relative to."""
    return data if data.is_dir() else data.parent


def prepare(
    task: BenchmarkTask,
    data: Path,
    engine: Mapping[str, Any],
    *,
    split: str | None = None,
    subset: str | None = None,
    ids: Path | None = None,
    limit: int | None = None,
    metric: Metric = "default",
    baselines: bool = False,
    blame: bool = False,
    truth: Path | None = None,
    programs: Path | None = None,
) -> Scoring:
    """Read the data and check every option against them.

    Args:
        task: The benchmark.
        data: Its folder or file.
        engine: Arguments of `Engine`.
        split: Of the task; its default where None.
        subset: Name of a pinned subset.
        ids: File with an id a line.
        limit: Score the first so many.
        metric: What accuracy is by.
        baselines: Ask them too.
        blame: Find out who lost each wrong sample.
        truth: File of scenes for that, where the task knows none.
        programs: File of saved programs to run again.

    Raises:
        ViperError: Something is missing, malformed or does not fit.
    """
    split = _split(task, split)
    everything = task.read(data, split)
    samples = choose(task, split, everything, subset=subset, ids=ids, limit=limit)
    scenes = _scenes(task, data, split, truth) if blame else None
    saved = None if programs is None else SavedPrograms(programs)
    folder = data_folder(data)
    recipe = EvaluatorSpec(
        engine=engine,
        metric=metric,
        data_folder=folder,
        prior=Prior.of(samples) if baselines else None,
        scenes=scenes,
    )
    if metric != "default":
        judge = recipe.judge
        for sample in samples:
            judge.check(sample)
    about = {
        "version": task.version,
        "split": split or None,
        "subset": subset,
        "metric": metric,
        "exposure": task.exposure,
    }
    settings = {
        "task": task.name,
        **{name: value for name, value in about.items() if name != "exposure"},
        "data": str(data.resolve()),
        "ids": None if ids is None else str(ids),
        **_engine_settings(engine),
        "programs": None if saved is None else saved.sha256,
        "baselines": baselines,
        "blame": None if scenes is None else str(scenes.resolve()),
    }
    plan = RunPlan(
        task.name,
        samples if saved is None else saved.given_to(samples),
        settings=settings,
        about=about,
        data_folder=folder,
    )
    official = task.splits.get(split)
    whole = subset is None and ids is None and limit is None
    return Scoring(plan, recipe, official if whole and official != len(everything) else None)


def score(
    scoring: Scoring,
    *,
    concurrency: int = 1,
    output: Path | None = None,
    resume: bool = False,
    on_result: Callable[[SampleResult, bool], None] | None = None,
    stats: RunStats | None = None,
    ray_workers: int | None = None,
) -> dict[str, Any]:
    """Answer the samples and return the report.

    Args:
        scoring: What `prepare` made.
        concurrency: Samples at the same time, in each worker.
        output: Folder of the run.
        resume: Go on with the run that is there.
        on_result: See `runner.run`.
        stats: Gets what each answer took; in this process only.
        ray_workers: Workers on a Ray cluster; 0 for as many as it has GPUs or else machines; None to
            answer in this process.

    Raises:
        ViperError: The engine cannot be made, or the output folder cannot be used.
    """
    with _opened(scoring.recipe, concurrency, stats, ray_workers) as (solver, describe, at_once):
        about = dict(scoring.plan.about)
        known = describe()
        if "baselines_left_out" in known:
            about["baselines_left_out"] = known["baselines_left_out"]
        return run(
            replace(scoring.plan, about=about),
            solver,
            concurrency=at_once,
            output=output,
            resume=resume,
            on_result=on_result,
            describe=describe,
        )


@contextlib.contextmanager
def _opened(
    recipe: EvaluatorSpec, concurrency: int, stats: RunStats | None, ray_workers: int | None
) -> Iterator[tuple[SampleEvaluator, Callable[[], dict[str, Any]], int]]:
    """Open the solver; with it what describes it, and how many samples it takes at once."""
    if ray_workers is not None:
        from viper_benchmarks.on_ray import RayEvaluator

        with RayEvaluator(recipe, workers=ray_workers, concurrency=concurrency) as solver:
            yield solver, lambda: {**_versions(), **solver.describe(concurrency)}, solver.at_once
        return
    with recipe.open(stats) as local:
        yield (
            local,
            lambda: {
                **_versions(),
                "engine": "local",
                "concurrency": concurrency,
                **local.describe(),
            },
            concurrency,
        )


def _split(task: BenchmarkTask, split: str | None) -> str:
    if split is None:
        return task.default_split
    if not task.splits:
        raise InputError(f"{task.name} has no splits, but got --split {split}. Leave it out.")
    return split


def _scenes(task: BenchmarkTask, data: Path, split: str, given: Path | None) -> Path:
    found = given or (None if task.truth is None else task.truth(data, split))
    if found is None:
        raise InputError(
            f"--blame needs to know what the pictures show, and {task.name} {split} has no such file here. "
            "CLEVR needs scenes/CLEVR_SPLIT_scenes.json, GQA sceneGraphs/SPLIT_sceneGraphs.json (train and "
            "val only) below --data; for other data give --truth FILE."
        )
    if not found.is_file():
        raise InputError(f"There is no file {str(found)!r} of scenes for --blame.")
    return found


def _engine_settings(engine: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides the answers of an engine, without making one."""
    generator = engine.get("generator", "grammar")
    backends = resolve_backends(
        engine.get("models", "auto"), engine.get("backends"), engine.get("data_folder")
    )
    return {
        "models": engine.get("models", "auto"),
        "backends": {role: str(ref) for role, ref in backends.items()},
        "generator": resolve_auto(generator),
        "sandbox": engine.get("sandbox", "full"),
        "timeout_s": engine.get("timeout_s", 300.0),
        "max_attempts": engine.get("max_attempts", 3),
        "votes": engine.get("votes", 1),
        "memo": engine.get("program_cache") is not None,
    }


def _versions() -> dict[str, Any]:
    import platform

    found = {"viper": version("viper-vision"), "python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return {"versions": found}
