"""Finds the cause of a wrong sample: the program, or one of the models.

The sample's own program runs again with the oracle in place of models (see docs/true-perception.md):

- still wrong with the oracle in every role: the `program` is the cause;
- right with the oracle in one role: this role is the cause. If there are several such roles, the cause is
  the first of detector, matcher, depth, answerer, and the row names all;
- still wrong with the oracle in any single role: `several`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from viper.engine.engine import Engine
from viper.errors import ConfigError
from viper.models.registry import TRUTH
from viper.models.roles import Role
from viper.oracle.scene_file import open_scenes
from viper_benchmarks.row import ErrorAttribution, SampleResult
from viper_benchmarks.sample import Sample
from viper_benchmarks.scorer import Scorer

__all__ = ["ErrorAttributor"]

_ORACLE_ROLES: tuple[Role, ...] = ("detector", "matcher", "depth", "answerer")


class ErrorAttributor(contextlib.ExitStack):
    """Finds the cause of wrong samples; use it as a context manager, which closes its engines.

    Args:
        engine: Engine of the run; its models are shared.
        scorer: Scorer of the run.
        scenes: Scene file of the images, in the format of CLEVR or GQA.

    Raises:
        ConfigError: The file is unusable, or the engine uses the oracle in every role.
    """

    def __init__(self, engine: Engine, scorer: Scorer, scenes: Path) -> None:
        super().__init__()
        backends = engine.config.backends
        has_depth = open_scenes(str(scenes)).has_depth
        roles: list[Role] = [role for role in _ORACLE_ROLES if role != "depth" or has_depth]
        replaced = [role for role in roles if role not in backends or backends[role].name != TRUTH]
        if not replaced:
            raise ConfigError(
                "--attribute-errors replaces models by the oracle, but --models is the oracle already: every "
                "error is one of the program. Choose other models or omit --attribute-errors."
            )
        self._scorer = scorer
        self._oracle = self._engine(engine, roles, scenes)
        self._one_role = {role: self._engine(engine, [role], scenes) for role in replaced}

    async def cause(self, sample: Sample, result: SampleResult) -> ErrorAttribution | None:
        """Return the cause of a wrong sample; None for a right one or an unreadable image."""
        if result.correct or result.failure == "input":
            return None
        program = result.program
        if program is None or not await self._right(self._oracle, sample, program):
            return ErrorAttribution("program")
        fixed_by = [
            role
            for role, engine in self._one_role.items()
            if await self._right(engine, sample, program)
        ]
        return ErrorAttribution(next(iter(fixed_by), "several"), tuple(fixed_by))

    def _engine(self, engine: Engine, oracle_roles: list[Role], scenes: Path) -> Engine:
        """Open an engine with the run's settings and the oracle in some roles."""
        config = engine.config
        backends: dict[str, str] = {role: str(ref) for role, ref in config.backends.items()}
        return self.enter_context(
            Engine(
                "none",
                backends=backends | dict.fromkeys(oracle_roles, f"{TRUTH}:{scenes}"),
                best_effort=config.best_effort,
                timeout_s=config.timeout_s,
                model_call_s=config.model_call_s,
                sandbox=config.sandbox,
                limits=config.limits,
                models_of=engine,
            )
        )

    async def _right(self, engine: Engine, sample: Sample, program: str) -> bool:
        answer = await engine.arun(sample.to_query(program))
        return self._scorer.baseline(sample, answer).correct
