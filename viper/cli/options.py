"""Options that several verbs share, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from viper.engine.engine import Engine

__all__ = [
    "backend_overrides",
    "choices_option",
    "draft_options",
    "engine_arguments",
    "engine_options",
    "memo_option",
    "open_engine",
    "output_options",
    "stats_option",
    "task_option",
    "trace_options",
    "writing_options",
]

F = TypeVar("F", bound=Callable[..., Any])


def _stacked(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def engine_options(function: F) -> F:
    """Add what decides how an engine works: models, backends, generator, limits."""
    return _stacked(
        _engine_options("auto"),
        click.option(
            "--cache",
            metavar="DIR",
            type=click.Path(file_okay=False, path_type=Path),
            help="Keep what models computed in this folder, so that later runs on the same pictures ask "
            "them less; several processes may share it.",
        ),
        click.option(
            "--no-lookahead",
            "lookahead",
            flag_value=False,
            default=True,
            help="Do not ask models beforehand what a program will probably ask next. Answers are the "
            "same, forwards more.",
        ),
    )(function)


def draft_options(function: F) -> F:
    """Add the same for a verb that runs nothing: no models, unless they are named."""
    return _engine_options("none")(function)


def _engine_options(models: str) -> Callable[[F], F]:
    return _stacked(
        click.option(
            "--models",
            metavar="PRESET",
            default=models,
            show_default=True,
            help="Preset that says which model serves which role: builtin (comes with Viper; cubes, "
            "spheres and cylinders only), small, base or large (for photographs; see viper models list), "
            "auto (small where it is on disk, else builtin), none, stub, or truth:FILE (answers from a file "
            "of CLEVR scenes or GQA scene graphs, to measure programs apart from perception).",
        ),
        click.option(
            "--backend",
            "backends",
            metavar="ROLE=NAME:REFERENCE",
            multiple=True,
            help="Serve a role (detector, matcher, depth, answerer, language, or a module's own) with this "
            "model, as in detector=onnx:yolox_nano.onnx; repeatable, replaces the preset's.",
        ),
        click.option(
            "--generator",
            metavar="NAME",
            default="grammar",
            show_default=True,
            help="What writes the program: grammar (no model needed), openai:MODEL "
            "(any OpenAI-compatible server: OPENAI_BASE_URL, OPENAI_API_KEY), local:MODEL_OR_FOLDER "
            "(a language model of transformers on this machine), or auto:openai:MODEL: the grammar, "
            "and the model where the grammar cannot answer. auto takes the model from VIPER_LLM.",
        ),
        click.option(
            "--sandbox",
            type=click.Choice(["full", "partial"]),
            default="full",
            show_default=True,
            help="Least sandbox level accepted for programs that a model or a stranger wrote.",
        ),
        click.option(
            "--timeout",
            "timeout_s",
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True),
            default=300.0,
            show_default=True,
            help="Longest time for a whole answer, repairs and model loading included.",
        ),
    )


def writing_options(function: F) -> F:
    """Add how a language model is used: attempts, votes, and what it may cost."""
    return _stacked(
        click.option(
            "--max-attempts",
            metavar="N",
            type=click.IntRange(min=1),
            default=3,
            show_default=True,
            help="Programs that a language model writes for a question; each is told how the one "
            "before failed.",
        ),
        click.option(
            "--votes",
            metavar="K",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Programs that a language model writes at once; the answer is what most of them say, "
            "and their share is its confidence. 1: no vote.",
        ),
        click.option(
            "--max-cost",
            "max_cost_usd",
            metavar="USD",
            type=click.FloatRange(min=0, min_open=True),
            help="Stop before the next call of a language model when this is spent; needs its prices: "
            "openai:MODEL?input_usd=…&output_usd=… (per million tokens).",
        ),
        click.option(
            "--max-tokens",
            metavar="N",
            type=click.IntRange(min=1),
            help="Stop before the next call of a language model when this many tokens are used, "
            "prompts and completions together.",
        ),
    )(function)


def stats_option(function: F) -> F:
    """Add `--stats`."""
    return click.option(
        "--stats",
        is_flag=True,
        help="Show on stderr what it took: programs, tokens, cost, memo and cache hits, calls, "
        "forwards, times.",
    )(function)


def memo_option(function: F) -> F:
    """Add `--no-memo`."""
    return click.option(
        "--no-memo",
        "use_memo",
        flag_value=False,
        default=True,
        help="Ask the language model even where an earlier program fits the question, and remember "
        "nothing (see viper memo).",
    )(function)


def task_option(function: F) -> F:
    """Add `--task`."""
    return click.option(
        "--task",
        type=click.Choice(["vqa", "grounding"]),
        default="vqa",
        show_default=True,
        help="vqa: an answer in words. grounding: the box of what the expression names.",
    )(function)


def choices_option(function: F) -> F:
    """Add `--choices`."""
    return click.option(
        "--choices",
        metavar="A,B,…",
        callback=lambda ctx, parameter, value: tuple(
            part.strip() for part in (value or "").split(",") if part.strip()
        ),
        help="Answers to choose from, separated by commas.",
    )(function)


def trace_options(function: F) -> F:
    """Add where the run is written to."""
    return _stacked(
        click.option(
            "--trace",
            "trace_path",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the whole run to this file: FILE.html is a page to step through, with the picture, "
            "in any browser; FILE.json is for machines and for viper replay.",
        ),
        click.option(
            "--embed",
            type=click.Choice(["none", "crops", "picture"]),
            default="none",
            show_default=True,
            help="What of the picture goes into FILE.json: nothing but its hash, small crops of what was "
            "looked at and found, or the whole picture too.",
        ),
    )(function)


def output_options(function: F) -> F:
    """Add `--json` and `--debug`."""
    return _stacked(
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
        click.option("--debug", is_flag=True, help="Show tracebacks and the log."),
    )(function)


def open_engine(options: dict[str, Any]) -> Engine:
    """Make an engine of the options that `engine_options` added.

    Args:
        options: Parsed options by name; those of `writing_options` where the verb has them.

    Raises:
        ConfigError: A preset, backend or generator is unknown.
    """
    from viper.cli.output import LoadingSpinner, show_warnings
    from viper.engine.engine import Engine

    if not options["debug"]:
        show_warnings()
    arguments = engine_arguments(options)
    return Engine(**arguments, on_loading=LoadingSpinner())


def engine_arguments(options: dict[str, Any], *, data_folder: Path | None = None) -> dict[str, Any]:
    """Return the options as arguments of `Engine`, plain values that can go to another process.

    Args:
        options: Parsed options by name; those of `writing_options` where the verb has them. Settings are
            entered into it.
        data_folder: Where a relative file of scenes is looked for second.

    Raises:
        ConfigError: A backend is not written as it must be.
    """
    from viper.cli.settings import apply_settings
    from viper.generate.program_cache import program_cache_path

    apply_settings(options)
    return {
        "models": options["models"],
        "generator": options["generator"],
        "backends": backend_overrides(options["backends"]),
        "timeout_s": options["timeout_s"],
        "sandbox": options["sandbox"],
        "data_folder": data_folder,
        "cache": options.get("cache"),
        "lookahead": options.get("lookahead", True),
        "max_attempts": options.get("max_attempts", 3),
        "votes": options.get("votes", 1),
        "max_cost_usd": options.get("max_cost_usd"),
        "max_tokens": options.get("max_tokens"),
        "memo": program_cache_path() if options.get("use_memo") else None,
        **options.get("further", {}),
    }


def backend_overrides(texts: Iterable[str]) -> dict[str, str]:
    """Read the values of `--backend`: role → `NAME:REFERENCE`.

    Raises:
        ConfigError: One is not written as it must be.
    """
    from viper.errors import ConfigError

    backends: dict[str, str] = {}
    for text in texts:
        role, equals, reference = text.partition("=")
        if not equals:
            raise ConfigError(
                f"--backend takes ROLE=NAME:REFERENCE, such as detector=onnx:yolox_nano.onnx, "
                f"but got {text!r}."
            )
        backends[role.strip()] = reference.strip()
    return backends
