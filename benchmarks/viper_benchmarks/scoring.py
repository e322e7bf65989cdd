"""Prepares and runs `viper bench TASK`: from options to a report."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from viper.cli.errors import checked_options
from viper.engine.config import resolve_backends
from viper.errors import ConfigError, InputError
from viper.generate.auto import resolve_auto
from viper.trace.stats import RunStats
from viper_benchmarks.baselines import Prior
from viper_benchmarks.evaluator import EvaluatorSpec, LocalEvaluator
from viper_benchmarks.on_ray import RayEvaluator
from viper_benchmarks.programs import SavedPrograms
from viper_benchmarks.row import SampleResult
from viper_benchmarks.runner import RunPlan, run
from viper_benchmarks.sample import Sample, Samples
from viper_benchmarks.scorer import Metric
from viper_benchmarks.selection import choose
from viper_benchmarks.task import BenchmarkTask
from viper_benchmarks.trace_pages import TracePages

__all__ = ["Scoring", "data_folder", "prepare", "score"]

# Missing images that a message names.
_NAMED = 3
_LIBRARIES = "torch torchvision transformers timm onnxruntime ultralytics open_clip_torch".split()


@dataclass(frozen=True, slots=True)
class Scoring:
    """A checked run, ready to start."""

    plan: RunPlan
    spec: EvaluatorSpec
    official_n: int | None
    """Size of the split in the official files, if it is known, differs, and the whole split is scored."""


def data_folder(data: Path) -> Path:
    """Return the folder to which paths in the data are relative."""
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
    attribute_errors: bool = False,
    truth: Path | None = None,
    programs: Path | None = None,
    both_modes: bool = False,
) -> Scoring:
    """Read the data and check every option against them.

    Args:
        task: The benchmark.
        data: Its folder or file.
        engine: Arguments of `Engine`.
        split: Split of the task; None for its default.
        subset: Name of a pinned subset.
        ids: File with an id per line.
        limit: Maximum number of samples.
        metric: Metric of accuracy.
        baselines: Run them too.
        attribute_errors: Find the cause of each wrong sample.
        truth: Scene file for `attribute_errors`, if the task has none.
        programs: File of saved programs to run again.
        both_modes: Answer each sample by the best effort and without it.

    Raises:
        ViperError: Data or options are missing, malformed or do not fit.
    """
    split = _split(task, split)
    everything = task.read(data, split)
    samples = choose(task, split, everything, subset=subset, ids=ids, limit=limit)
    _check_images(task, samples)
    scenes = _scenes(task, data, split, truth) if attribute_errors else None
    saved = None if programs is None else SavedPrograms(programs)
    folder = data_folder(data)
    spec = EvaluatorSpec(
        engine=engine,
        metric=metric,
        data_folder=folder,
        prior=Prior.of(samples) if baselines else None,
        scenes=scenes,
        both_modes=both_modes,
    )
    if metric != "default":
        scorer = spec.scorer
        for sample in samples:
            scorer.check(sample)
    chosen = {
        "version": task.version,
        "split": split or None,
        "subset": subset,
        "metric": metric,
    }
    settings = {
        "task": task.name,
        **chosen,
        "data": str(data.resolve()),
        "ids": None if ids is None else str(ids),
        **_engine_settings(engine),
        "programs": None if saved is None else saved.sha256,
        "baselines": baselines,
        "both_modes": both_modes,
        # The names of 0.1, so that its runs can be resumed and compared.
        "blame": None if scenes is None else str(scenes.resolve()),
    }
    plan = RunPlan(
        task.name,
        samples if saved is None else saved.applied_to(samples),
        settings=settings,
        about={
            **chosen,
            "exposure": task.exposure,
            "best_effort": engine.get("best_effort", False),
        },
        data_folder=folder,
    )
    official = task.splits.get(split)
    whole = subset is None and ids is None and limit is None
    return Scoring(plan, spec, official if whole and official != len(everything) else None)


def score(
    scoring: Scoring,
    *,
    concurrency: int = 1,
    output: Path | None = None,
    resume: bool = False,
    on_result: Callable[[SampleResult, bool], None] | None = None,
    stats: RunStats | None = None,
    ray_workers: int | None = None,
    traces: Literal["none", "some", "all"] = "none",
) -> dict[str, Any]:
    """Evaluate the samples and return the report.

    Args:
        scoring: From `prepare`.
        concurrency: Samples at the same time, in each worker.
        output: Folder of the run.
        resume: Continue the run in `output`.
        on_result: See `runner.run`.
        stats: Gets the trace of each answer; in this process only.
        ray_workers: Workers on a Ray cluster; 0 for one per GPU or else per machine; None to evaluate in this
            process.
        traces: Samples whose whole run gets a page in `output`; in this process only.

    Raises:
        ViperError: The engine cannot be opened, a model cannot be loaded, or the output folder cannot be
            used.
    """
    with contextlib.ExitStack() as stack:
        evaluator: LocalEvaluator | RayEvaluator
        if ray_workers is None:
            pages = None
            if output is not None and traces != "none":
                pages = TracePages(output, traces, scoring.plan.data_folder)
            with checked_options():
                evaluator = stack.enter_context(scoring.spec.open(stats, pages))
        else:
            evaluator = RayEvaluator(scoring.spec, workers=ray_workers, concurrency=concurrency)
            stack.callback(evaluator.close)

        def describe() -> dict[str, Any]:
            place = {"engine": "local" if ray_workers is None else "ray"}
            return _versions() | place | {"concurrency": concurrency} | evaluator.describe()

        answering = _WithModels(evaluator) if isinstance(evaluator, LocalEvaluator) else evaluator
        plan = scoring.plan
        omitted = describe().get("baselines_left_out")
        if omitted is not None:
            plan = replace(plan, about={**plan.about, "baselines_left_out": omitted})
        return run(
            plan,
            answering,
            concurrency=getattr(evaluator, "concurrency", concurrency),
            output=output,
            resume=resume,
            on_result=on_result,
            describe=describe,
        )


class _WithModels:
    """Evaluates samples until a model turns out not to load: further rows would measure nothing."""

    def __init__(self, evaluator: LocalEvaluator) -> None:
        self._evaluator = evaluator

    async def evaluate(self, sample: Sample) -> SampleResult:
        """Return the row of a sample.

        Raises:
            ConfigError: The sample needs a model that cannot be loaded.
        """
        row = await self._evaluator.evaluate(sample)
        if row.failure == "config":
            with checked_options():
                for error in self._evaluator.engine.load_errors().values():
                    raise error
        return row


def _split(task: BenchmarkTask, split: str | None) -> str:
    if split is None:
        return task.default_split
    if not task.splits:
        raise ConfigError(f"{task.name} has no splits, but got --split {split}. Omit it.")
    return split


def _check_images(task: BenchmarkTask, samples: Samples) -> None:
    """Check that the images of a task with official files are there.

    Raises:
        InputError: One is missing; the message names the first ones.
    """
    if not task.images:
        return
    images = dict.fromkeys(sample.image for sample in samples)
    missing = [image for image in images if not image.is_file()]
    if not missing:
        return
    named = ", ".join(repr(str(image)) for image in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    raise InputError(
        f"{len(missing):,} of {len(images):,} images are missing: {named}{more}. They come from "
        f"{task.images}; --ids or --limit chooses samples whose images are there."
    )


def _scenes(task: BenchmarkTask, data: Path, split: str, given: Path | None) -> Path:
    found = given or (None if task.truth is None else task.truth(data, split))
    if found is None:
        raise InputError(
            f"--attribute-errors needs the scenes of the images, but {task.name} {split} has no such file. "
            "CLEVR needs scenes/CLEVR_SPLIT_scenes.json, GQA sceneGraphs/SPLIT_sceneGraphs.json (train and "
            "val only) below --data; for other data give --truth FILE."
        )
    if not found.is_file():
        raise InputError(f"There is no file {str(found)!r} of scenes for --attribute-errors.")
    return found


def _engine_settings(engine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that determine the answers of an engine, without opening it."""
    models = engine.get("models", "auto")
    backends = resolve_backends(models, engine.get("backends"), engine.get("data_folder"))
    return {
        "models": models,
        "backends": {role: str(ref) for role, ref in backends.items()},
        "generator": resolve_auto(engine.get("generator", "grammar")),
        "best_effort": engine.get("best_effort", False),
        "sandbox": engine.get("sandbox", "full"),
        "timeout_s": engine.get("timeout_s", 300.0),
        "max_attempts": engine.get("max_attempts", 3),
        "votes": engine.get("votes", 1),
        "memo": engine.get("program_cache") is not None,
    }


def _versions() -> dict[str, Any]:
    found = {"viper": version("viper-vision"), "python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return {"versions": found}
