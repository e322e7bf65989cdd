"""Who lost a wrong sample: the program, or one of the models.

The sample's own program runs again with the truth in the place of models (see docs/true-perception.md):

- with truth in every role it is still wrong: the `program` lost it;
- with truth in one role alone it is right: that role lost it. Where several do, the first in the order
  detector, matcher, depth, answerer; all of them are named in the row;
- no role alone mends it: `several`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from viper.engine.engine import Engine
from viper.engine.query import Query
from viper.errors import ConfigError
from viper.models.registry import TRUTH
from viper.models.roles import Role
from viper.oracle.scene_file import open_scenes
from viper_benchmarks.sample import ErrorAttribution, Sample, SampleResult
from viper_benchmarks.scorer import Scorer

__all__ = ["ErrorAttributor"]

_TRUE_ROLES: tuple[Role, ...] = ("detector", "matcher", "depth", "answerer")


class ErrorAttributor:
    """Finds out who lost a sample; use it as a context manager.

    Args:
        engine: Of the run; its models are shared.
        judge: Of the run.
        scenes: What the pictures show, a file of CLEVR scenes or GQA scene graphs.

    Raises:
        ConfigError: The file is unusable, or the engine itself answers from the truth in every role.
    """

    def __init__(self, engine: Engine, judge: Scorer, scenes: Path) -> None:
        config = engine.config
        given: dict[str, str] = {role: str(ref) for role, ref in config.backends.items()}
        truth = f"{TRUTH}:{scenes}"
        known = open_scenes(str(scenes))
        roles: list[Role] = [role for role in _TRUE_ROLES if role != "depth" or known.has_depth]
        modelled = [
            role
            for role in roles
            if (ref := config.backends.get(role)) is None or ref.name != TRUTH
        ]
        if not modelled:
            raise ConfigError(
                "--blame puts truth in the place of models, but --models answers from the truth already: "
                "whatever is wrong there, the program lost. Choose other models or leave --blame out."
            )
        self._judge = judge
        self._all_true = self._engine(engine, given | dict.fromkeys(roles, truth))
        self._one_true = {role: self._engine(engine, given | {role: truth}) for role in modelled}

    async def blame(self, sample: Sample, result: SampleResult) -> ErrorAttribution | None:
        """Return who lost a wrong sample; None for a right one, or one whose picture cannot be read."""
        if result.correct or result.failure == "input":
            return None
        if result.program is None or not await self._right(self._all_true, sample, result.program):
            return ErrorAttribution("program")
        mended_by = [
            role
            for role, engine in self._one_true.items()
            if await self._right(engine, sample, result.program)
        ]
        return ErrorAttribution(mended_by[0] if mended_by else "several", tuple(mended_by))

    def close(self) -> None:
        """End the engines; the run's own goes on."""
        for engine in (self._all_true, *self._one_true.values()):
            engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @staticmethod
    def _engine(engine: Engine, backends: dict[str, str]) -> Engine:
        config = engine.config
        return Engine(
            "none",
            backends=backends,
            timeout_s=config.timeout_s,
            model_call_s=config.model_call_s,
            sandbox=config.sandbox,
            limits=config.limits,
            models_of=engine,
        )

    async def _right(self, engine: Engine, sample: Sample, program: str) -> bool:
        query = Query(sample.image, sample.query, sample.task, sample.choices, program)
        return self._judge.baseline(sample, await engine.arun(query)).correct
