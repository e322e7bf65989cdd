"""`viper bench`: score an engine on a benchmark, compare runs, list the benchmarks."""

from __future__ import annotations

from pathlib import Path

import click

from viper.cli.errors import exit_on_error
from viper.cli.options import output_options
from viper.errors import ViperError, did_you_mean

__all__ = ["bench"]

_FACTS = "name version summary origin splits subsets exposure".split()


class _Bench(click.Group):
    """A command per task; a task is loaded when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from viper_benchmarks.registry import task_names

        try:
            return [*task_names(), *super().list_commands(ctx)]
        except ViperError as error:  # two plugins of one name
            raise click.ClickException(str(error)) from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        from viper_benchmarks.registry import task_names
        from viper_benchmarks.task_command import task_command

        try:
            return task_command(cmd_name) if cmd_name in task_names() else None
        except ViperError as error:
            raise click.ClickException(str(error)) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in names:
            ctx.fail(
                f"There is no benchmark {args[0]!r}. {did_you_mean(args[0], names)}"
                f"Benchmarks and verbs: {', '.join(names)}."
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from viper_benchmarks.registry import BUILT_IN, load_task, plugin_tasks

        rows = [(name, load_task(name).summary) for name in BUILT_IN]
        rows += [(name, f"(from {plugin.origin})") for name, plugin in plugin_tasks().items()]
        with formatter.section("Benchmarks"):
            formatter.write_dl(rows)
        with formatter.section("Verbs"):
            formatter.write_dl(
                [(name, command.get_short_help_str(90)) for name, command in self.commands.items()]
            )


@click.group(cls=_Bench, context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Score an engine on a benchmark. A failed sample always counts as wrong.

    \b
    viper bench jsonl --data mine.jsonl --models stub --output runs/first
    viper bench refcoco --data DATA --split testA --subset standard --baselines \\
        --backend detector=onnx:yolox_nano.onnx --output runs/refcoco
    viper bench clevr --data CLEVR_v1.0 --models builtin --attribute-errors
    viper bench compare runs/first runs/second
    viper bench list
    viper bench gqa --help          the files it needs, and their source
    """


@bench.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@output_options
def compare(first: Path, second: Path, as_json: bool, debug: bool) -> None:
    """Compare two runs on the same samples: which samples changed, and whether by chance.

    \b
    viper bench compare runs/grammar runs/gpt
    """
    from viper.cli.output import echo, print_json
    from viper_benchmarks.compare import compare_runs
    from viper_benchmarks.tables import comparison_lines

    with exit_on_error(debug=debug):
        comparison = compare_runs(first, second)
    if as_json:
        print_json(comparison)
        return
    for line in comparison_lines(comparison):
        echo(line)


@bench.command("list")
@output_options
def list_tasks(as_json: bool, debug: bool) -> None:
    """List the benchmarks with their versions, splits and pinned subsets; without importing plugins."""
    from viper.cli.output import echo, print_json
    from viper_benchmarks.registry import BUILT_IN, load_task, plugin_tasks

    with exit_on_error(debug=debug):
        tasks = [load_task(name) for name in BUILT_IN]
        plugins = {name: plugin.origin for name, plugin in plugin_tasks().items()}
    if as_json:
        print_json(
            {
                "tasks": [
                    {
                        **{fact: getattr(task, fact) for fact in _FACTS},
                        "layout": task.layout.splitlines(),
                        "default_split": task.default_split or None,
                    }
                    for task in tasks
                ],
                "plugins": plugins,
            }
        )
        return
    for task in tasks:
        echo(f"{task.name:<10} v{task.version}  {task.summary}")
        if task.splits:
            splits = (f"{s} {n:,}" if n is not None else s for s, n in task.splits.items())
            echo(f"{'':<14} splits: {', '.join(splits)}")
        echo(f"{'':<14} subsets: {', '.join(f'{s} {n:,}' for s, n in task.subsets.items())}")
        echo(f"{'':<14} from: {task.origin}")
    for name, distribution in plugins.items():
        echo(f"{name:<10} from {distribution}")
