"""The static check of the function that the host calls: that it is there, what it asks for and returns."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from viper_sandbox.api import Api, did_you_mean
from viper_sandbox.extract import ENTRY, outside_functions
from viper_sandbox.findings import Finding
from viper_sandbox.own_members import members_of_classes
from viper_sandbox.scopes import bound_names

__all__ = ["entry_findings", "parameters_to_give"]


def entry_findings(
    tree: ast.Module, entry: ast.FunctionDef | None, arguments: Collection[str], api: Api
) -> Iterator[Finding]:
    """Yield what is wrong with the entry.

    Args:
        tree: The program.
        entry: Its entry, None if there is none.
        arguments: Names of the arguments that a run passes besides `image`.
        api: The API, whose names a run passes as well.
    """
    if entry is None:
        if ENTRY not in members_of_classes(tree):  # else the class is refused
            names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
            yield _finding(
                1,
                f"There is no function {ENTRY}(image). "
                f"{did_you_mean(ENTRY, names)}Define it; it must return the answer.",
            )
        return
    for statement in tree.body[tree.body.index(entry) + 1 :]:
        if entry.name in bound_names([statement]):
            yield _finding(statement.lineno, f"{entry.name} is bound again here. Use another name.")
            break
    if _falls_through(entry.body) and not _returns_a_value(entry):
        yield _finding(entry.lineno, f"{entry.name} never returns a value. End it with 'return'.")
    available = {"image", *arguments, *api.names}
    read = {node.id for node in ast.walk(entry) if isinstance(node, ast.Name)}
    for argument, has_default in _positional(entry, available):
        if has_default is False and argument.arg in read:
            yield _finding(
                argument.lineno,
                f"{entry.name} asks for the parameter {argument.arg!r}, which is not given. "
                f"{did_you_mean(argument.arg, available)}Given: {', '.join(sorted(available))}.",
            )
    for argument, default in zip(entry.args.kwonlyargs, entry.args.kw_defaults, strict=True):
        if default is None:
            yield _finding(
                argument.lineno,
                f"{entry.name} asks for the keyword-only parameter {argument.arg!r}. "
                f"Write def {entry.name}(image).",
            )


def parameters_to_give(
    entry: ast.FunctionDef | None, arguments: Collection[str], api: Api
) -> tuple[str, ...]:
    """Return the names of the positional parameters that get values, in order."""
    if entry is None:
        return ()
    names: list[str] = []
    for argument, has_default in _positional(entry, {"image", *arguments, *api.names}):
        if has_default:
            break  # and so have all that follow
        names.append(argument.arg)
    return tuple(names)


def _positional(
    entry: ast.FunctionDef, available: Collection[str]
) -> Iterator[tuple[ast.arg, bool | None]]:
    """Yield each positional parameter and whether it has a default; None for one that gets a value.

    The first one is the image, whatever its name.
    """
    positional = [*entry.args.posonlyargs, *entry.args.args]
    names = [argument.arg for argument in positional]
    alias = None if "image" in names or not names or names[0] in available else names[0]
    first_default = len(positional) - len(entry.args.defaults)
    for index, argument in enumerate(positional):
        given = argument.arg in available or argument.arg == alias
        yield argument, None if given else index >= first_default


def _finding(line: int, message: str) -> Finding:
    return Finding("check", line, message)


def _returns_a_value(function: ast.FunctionDef) -> bool:
    return any(
        (isinstance(node, ast.Return) and node.value is not None)
        or isinstance(node, (ast.Yield, ast.YieldFrom))
        for node in outside_functions(function.body)
    )


def _falls_through(body: list[ast.stmt]) -> bool:
    """Return whether the end of a block can be reached, judging by its last statement."""
    match body[-1]:
        case ast.Raise() | ast.Expr(value=ast.Call(func=ast.Name(id="absent" | "unsure"))):
            return False
        case ast.While(test=ast.Constant(value=value)) as loop if value:
            return any(isinstance(node, ast.Break) for node in ast.walk(loop))
        case ast.If(body=then, orelse=[_, *_] as otherwise):
            return _falls_through(then) or _falls_through(otherwise)
        case _:
            return True
