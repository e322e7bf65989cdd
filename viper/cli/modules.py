"""`viper modules`: which plugins there are, what they add, whether they keep their contract."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from viper.cli.options import output_options

if TYPE_CHECKING:
    from viper.errors import ViperError
    from viper.modules.module import Module

__all__ = ["modules"]


@click.group()
def modules() -> None:
    """Show, test and begin plugins: methods that programs may call besides Viper's own.

    \b
    viper modules list            what is installed; imports nothing of it
    viper modules show NAME       its methods, objects and roles
    viper modules check NAME      the contract test: does it do what its stub says?
    viper modules new NAME        write a module that works, to begin with

    All installed modules are used. VIPER_PLUGINS=a,b uses those alone, by the name of a distribution or of
    an entry; VIPER_PLUGINS=none uses none.
    """


@modules.command(name="list")
@output_options
def list_(as_json: bool, debug: bool) -> None:
    """List modules, and plugins of other kinds, with their distributions; imports none of them."""
    from viper.cli.output import notice, one_line, print_json
    from viper.errors import ViperError
    from viper.generate.registry import GENERATORS as WRITERS
    from viper.models.registry import plugin_backends
    from viper.plugins import BACKENDS, BENCHMARKS, GENERATORS, MODULES, find_plugins

    try:
        plugin_backends()  # complains of names that are Viper's own
        found = [
            *find_plugins(MODULES).values(),
            *find_plugins(BACKENDS).values(),
            *find_plugins(GENERATORS, reserved=WRITERS).values(),
            *find_plugins(BENCHMARKS).values(),
        ]
    except ViperError as error:
        _fail(error, debug)
    rows = [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "value": p.value}
        | ({} if p.group == MODULES else {"kind": p.kind})
        for p in found
    ]
    if as_json:
        own = [row for row in rows if "kind" not in row]
        print_json({"modules": own, "others": [row for row in rows if "kind" in row]})
        return
    for plugin in found:
        click.echo(f"{one_line(plugin.name):<20} {plugin.kind:<10} {one_line(plugin.origin)}")
    if not found:
        notice(
            "no plugin is installed or chosen (VIPER_PLUGINS). Begin one with: viper modules new NAME"
        )


@modules.command()
@click.argument("name")
@output_options
def show(name: str, as_json: bool, debug: bool) -> None:
    """Show what the module NAME adds: methods, objects and roles; imports it, loads no model."""
    from viper.cli.output import one_line, print_json
    from viper.errors import ViperError

    try:
        module = _load(name)
    except ViperError as error:
        _fail(error, debug)
    if as_json:
        print_json(_to_json(module))
        return
    click.echo(one_line(f"{module.name}, of {module.origin}"))
    for entry in module.api.callables:
        place = "image_patch." if entry.is_method else ""
        click.echo(f"\n  {place}{one_line(entry.signature)}")
        click.echo(f"      {one_line(entry.summary)} Needs the role {entry.needs}.")
    for handle in module.api.handles:
        click.echo(f"\n  objects of the class {handle.name}: {one_line(handle.summary)}")
        for attribute in handle.attributes:
            click.echo(f"      .{attribute.name}: {attribute.type}  {one_line(attribute.doc)}")
    for role in module.roles:
        click.echo(
            f"\n  brings the role {role}: --backend {role}={module.name}:REFERENCE?option=value"
        )


@modules.command()
@click.argument("name")
@click.option(
    "--backend",
    "backends",
    metavar="ROLE=NAME:REFERENCE",
    multiple=True,
    help="Serve a role with this model during the test; repeatable. Default: a module's own roles by "
    "itself, others by the models that Viper brings.",
)
@click.option(
    "--image",
    type=click.Path(dir_okay=False),
    help="Try it on this picture; default: two that are drawn.",
)
@output_options
def check(
    name: str, backends: tuple[str, ...], image: str | None, as_json: bool, debug: bool
) -> None:
    """Run the contract test of the module NAME.

    \b
    viper modules check NAME
    viper modules check NAME --backend reader=NAME:weights.onnx --image street.jpg

    Tried are the stub and its docstrings, the loaders, every method with no, one and several requests in
    two orders, the types of all results, and the examples in the sandbox. Prints a line for each. Exit
    status: 0 if none begins with FAIL.
    """
    from viper.cli.options import backend_overrides
    from viper.cli.output import one_line, print_json, show_log, show_warnings
    from viper.errors import ViperError
    from viper.testing.module_contract import Verdict, check_module

    (show_log if debug else show_warnings)()
    verdicts: list[Verdict] = []
    try:
        module = _load(name)
        for verdict in check_module(module, backends=backend_overrides(backends), image=image):
            verdicts.append(verdict)
            if not as_json:
                click.echo(f"{verdict.state:<4}  {one_line(verdict.told)}")
    except ViperError as error:
        _fail(error, debug)
    failed = sum(verdict.state == "FAIL" for verdict in verdicts)
    if as_json:
        rows = [{"state": v.state.lower(), "what": v.what, "text": v.text} for v in verdicts]
        print_json({"module": name, "passed": not failed, "verdicts": rows})
    else:
        click.echo(f"{failed} of {len(verdicts)} failed." if failed else "The contract is kept.")
    sys.exit(1 if failed else 0)


@modules.command()
@click.argument("name")
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder in which viper-NAME is made; default: this one.",
)
@output_options
def new(name: str, into: Path, as_json: bool, debug: bool) -> None:
    """Write a small distribution with a module NAME that works, and say what to do next.

    \b
    viper modules new reading
    pip install -e viper-reading
    viper modules check reading
    """
    from viper.cli.output import notice, print_json
    from viper.errors import ViperError
    from viper.modules.scaffold import new_module

    try:
        written = new_module(name, into)
    except ViperError as error:
        _fail(error, debug)
    folder = written[0].parent
    if as_json:
        print_json({"folder": str(folder), "files": [str(path) for path in written]})
        return
    for path in written:
        click.echo(path)
    notice(f"next: pip install -e {folder} && viper modules check {name}")


def _load(name: str) -> Module:
    from viper.modules.program_api import load_module

    return load_module(name)


def _fail(error: ViperError, debug: bool) -> NoReturn:
    from viper.cli.output import print_error

    print_error(error, debug=debug)
    sys.exit(1)


def _to_json(module: Module) -> dict[str, Any]:
    return {
        "name": module.name,
        "origin": module.origin,
        "methods": [
            {
                "name": entry.qualified_name,
                "signature": entry.signature,
                "needs": entry.needs,
                "summary": entry.summary,
            }
            for entry in module.api.callables
        ],
        "objects": [
            {
                "name": handle.name,
                "summary": handle.summary,
                "attributes": [
                    {"name": a.name, "type": a.type, "doc": a.doc} for a in handle.attributes
                ],
            }
            for handle in module.api.handles
        ],
        "roles": list(module.roles),
    }
