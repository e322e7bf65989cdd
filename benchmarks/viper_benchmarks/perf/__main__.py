"""The command `python -m viper_benchmarks.perf`: one verb per benchmark, loaded when it is used."""

from __future__ import annotations

import importlib

import click

from viper.environment.standard_streams import run_command

__all__ = ["perf"]

_BENCHMARKS = "startup sandbox world builtin runner forwards overhead throughput soak serve".split()


class _Benchmarks(click.Group):
    """Imports the module of a benchmark when its verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_BENCHMARKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _BENCHMARKS:
            return None
        module = importlib.import_module(f"viper_benchmarks.perf.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Benchmarks, context_settings={"help_option_names": ["-h", "--help"]})
def perf() -> None:
    """Measure the engine on this machine.

    Run it on an idle machine; the result contains the load average before the run.
    """


if __name__ == "__main__":
    run_command(lambda: perf(prog_name="python -m viper_benchmarks.perf"))
