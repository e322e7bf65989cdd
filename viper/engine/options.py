"""The options of an engine, in one place: type, default, bounds and description of each.

Everything else is derived from `EngineOptions`: the arguments of `Engine`, the checks of their values, the
options of the command line (`viper.cli.options`), the keys of `viper.toml` and the variables `VIPER_…`
(`viper.settings`), and the tables of `docs/configuration.md`. Importing this module imports nothing heavy.
"""

# No `from __future__ import annotations`: annotations are read at run time.

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

from viper.errors import ConfigError
from viper.scheduling import MAX_BATCH

if TYPE_CHECKING:
    from viper.generate.generator import Generator

__all__ = ["OLD_NAMES", "OPTIONS", "EngineOptions", "Option", "OptionalPath", "SandboxLevel"]

SandboxLevel = Literal["full", "partial"]
OptionalPath = str | os.PathLike[str] | None

OLD_NAMES: Mapping[str, str] = {"lookahead": "prefetch", "memo": "program_cache"}
"""Names of version 0.1 that still work, and what they are called now: as arguments, settings and flags."""


class Option(NamedTuple):
    """What the derived forms know of an option besides its type and default."""

    help: str
    above: float | None = None
    """The value must be larger."""
    at_least: int | None = None
    """The value must not be smaller."""
    unit: str | None = None
    """Such as "seconds"."""
    flag: str | None = None
    """On the command line, with its placeholder: "--timeout SECONDS"; None where it has none."""
    kind: Any = None  # as annotated in `EngineOptions`
    default: Any = None


@dataclass(frozen=True)
class EngineOptions:
    """Options of an engine that are plain values; checked on creation.

    Raises:
        ConfigError: A value is out of its range; the message names it.
    """

    models: Annotated[
        str,
        Option(
            "Preset that says which model serves which role: builtin (comes with Viper; cubes, spheres and "
            "cylinders only), small, base or large (for photographs; see viper models list), auto (small "
            "where it is on disk, else builtin), none, stub, or truth:FILE (answers from a file of CLEVR "
            "scenes or GQA scene graphs, to measure programs apart from perception).",
            flag="--models PRESET",
        ),
    ] = "auto"
    generator: Annotated[
        "str | Generator",
        Option(
            "What writes the program: grammar (no model needed), openai:MODEL (any OpenAI-compatible server: "
            "OPENAI_BASE_URL, OPENAI_API_KEY), local:MODEL_OR_FOLDER (a transformers language model on "
            "this machine), or auto:openai:MODEL: the grammar, and the model where the grammar cannot "
            "answer. auto takes the model from VIPER_LLM.",
            flag="--generator NAME",
        ),
    ] = "grammar"
    _: dataclasses.KW_ONLY
    sandbox: Annotated[
        SandboxLevel,
        Option(
            "Lowest sandbox level accepted for programs that are not trusted (written by a language model or "
            "given by the user).",
            flag="--sandbox LEVEL",
        ),
    ] = "full"
    best_effort: Annotated[
        bool,
        Option(
            "Answer even where no model can test a condition of the question, or where something that it "
            "takes for granted was not found; such an answer carries doubts. Without it there is none then.",
            flag="--best-effort",
        ),
    ] = False
    timeout_s: Annotated[
        float,
        Option(
            "Timeout for a whole answer, repairs and model loading included, in seconds.",
            above=0,
            unit="seconds",
            flag="--timeout SECONDS",
        ),
    ] = 300.0
    model_call_s: Annotated[
        float,
        Option(
            "Timeout for one vision or language call, model loading excluded, in seconds.",
            above=0,
            unit="seconds",
        ),
    ] = 60.0
    cache: Annotated[
        OptionalPath,
        Option(
            "Folder that keeps model results between runs, so that later runs on the same images compute "
            "less; several processes may share it.",
            flag="--cache DIR",
        ),
    ] = None
    text_cache: Annotated[
        OptionalPath,
        Option(
            "Folder in which a matcher's embeddings of texts outlive the process: a question compares with a "
            "dozen texts, which are mostly the same for every image. Not used with cache, which keeps all "
            "results.",
        ),
    ] = None
    cache_mb: Annotated[
        float,
        Option(
            "Memory for results of models that later answers may use again, in MB; 0 for none.",
            at_least=0,
            unit="megabytes",
        ),
    ] = 512.0
    max_batch: Annotated[
        int,
        Option(
            "Most requests per forward; fewer if a model lacks the memory.",
            at_least=1,
        ),
    ] = MAX_BATCH
    prefetch: Annotated[
        bool,
        Option(
            "Compute what a program will probably request next. Same answers, fewer forwards.",
            flag="--prefetch",
        ),
    ] = True
    program_cache: Annotated[
        OptionalPath,
        Option(
            "File that caches programs written by language models, for reuse on questions of the same form.",
            flag="--program-cache FILE",
        ),
    ] = None
    max_attempts: Annotated[
        int,
        Option(
            "Programs that a language model may write for a question; each attempt sees how the previous "
            "one failed.",
            at_least=1,
            flag="--max-attempts N",
        ),
    ] = 3
    votes: Annotated[
        int,
        Option(
            "Programs that a language model writes at once; the most frequent answer wins, and its share is "
            "the confidence. 1 disables voting.",
            at_least=1,
            flag="--votes K",
        ),
    ] = 1
    max_cost_usd: Annotated[
        float | None,
        Option(
            "Stop before the next call of a language model when this many US dollars are spent; needs its "
            "prices: openai:MODEL?input_usd=…&output_usd=… (per million tokens).",
            above=0,
            unit="US dollars",
            flag="--max-cost USD",
        ),
    ] = None
    max_tokens: Annotated[
        int | None,
        Option(
            "Stop before the next call of a language model when this many tokens are used, prompts and "
            "completions together.",
            at_least=1,
            flag="--max-tokens N",
        ),
    ] = None

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            _check(name, getattr(self, name), option)
        if self.cache is not None and not self.cache_mb:
            raise ConfigError(f"A cache in {str(self.cache)!r} needs cache_mb above 0.")


OPTIONS: Mapping[str, Option] = {
    field.name: option._replace(kind=kind, default=field.default)
    for field in dataclasses.fields(EngineOptions)
    for kind, option in [get_args(field.type)]
}
"""What the derived forms are made of, by name."""


def _check(name: str, value: Any, option: Option) -> None:
    """Raise a `ConfigError` for a value that is out of range."""
    if option.kind is SandboxLevel and value not in get_args(SandboxLevel):
        allowed = " or ".join(map(repr, get_args(SandboxLevel)))
        raise ConfigError(f"{name} must be {allowed}, but got {value!r}.")
    if value is None:
        return
    number = f"a number of {option.unit}"
    if option.above is not None and not value > option.above:
        raise ConfigError(f"{name} must be {number} above {option.above:g}, but got {value!r}.")
    if option.at_least is not None and not option.at_least <= value < float("inf"):
        least = (
            f"{number}, {option.at_least:g} or more"
            if option.unit
            else f"at least {option.at_least:g}"
        )
        raise ConfigError(f"{name} must be {least}, but got {value!r}.")
