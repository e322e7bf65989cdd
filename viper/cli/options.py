"""Options that several verbs share, and the engine that is built from them.

The name, type, default and help of an engine option come from `viper.engine.options`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from viper.cli.errors import checked_options
from viper.cli.output import show_warnings
from viper.engine.options import OLD_NAMES, OPTIONS

if TYPE_CHECKING:
    from viper.cli.spinner import LiveLine
    from viper.engine.engine import Engine

__all__ = ["backend_option", "backend_overrides", "choices_option", "debug_option"]
__all__ += [
    "draft_options",
    "engine_arguments",
    "engine_option",
    "engine_options",
    "json_option",
    "open_engine",
    "output_options",
]
__all__ += ["program_cache_option", "show_program_option", "stacked", "stats_option"]
__all__ += ["draw_option", "task_option", "trace_options", "writing_options"]

F = TypeVar("F", bound=Callable[..., Any])
_NEW_NAMES = {new: old for old, new in OLD_NAMES.items()}


class _Renamed(click.Option):
    """An option with an old name that the help does not show."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        every = self.opts, self.secondary_opts
        self.opts, self.secondary_opts = self.opts[:1], self.secondary_opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts, self.secondary_opts = every


def stacked(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return a decorator that adds several options, in the order of the help."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def engine_option(name: str, **changed: Any) -> Callable[[F], F]:
    """Return the command-line option for an option of the engine."""
    option = OPTIONS[name]
    assert option.flag is not None
    flag, _, placeholder = option.flag.partition(" ")
    flags = [flag, *([f"--{_NEW_NAMES[name]}"] if name in _NEW_NAMES else [])]
    kinds = (option.kind, *get_args(option.kind))
    details: dict[str, Any] = {"metavar": placeholder, "default": option.default}
    if option.kind is bool:
        flags = [f"{flag}/--no-{flag[2:]}" for flag in flags]
        details["metavar"] = None
    elif option.default == "full":
        details |= {"type": click.Choice(get_args(option.kind)), "metavar": None}
    elif int in kinds:
        details["type"] = click.IntRange(min=option.at_least)
    elif float in kinds:
        details["type"] = click.FloatRange(min=option.above, min_open=True)
    elif placeholder in ("DIR", "FILE"):
        is_folder = placeholder == "DIR"
        details["type"] = click.Path(file_okay=not is_folder, dir_okay=is_folder, path_type=Path)
    details |= {"show_default": option.default is not None, "help": option.help}
    return click.option(*flags, name, cls=_Renamed, **details | changed)


def backend_option(text: str) -> Callable[[F], F]:
    """Return the option `--backend` with this help."""
    return click.option(
        "--backend", "backends", metavar="ROLE=NAME:REFERENCE", multiple=True, help=text
    )


def _common_options(**of_models: Any) -> Callable[[F], F]:
    return stacked(
        engine_option("models", **of_models),
        backend_option(
            "Serve a role (detector, matcher, depth, answerer, language, or a module's own) with this "
            "model, as in detector=onnx:yolox_nano.onnx; repeatable, replaces the preset's."
        ),
        *map(engine_option, ("generator", "sandbox", "timeout_s")),
    )


engine_options = stacked(
    _common_options(),
    engine_option("cache"),
    engine_option("prefetch"),
    engine_option("best_effort"),
)
"""Options of a verb that runs programs."""

draft_options = _common_options(default="none")
"""Options of a verb that runs nothing: no models unless they are named."""

writing_options = stacked(
    *map(engine_option, ("max_attempts", "votes", "max_cost_usd", "max_tokens")),
)
"""Use of a language model: attempts, votes, and budget."""

stats_option = click.option(
    "--stats",
    is_flag=True,
    help="Show statistics on stderr: programs, tokens, cost, program cache and cache hits, calls, "
    "forwards, times.",
)

program_cache_option = stacked(
    engine_option(
        "program_cache",
        help=f"{OPTIONS['program_cache'].help} [default: in the user's cache folder]",
    ),
    click.option(
        "--no-program-cache",
        "--no-memo",
        "use_program_cache",
        cls=_Renamed,
        flag_value=False,
        default=True,
        help="Ask the language model even if the program cache has a fitting program, and store nothing "
        "(see viper program-cache).",
    ),
)

task_option = click.option(
    "--task",
    type=click.Choice(["vqa", "grounding"]),
    default="vqa",
    show_default=True,
    help="vqa: an answer in words. grounding: the box of the object that the expression names.",
)

choices_option = click.option(
    "--choices",
    metavar="A,B,…",
    callback=lambda ctx, parameter, value: tuple(
        part.strip() for part in (value or "").split(",") if part.strip()
    ),
    help="Answers to choose from, separated by commas.",
)

trace_options = stacked(
    click.option(
        "--trace",
        "trace_path",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the whole run to this file: FILE.html is a page to step through in any browser, with "
        "the image; FILE.json is for scripts and viper replay.",
    ),
    click.option(
        "--embed",
        type=click.Choice(["none", "crops", "picture"]),
        default="none",
        show_default=True,
        help="Part of the image that goes into FILE.json: its hash only (none), small crops of the "
        "patches as well, or also the whole image (picture).",
    ),
)

draw_option = click.option(
    "--draw",
    "draw_path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw what the answer rests on and write it to FILE.png or FILE.jpg: what it counts or names is "
    "numbered, what was dropped is thin, what others were compared with is dashed.",
)

show_program_option = click.option(
    "--show-program", is_flag=True, help="Print the program on stderr."
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout."
)
debug_option = click.option("--debug", is_flag=True, help="Show tracebacks and the log.")
output_options = stacked(json_option, debug_option)


def open_engine(
    options: dict[str, Any], *, live: LiveLine | None = None, for_prompt: bool = False
) -> Engine:
    """Make an engine from parsed options.

    Args:
        options: Parsed options by name, with those of `engine_options` or `draft_options`.
        live: Shows what the engine does; None for a new one.
        for_prompt: Only a prompt is wanted: nothing is sent, so that no key is needed.

    Raises:
        ConfigError: A preset, backend or generator is unknown.
    """
    from viper.cli.spinner import LiveLine
    from viper.engine.engine import Engine
    from viper.generate.auto import resolve_auto
    from viper.generate.registry import prompt_generator

    if not options["debug"]:
        show_warnings()
    arguments = engine_arguments(options)
    with checked_options():
        if for_prompt:
            arguments["generator"] = prompt_generator(resolve_auto(arguments["generator"]))
        return Engine(**arguments, on_loading=live or LiveLine())


def engine_arguments(options: dict[str, Any], *, data_folder: Path | None = None) -> dict[str, Any]:
    """Return parsed options as arguments of `Engine`: plain values that can go to another process.

    Args:
        options: Parsed options by name; changed in place by `apply_settings`.
        data_folder: Second place to look for a scene file with a relative path.

    Raises:
        ConfigError: A value of `--backend` has the wrong form.
    """
    from viper.cli.settings import apply_settings, program_cache_file, text_cache_folder

    apply_settings(options)
    arguments = {name: options[name] for name in OPTIONS if name in options}
    used = options.get("use_program_cache")
    with checked_options():
        backends = backend_overrides(options["backends"])
    return {
        **arguments,
        **options.get("further", {}),
        "text_cache": text_cache_folder(),
        "backends": backends,
        "data_folder": data_folder,
        "program_cache": program_cache_file(options.get("program_cache")) if used else None,
    }


def backend_overrides(texts: Iterable[str]) -> dict[str, str]:
    """Parse the values of `--backend`: role → `NAME:REFERENCE`.

    Raises:
        ConfigError: A value has the wrong form.
    """
    from viper.errors import ConfigError

    backends: dict[str, str] = {}
    for text in texts:
        role, equals, reference = text.partition("=")
        if not equals or not role.strip().isidentifier():
            raise ConfigError(_without_role(text))
        backends[role.strip()] = reference.strip()
    return backends


def _without_role(text: str) -> str:
    """Return what is wrong with a value of `--backend` that does not begin with a role."""
    from viper.models.reference_hints import either, with_role
    from viper.models.registry import backend_names

    forms = with_role(text.strip(), backend_names())
    example = "ROLE=NAME:REFERENCE, such as detector=onnx:yolox_nano.onnx"
    if not forms:
        return f"--backend takes {example}, but got {text!r}."
    return f"--backend takes ROLE=NAME:REFERENCE, but got {text!r}. Write {either(forms)}."
