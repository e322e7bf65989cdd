"""The `viper` command: one module per verb, each loaded when it is called.

Verbs of other packages join through the entry-point group `viper.commands`; listing them imports
only the small modules that declare their options.
"""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points

import click

__all__ = ["cli", "main"]

_VERBS = tuple(
    "ask run replay trace lint generate models modules program-cache world train serve config doctor".split()
)
_OLD_VERBS = {"memo": "program-cache"}
# Verbs of version 0.1 that still work, and are not listed.


class _Verbs(click.Group):
    """Loads a verb's module when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_VERBS, *sorted(_plugged())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        cmd_name = _OLD_VERBS.get(cmd_name, cmd_name)
        if cmd_name in _VERBS:
            name = cmd_name.replace("-", "_")
            command = getattr(importlib.import_module(f"viper.cli.{name}"), name)
        elif cmd_name in (plugged := _plugged()):
            command = plugged[cmd_name].load()
        else:
            return None
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from viper.errors import did_you_mean

            known = self.list_commands(ctx)
            ctx.fail(
                f"There is no verb {args[0]!r}. {did_you_mean(args[0], known)}"
                f"Verbs: {', '.join(known)}."
            )
        return super().resolve_command(ctx, args)


def _plugged() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="viper.commands")}


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="viper-vision", prog_name="viper")
def cli() -> None:
    """Answer questions about images by writing small programs, and show every step.

    \b
    viper ask examples/shapes.png "How many cubes are there?"      with the models that Viper brings
    viper ask street.jpg "How many people are left of the bus?" \\
        --backend detector=onnx:yolox_nano.onnx
    viper generate "Is there a red car?"          print the program only
    viper run program.py street.jpg               run a program of your own
    viper replay run.json                         run a recorded answer again, without any model
    viper trace show run.json                     read a recorded answer; diff compares two
    viper lint program.py                         check it without running it
    viper program-cache list                      programs that are used again
    viper models list                             which models there are for photographs
    viper modules list                            plugins: methods that programs may call besides
    viper world render OUT --count 100            draw pictures to try it on
    viper train limber OUT …                      let a language model speak about what a matcher sees
    viper config show                             what is set, by file or environment
    viper serve                                   ask over HTTP, and from a page
    viper doctor                                  what works on this machine, and the cure of what does not

    An answer goes to stdout, everything else to stderr. Exit status: 0 answered, 1 failed, 2 usage.
    """


def main() -> None:
    """Run the command; the entry point of the `viper` script."""
    cli()
