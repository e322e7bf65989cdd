"""Options that several verbs share, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from viper.engine import Engine

__all__ = ["choices_option", "engine_options", "open_engine", "output_options", "task_option"]

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
        click.option(
            "--models",
            metavar="PRESET",
            default="none",
            show_default=True,
            help="Preset that says which model serves which role: none, stub, or truth:FILE (answers from a "
            "file of CLEVR scenes or GQA scene graphs, to measure programs apart from perception).",
        ),
        click.option(
            "--backend",
            "backends",
            metavar="ROLE=NAME:REFERENCE",
            multiple=True,
            help="Serve a role (detector, matcher, depth, answerer, language) with this model, as in "
            "detector=onnx:yolox_nano.onnx; repeatable, replaces the preset's.",
        ),
        click.option(
            "--generator",
            metavar="NAME",
            default="grammar",
            show_default=True,
            help="What writes the program: grammar (no model needed) or openai:MODEL "
            "(any OpenAI-compatible server: OPENAI_BASE_URL, OPENAI_API_KEY).",
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


def output_options(function: F) -> F:
    """Add `--json` and `--debug`."""
    return _stacked(
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
        click.option("--debug", is_flag=True, help="Show tracebacks and the log."),
    )(function)


def open_engine(
    options: dict[str, Any], *, progress: bool = True, data_folder: Path | None = None
) -> Engine:
    """Make an engine of the options that `engine_options` added.

    Args:
        options: Parsed options by name.
        progress: Show on a terminal that models load.
        data_folder: Where a relative file of scenes is looked for second.

    Raises:
        ConfigError: A preset, backend or generator is unknown.
    """
    from viper.cli.output import LoadingSpinner
    from viper.engine import Engine
    from viper.errors import ConfigError

    backends: dict[str, str] = {}
    for text in options["backends"]:
        role, equals, reference = text.partition("=")
        if not equals:
            raise ConfigError(
                f"--backend takes ROLE=NAME:REFERENCE, such as detector=onnx:yolox_nano.onnx, "
                f"but got {text!r}."
            )
        backends[role.strip()] = reference.strip()
    return Engine(
        options["models"],
        options["generator"],
        backends,
        timeout_s=options["timeout_s"],
        sandbox=options["sandbox"],
        data_folder=data_folder,
        on_loading=LoadingSpinner() if progress else None,
    )
