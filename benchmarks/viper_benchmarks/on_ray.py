"""Solves samples on a Ray cluster: each worker holds the models, one per GPU, and gets samples one by one.

A sample whose worker was lost (a machine, a process killed for memory) is given to another, a new
worker takes the place of the lost one, and the rows are those of a run in one process. Pictures, files of
scenes and folders of models are read by the workers: their paths must be valid on every machine.

The process that scores reads the data, writes the rows and holds no model.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from viper.errors import ConfigError, MissingExtraError, ViperError
from viper.programs.program import Failure
from viper.usage import Usage
from viper_benchmarks.evaluator_spec import EvaluatorSpec
from viper_benchmarks.sample import Sample, SampleResult

__all__ = ["RayEvaluator"]

_log = logging.getLogger(__name__)

_TRIES = 3
# A sample that loses its worker so often is what kills it, and fails.


@dataclass(slots=True)
class _Worker:
    """A worker as the scoring process sees it."""

    handle: Any  # Ray's actor, whose methods are made at run time
    busy: int = 0


class RayEvaluator:
    """Solves samples on the cluster that this process is connected to, or `RAY_ADDRESS` names.

    Without a cluster, Ray is started on this machine. Use it as a context manager.

    Args:
        recipe: What each worker makes its solver of.
        workers: How many; 0 for one per GPU of the cluster, or one per machine without any.
        concurrency: Samples at the same time in each worker.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: The cluster has no room for the workers.
        ViperError: A worker cannot make its engine.
    """

    def __init__(self, recipe: EvaluatorSpec, *, workers: int = 0, concurrency: int = 1) -> None:
        # No figures about this use are sent anywhere, unless the caller has asked for it.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise MissingExtraError("ray", "ray", "--engine ray") from error
        self._ray: Any = ray
        self._recipe = recipe
        self._concurrency = concurrency
        self._workers: list[_Worker] = []
        self._spent = Usage()
        self.lost = 0
        """Workers that were lost so far."""
        self._started_ray = not ray.is_initialized()
        if self._started_ray:
            ray.init(
                address=os.environ.get("RAY_ADDRESS"),
                include_dashboard=False if "RAY_ADDRESS" not in os.environ else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
        try:
            gpus = int(self._ray.cluster_resources().get("GPU", 0))
            self._on_gpu = gpus > 0
            wanted = workers or gpus or len(self._ray.nodes())
            self._workers = [_Worker(self._begin()) for _ in range(wanted)]
            self._models = [self._ready(worker) for worker in self._workers][-1]
        except BaseException:
            self.close()
            raise
        self.at_once = wanted * concurrency
        """Samples that keep all workers busy."""

    async def solve(self, sample: Sample) -> SampleResult:
        """Return the row of a sample, from whichever worker does the least."""
        from ray.exceptions import RayActorError

        for _ in range(_TRIES):
            if self._budget_is_spent():
                return self._recipe.judge.failed(sample, Failure("budget", "The budget is spent."))
            worker = min(self._workers, key=lambda candidate: candidate.busy)
            worker.busy += 1
            try:
                row = await worker.handle.solve.remote(sample)
            except RayActorError:
                self._replace(worker)
                continue
            finally:
                worker.busy -= 1
            result = SampleResult.from_json(row)
            self._spent += result.usage
            return result
        reason = f"The worker that answered it was lost {_TRIES} times, as one is that needs too much memory."
        return self._recipe.judge.failed(sample, Failure("memory", reason))

    def describe(self, concurrency: int) -> dict[str, Any]:
        """Return what is known of workers and models, for `run.json`."""
        live = self._workers[0].handle
        with contextlib.suppress(Exception):  # a worker that has just died says nothing
            self._models = self._ray.get(live.describe.remote(), timeout=30)
        return {
            "engine": "ray",
            "workers": len(self._workers),
            "workers_lost": self.lost,
            "concurrency": concurrency,
            **self._models,
        }

    def _begin(self) -> Any:
        actor = self._ray.remote(_RemoteEvaluator).options(
            num_gpus=1 if self._on_gpu else 0,
            num_cpus=1,
            max_concurrency=self._concurrency + 1,
            max_restarts=0,
        )
        return actor.remote(self._recipe, str(Path.cwd()))

    def _ready(self, worker: _Worker) -> dict[str, Any]:
        from ray.exceptions import GetTimeoutError, RayActorError

        try:
            described: dict[str, Any] = self._ray.get(worker.handle.describe.remote(), timeout=120)
        except GetTimeoutError as error:
            have = self._ray.cluster_resources()
            raise ConfigError(
                "A worker has found no room on the Ray cluster within 120 s; it has "
                f"{have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs. Give fewer --workers."
            ) from error
        except RayActorError as error:
            cause = error.__cause__
            reason = str(cause if isinstance(cause, ViperError) else error).strip().splitlines()
            raise ConfigError(f"A worker on the Ray cluster cannot start: {reason[-1]}") from error
        return described

    def _replace(self, worker: _Worker) -> None:
        """Put a new worker in the place of a lost one; once, however many samples it takes with it."""
        if worker not in self._workers:
            return
        self.lost += 1
        _log.warning("a worker on the Ray cluster was lost; its samples are answered again")
        self._workers[self._workers.index(worker)] = _Worker(self._begin())

    def _budget_is_spent(self) -> bool:
        engine = self._recipe.engine
        cost, tokens = engine.get("max_cost_usd"), engine.get("max_tokens")
        over_cost = cost is not None and (self._spent.cost_usd or 0.0) >= cost
        return over_cost or (tokens is not None and self._spent.tokens >= tokens)

    def close(self) -> None:
        """End the workers, and Ray itself where it was started here."""
        for worker in self._workers:
            with contextlib.suppress(Exception):
                self._ray.kill(worker.handle)
        if self._started_ray:
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _RemoteEvaluator:
    """Lives in a process of the cluster: one engine, several samples at a time."""

    def __init__(self, recipe: EvaluatorSpec, working_directory: str) -> None:
        # So that relative paths of weights mean the same here, where that folder is.
        with contextlib.suppress(OSError):
            os.chdir(working_directory)
        self._stack = contextlib.ExitStack()
        self._solver = self._stack.enter_context(recipe.open())

    async def solve(self, sample: Sample) -> dict[str, Any]:
        """Return the row of a sample."""
        return (await self._solver.solve(sample)).to_json()

    async def describe(self) -> dict[str, Any]:
        """Return what is known of models and baselines."""
        return self._solver.describe()
