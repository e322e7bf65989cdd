"""The `viper` command: one module per verb, loaded when the verb is used.

Other packages add verbs through the entry-point group `viper.commands`; listing them imports only the
small modules that declare their options.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from viper.cli.process import OWN_PROCESS
from viper.environment.standard_streams import run_command

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["cli", "main"]

# The lines of `viper --help`, which loads no verb to print them.
_VERBS = {
    "ask": "Answer a question about an image.",
    "run": "Run a program of your own on an image.",
    "replay": "Run the programs of a trace again, without any model, and compare.",
    "trace": "Read and compare recorded answers.",
    "lint": "Check a program without running it.",
    "generate": "Print the program for a question, without running it.",
    "models": "List and fetch the models for photographs.",
    "modules": "List, check and create plugins with methods for programs.",
    "program-cache": "List or clear the programs of language models that are kept.",
    "world": "Draw images of the small world: cubes, spheres, cylinders.",
    "train": "Train the parts of Viper that can be trained.",
    "serve": "Start an HTTP API with a web page.",
    "config": "Show settings, or write a file of settings.",
    "doctor": "Check what works on this machine, and how to fix the rest.",
}

# Verbs of version 0.1 that still work, and are not listed.
_OLD_VERBS = {"memo": "program-cache"}


class _Verbs(click.Group):
    """Loads the module of a verb when the verb is used."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        with _printable_messages():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _printable_messages(), _interruptible():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_VERBS, *sorted(_plugin_verbs())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        cmd_name = _OLD_VERBS.get(cmd_name, cmd_name)
        if cmd_name in _VERBS:
            name = cmd_name.replace("-", "_")
            command = getattr(importlib.import_module(f"viper.cli.{name}"), name)
        elif cmd_name in (plugins := _plugin_verbs()):
            command = plugins[cmd_name].load()
        else:
            return None
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = dict(_VERBS)
        for name in self.list_commands(ctx):
            if name not in rows and (command := self.get_command(ctx, name)):
                rows[name] = command.get_short_help_str()
        with formatter.section("Commands"):
            formatter.write_dl([*rows.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from viper.errors import did_you_mean

            verbs = self.list_commands(ctx)
            ctx.fail(
                f"There is no verb {args[0]!r}. {did_you_mean(args[0], verbs)}"
                f"Verbs: {', '.join(verbs)}."
            )
        return super().resolve_command(ctx, args)


@contextmanager
def _printable_messages() -> Iterator[None]:
    """Make messages of click printable: they quote arguments, such as the name of a stranger's file."""
    try:
        yield
    except click.ClickException as error:
        from viper.texts.terminal import one_line

        vars(error)["message"] = one_line(error.message)  # final for the type checker alone
        raise


@contextmanager
def _interruptible() -> Iterator[None]:
    """End a verb that Ctrl-C interrupts with one line and the status of shells, at once."""
    try:
        yield
    except KeyboardInterrupt:
        from viper.cli.errors import INTERRUPTED
        from viper.cli.output import notice
        from viper.cli.process import finish

        notice("interrupted.")
        finish(INTERRUPTED)


def _plugin_verbs() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # as slow to import as all of the rest here

    return {point.name: point for point in entry_points(group="viper.commands")}


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="viper-vision", prog_name="viper")
def cli() -> None:
    """Answer questions about images by writing small programs, and show every step.

    \b
    viper ask examples/shapes.png "How many cubes are there?"      with the models that come with Viper
    viper ask examples/street.jpg "How many people are left of the bus?" \\
        --backend detector=onnx:yolox_nano.onnx
    viper generate "Is there a red car?"          print the program without running it
    viper run program.py examples/street.jpg      run your own program
    viper replay run.json                         run a recorded answer again, without any model
    viper trace show run.json                     read a recorded answer; diff compares two
    viper lint program.py                         check a program without running it
    viper program-cache list                      list cached programs of language models
    viper models list                             list the models for photographs
    viper modules list                            list plugins that add methods for programs
    viper world render OUT --count 100            draw images of the small world
    viper train limber OUT …                      train a map from a matcher to a language model
    viper config show                             list settings, and where each comes from
    viper serve                                   start an HTTP API with a web page
    viper doctor                                  check what works here, and how to fix the rest

    An answer is printed on stdout, everything else on stderr. Exit status: 0 answered, 1 failed, 2 usage,
    130 interrupted.
    """


def main() -> None:
    """Run the `viper` command; the entry point of the script."""
    # Imports leave little garbage, and looking for it takes a twentieth of the start.
    gc.set_threshold(50_000)
    run_command(lambda: cli(obj=OWN_PROCESS))
