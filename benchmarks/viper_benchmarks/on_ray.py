"""Evaluates samples on a Ray cluster: each worker has the models; by default one worker per GPU.

The samples of a lost worker (a machine that failed, a process killed for memory) go to other workers, and a
new worker replaces it. The rows equal those of a run in one process, except for a sample that fails because
it lost its worker every time. Workers read images, scene files and model folders: their paths must be valid
on every machine.

The process that started the run reads the data and writes the rows; it has no models.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viper.errors import ConfigError, MissingExtraError, ViperError
from viper.programs.program import Failure
from viper.usage import Usage
from viper_benchmarks.evaluator import EvaluatorSpec
from viper_benchmarks.row import SampleResult
from viper_benchmarks.sample import Sample

__all__ = ["RayEvaluator"]

_log = logging.getLogger(__name__)

# The path of a Unix socket has at most 107 bytes, and Ray adds 70: /ray/session_…/sockets/plasma_store.
_MAX_FOLDER_BYTES = 36
_PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 # as Ray itself does
# A sample that loses its worker this often probably kills it, and fails.
_MAX_ATTEMPTS = 3


@dataclass(slots=True)
class _Worker:
    """A worker, seen from the scoring process."""

    handle: Any  # Ray's actor, whose methods are made at run time
    busy: int = 0


class RayEvaluator:
    """Evaluates samples on the cluster of this process, or that of `RAY_ADDRESS`.

    Without a cluster, it starts Ray on this machine. Close it at the end.

    Args:
        spec: Opens the evaluator of each worker.
        workers: Number of workers; 0 for one per GPU of the cluster, or one per machine without GPUs.
        concurrency: Samples at the same time in each worker.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: The cluster has no capacity for the workers.
        ViperError: A worker cannot open its engine.
    """

    def __init__(self, spec: EvaluatorSpec, *, workers: int = 0, concurrency: int = 1) -> None:
        # No usage statistics are sent, unless the caller has enabled them.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise MissingExtraError("ray", "ray", "--engine ray") from error
        self._ray: Any = ray
        self._spec = spec
        self._concurrency = concurrency
        self._workers: list[_Worker] = []
        self._spent = Usage()
        self._lost = 0
        self._started_ray = not ray.is_initialized()
        self._stack = contextlib.ExitStack()
        if self._started_ray:
            local = "RAY_ADDRESS" not in os.environ
            place = self._stack.enter_context(_short_folder()) if local else None
            ray.init(
                address=os.environ.get("RAY_ADDRESS"),
                include_dashboard=False if local else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                _temp_dir=place,
            )
        try:
            gpus = int(self._ray.cluster_resources().get("GPU", 0))
            self._on_gpu = gpus > 0
            wanted = workers or gpus or len(self._ray.nodes())
            self._workers = [self._started() for _ in range(wanted)]
            self._models = [self._ready(worker) for worker in self._workers][-1]
        except BaseException:
            self.close()
            raise

    @property
    def concurrency(self) -> int:
        """Samples that keep all workers busy."""
        return len(self._workers) * self._concurrency

    async def evaluate(self, sample: Sample) -> SampleResult:
        """Return the row of a sample, from the least busy worker."""
        from ray.exceptions import RayActorError

        for _ in range(_MAX_ATTEMPTS):
            if self._budget_is_spent():
                return self._spec.failed(sample, Failure("budget", "The budget is spent."))
            worker = min(self._workers, key=lambda candidate: candidate.busy)
            worker.busy += 1
            try:
                row = await worker.handle.evaluate.remote(sample)
            except RayActorError:
                self._replace(worker)
                continue
            finally:
                worker.busy -= 1
            result = SampleResult.from_json(row)
            self._spent += result.usage
            return result
        reason = f"Its worker was lost {_MAX_ATTEMPTS} times, probably because it needed too much memory."
        return self._spec.failed(sample, Failure("memory", reason))

    def describe(self) -> dict[str, Any]:
        """Return workers and models, for `run.json`."""
        live = self._workers[0].handle
        with contextlib.suppress(Exception):  # a worker that has just died does not reply
            self._models = self._ray.get(live.describe.remote(), timeout=30)
        return {"workers": len(self._workers), "workers_lost": self._lost, **self._models}

    def _started(self) -> _Worker:
        actor = self._ray.remote(_RemoteEvaluator).options(
            num_gpus=1 if self._on_gpu else 0,
            num_cpus=1,
            max_concurrency=self._concurrency + 1,
            max_restarts=0,
        )
        return _Worker(actor.remote(self._spec, str(Path.cwd())))

    def _ready(self, worker: _Worker) -> dict[str, Any]:
        from ray.exceptions import GetTimeoutError, RayActorError

        try:
            described: dict[str, Any] = self._ray.get(worker.handle.describe.remote(), timeout=120)
        except GetTimeoutError as error:
            have = self._ray.cluster_resources()
            raise ConfigError(
                "The Ray cluster had no capacity for a worker within 120 s; it has "
                f"{have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs. Give fewer --workers."
            ) from error
        except RayActorError as error:
            cause = error.__cause__
            reason = str(cause if isinstance(cause, ViperError) else error).strip().splitlines()
            raise ConfigError(f"A worker on the Ray cluster cannot start: {reason[-1]}") from error
        return described

    def _replace(self, worker: _Worker) -> None:
        """Replace a lost worker, once for all of its samples."""
        if worker not in self._workers:
            return
        self._lost += 1
        _log.warning("a worker on the Ray cluster was lost; its samples are answered again")
        self._workers[self._workers.index(worker)] = self._started()

    def _budget_is_spent(self) -> bool:
        engine = self._spec.engine
        cost, tokens = engine.get("max_cost_usd"), engine.get("max_tokens")
        over_cost = cost is not None and (self._spent.cost_usd or 0.0) >= cost
        return over_cost or (tokens is not None and self._spent.tokens >= tokens)

    def close(self) -> None:
        """End the workers, and Ray itself if it was started here."""
        for worker in self._workers:
            with contextlib.suppress(Exception):
                self._ray.kill(worker.handle)
        if self._started_ray:
            self._ray.shutdown()
        self._stack.close()


@contextlib.contextmanager
def _short_folder() -> Iterator[str | None]:
    """Yield a folder for the sockets of a Ray on this machine; None if its own choice is short enough.

    Ray would use RAY_TMPDIR, TMPDIR or /tmp. The path of a socket has at most 107 bytes.

    Raises:
        ConfigError: There is no short folder that can be written.
    """
    named = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or _PLACES[0]
    if len(os.fsencode(named)) <= _MAX_FOLDER_BYTES and _is_writable(named):
        yield None
        return
    for place in filter(_is_writable, _PLACES):
        with tempfile.TemporaryDirectory(
            prefix="ray-", dir=place, ignore_cleanup_errors=True
        ) as folder:
            yield folder
        return
    raise ConfigError(
        f"Ray needs a folder for its sockets, but {named[:80]!r} is longer than {_MAX_FOLDER_BYTES} bytes or "
        "cannot be written. Set TMPDIR to a short folder that this user can write."
    )


def _is_writable(folder: str) -> bool:
    return Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)


class _RemoteEvaluator:
    """The evaluator in a process of the cluster: one engine, several samples at a time."""

    def __init__(self, spec: EvaluatorSpec, working_directory: str) -> None:
        # So that relative paths of weights are valid here too, if the folder exists.
        with contextlib.suppress(OSError):
            os.chdir(working_directory)
        self._stack = contextlib.ExitStack()
        self._evaluator = self._stack.enter_context(spec.open())

    async def evaluate(self, sample: Sample) -> dict[str, Any]:
        """Return the row of a sample."""
        return (await self._evaluator.evaluate(sample)).to_json()

    async def describe(self) -> dict[str, Any]:
        """Return models and omitted baselines."""
        return self._evaluator.describe()
