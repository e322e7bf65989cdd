"""`viper modules`: list plugins, show what modules add, check modules and create new ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.cli.errors import checked_options, exit_on_error
from viper.cli.options import backend_option, backend_overrides, output_options
from viper.cli.output import echo, notice, print_json, show_log, show_warnings
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.modules.module import Module

__all__ = ["modules"]


@click.group()
def modules() -> None:
    """List, show, check and create modules: plugins with methods that programs may call.

    \b
    viper modules list            what is installed, without importing it
    viper modules show NAME       its methods, objects and roles
    viper modules check NAME      does it do what its stub says?
    viper modules new NAME        write a small module that works, to start from

    All installed modules are used. VIPER_PLUGINS=a,b uses only these, given by distribution or
    entry-point name; VIPER_PLUGINS=none uses none.
    """


@modules.command(name="list")
@output_options
def list_(as_json: bool, debug: bool) -> None:
    """List modules and other plugins with their distributions, without importing them."""
    from viper.generate.registry import GENERATORS as WRITERS
    from viper.models.registry import plugin_backends
    from viper.plugins import GENERATORS, GROUPS, MODULES, find_plugins

    with exit_on_error(debug=debug):
        plugin_backends()  # refuses names that are Viper's own
        found = [
            plugin
            for group in GROUPS
            for plugin in find_plugins(
                group, reserved=WRITERS if group == GENERATORS else ()
            ).values()
        ]
    if as_json:
        rows: dict[str, list[dict[str, str]]] = {"modules": [], "others": []}
        for p in found:
            row = {key: getattr(p, key) for key in ("name", "distribution", "version", "value")}
            if p.group == MODULES:
                rows["modules"].append(row)
            else:
                rows["others"].append(row | {"kind": p.kind})
        print_json(rows)
        return
    for plugin in found:
        echo(f"{one_line(plugin.name):<20} {plugin.kind:<10} {one_line(plugin.origin)}")
    if not found:
        notice(
            "no plugin is installed or chosen (VIPER_PLUGINS). Begin one with: viper modules new NAME"
        )


@modules.command()
@click.argument("name")
@output_options
def show(name: str, as_json: bool, debug: bool) -> None:
    """Show the methods, objects and roles of the module NAME; imports it, but loads no model."""
    from viper.modules.program_api import load_module

    with exit_on_error(debug=debug):
        module = load_module(name)
    if as_json:
        print_json(_to_json(module))
        return
    echo(one_line(f"{module.name}, of {module.origin}"))
    for entry in module.api.callables:
        receiver = "image_patch." if entry.is_method else ""
        echo(f"\n  {receiver}{one_line(entry.signature)}")
        echo(f"      {one_line(entry.summary)} Needs the role {entry.needs}.")
    for handle in module.api.handles:
        echo(f"\n  objects of the class {handle.name}: {one_line(handle.summary)}")
        for attribute in handle.attributes:
            echo(f"      .{attribute.name}: {attribute.type}  {one_line(attribute.doc)}")
    for role in module.roles:
        echo(f"\n  adds the role {role}: --backend {role}={module.name}:REFERENCE?option=value")


@modules.command()
@click.argument("name")
@backend_option(
    "Serve a role with this model during the check; repeatable. Default: a module's own roles by "
    "itself, others by Viper's built-in models."
)
@click.option(
    "--image",
    type=click.Path(dir_okay=False),
    help="Call the methods on this image; default: two drawn images.",
)
@output_options
def check(
    name: str, backends: tuple[str, ...], image: str | None, as_json: bool, debug: bool
) -> None:
    """Check whether the module NAME does what its stub says.

    \b
    viper modules check NAME
    viper modules check NAME --backend reader=NAME:weights.onnx --image examples/street.jpg

    This checks the stub and its docstrings, the loaders, every method with no, one and several requests in
    two orders, the types of all results, and the examples in the sandbox. Prints a line for each. Exit
    status: 0 if no line begins with FAIL.
    """
    from viper.modules.program_api import load_module
    from viper.testing.module_check import check_module

    (show_log if debug else show_warnings)()
    verdicts = []
    with exit_on_error(debug=debug):
        with checked_options():
            given = backend_overrides(backends)
        module = load_module(name)
        for verdict in check_module(module, backends=given, image=image):
            verdicts.append(verdict)
            if not as_json:
                echo(f"{verdict.state:<4}  {one_line(verdict.description)}")
    failed = sum(verdict.state == "FAIL" for verdict in verdicts)
    if as_json:
        rows = [{"state": v.state.lower(), "what": v.what, "text": v.text} for v in verdicts]
        print_json({"module": name, "passed": not failed, "verdicts": rows})
    else:
        echo(f"{failed} of {len(verdicts)} failed." if failed else "All checks passed.")
    sys.exit(1 if failed else 0)


@modules.command()
@click.argument("name")
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder in which viper-NAME is created; default: this one.",
)
@output_options
def new(name: str, into: Path, as_json: bool, debug: bool) -> None:
    """Write a small distribution with a module NAME that works, and print the next step.

    \b
    viper modules new reading
    pip install -e viper-reading
    viper modules check reading
    """
    from viper.modules.scaffold import new_module

    with exit_on_error(debug=debug):
        written = new_module(name, into)
    folder = written[0].parent
    if as_json:
        print_json({"folder": str(folder), "files": [str(path) for path in written]})
        return
    for path in written:
        echo(path)
    notice(f"next: pip install -e {folder} && viper modules check {name}")


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
