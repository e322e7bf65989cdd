"""Statements around a program that only try it out: they are cut off, because the host runs the program.

    from PIL import Image                     read by usage alone
    image = Image.open("goats.jpg")           binds a parameter of the entry, which the host gives
    def execute_command(image): ...
    answer = execute_command(image)           refers to the entry
    print(answer)                             reads what usage has bound
    sys.path.append("viper")                  sets a module up that the entry does not need

What the entry needs, at any distance, is never usage. Nothing that is cut off is run.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from viper_sandbox.namespace import ALLOWED_MODULES
from viper_sandbox.scopes import bound_names, parameter_names
from viper_sandbox.source_lines import lines_of

__all__ = ["is_leftover", "without", "without_usage"]

_LEFTOVERS = frozenset({"python", "python3", "py", "code", "tool_code"})

# More on one line are left as they are: cutting them out takes time with the square of their number.
_MOST_ON_A_LINE = 50

# Each round follows the statements one step further; usage is a few steps long.
_ROUNDS = 8


def without_usage(source: str, tree: ast.Module, entry: ast.FunctionDef) -> str:
    """Return a source without the statements that only try the program out.

    Args:
        source: The program.
        tree: The parsed program.
        entry: The function that the host calls.
    """
    if len(tree.body) == 1:
        return source
    try:
        dropped = _usage(tree.body, entry)
    except RecursionError:  # nested too deeply, which the check reports
        return source
    return without(source, tree.body, dropped)


def without(source: str, body: Sequence[ast.stmt], dropped: Iterable[int]) -> str:
    """Return a source without some statements of its body.

    Args:
        source: The program.
        body: All statements of the module, in order.
        dropped: Indices of those to leave out.
    """
    gone = set(dropped)
    if not gone:
        return source
    lines: list[str | None] = list(lines_of(source))
    for group in _sharing_lines(body):
        leaving = gone.intersection(group)
        if not leaving or len(group) > _MOST_ON_A_LINE:
            continue
        first = min([body[group[0]].lineno, *(d.lineno for d in _decorators(body[group[0]]))])
        last = body[group[-1]].end_lineno or first
        kept = [ast.get_source_segment(source, body[i]) or "" for i in group if i not in leaving]
        lines[first - 1 : last] = ["\n".join(kept) or None, *[None] * (last - first)]
    return "\n".join(line for line in lines if line is not None) + "\n"


def _usage(body: Sequence[ast.stmt], entry: ast.FunctionDef) -> set[int]:
    """Return the indices of the statements that only try the entry out."""
    place = next(index for index, node in enumerate(body) if node is entry)
    binds = [frozenset[str]() if i == place else bound_names([n]) for i, n in enumerate(body)]
    reads = [_free([node]) for node in body]
    binders: dict[str, set[int]] = defaultdict(set)
    readers: dict[str, set[int]] = defaultdict(set)
    for index in range(len(body)):
        for name in binds[index]:
            binders[name].add(index)
        for name in reads[index] - (binds[index] if index != place else frozenset()):
            readers[name].add(index)
    needed, pending = {place}, [place]
    while pending:
        for name in reads[pending.pop()]:
            for index in binders[name] - needed:
                needed.add(index)
                pending.append(index)
    needed.update(binders[entry.name])  # bound again, which the check reports
    free = [index for index in range(len(body)) if index not in needed]
    given = parameter_names(entry.args)
    bound = frozenset[str]().union(*(binds[index] for index in needed))
    foreign = {
        name for name, places in binders.items() if all(map(_is_import, (body[i] for i in places)))
    }
    foreign -= ALLOWED_MODULES.keys()
    usage = {
        index
        for index in free
        if entry.name in reads[index]
        or is_leftover(body[index])
        or _is_main(body[index])
        or (binds[index] and binds[index] <= given and isinstance(body[index], _ASSIGNMENTS))
        # What sets modules up that the program does not need, such as sys.path.append(...).
        or (
            not binds[index]
            and isinstance(body[index], (ast.Expr, *_ASSIGNMENTS))
            and reads[index] & foreign
            and not reads[index] & bound
        )
    }
    for _ in range(_ROUNDS):
        made = frozenset[str]().union(*(binds[index] for index in usage))
        more = {
            index
            for index in free
            if index not in usage
            and (
                made & reads[index]
                or (
                    binds[index]
                    and all(readers[name] and readers[name] <= usage for name in binds[index])
                )
            )
        }
        if not more:
            break
        usage |= more
    return usage


_ASSIGNMENTS = (ast.Assign, ast.AnnAssign)


def is_leftover(node: ast.stmt) -> bool:
    """Return whether a statement is the name of the language that a fence leaves behind, as in "python"."""
    match node:
        case ast.Expr(value=ast.Name(id=name)):
            return name.lower() in _LEFTOVERS
        case _:
            return False


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(inner, ast.Name) and inner.id == "__name__" for inner in ast.walk(node.test)
    )


def _free(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements or expressions read from outside their own functions."""
    read: set[str] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                read.add(node.id)
        elif isinstance(node, ast.AnnAssign):  # annotations are not evaluated
            pending += [part for part in (node.target, node.value) if part is not None]
        elif isinstance(node, ast.Lambda):
            read |= _free([node.body]) - parameter_names(node.args) - bound_names([node.body])
            pending += _defaults(node.args)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own = parameter_names(node.args) | bound_names(node.body)
            shared = (inner.names for inner in ast.walk(node) if isinstance(inner, ast.Global))
            read |= _free(node.body) - own.difference(*shared)
            pending += [*_defaults(node.args), *node.decorator_list]
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            own = frozenset().union(*(bound_names([g.target]) for g in node.generators))
            read |= _free(ast.iter_child_nodes(node)) - own
        else:
            pending.extend(ast.iter_child_nodes(node))
    return read


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [d for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None]


def _decorators(node: ast.AST) -> list[ast.expr]:
    return getattr(node, "decorator_list", [])


def _sharing_lines(body: Sequence[ast.stmt]) -> Iterator[list[int]]:
    """Yield the indices of statements in groups: those that share lines, as in `a = 1; b = 2`."""
    group: list[int] = []
    for index, node in enumerate(body):
        if group and node.lineno > (body[group[-1]].end_lineno or 0):
            yield group
            group = []
        group.append(index)
    if group:
        yield group
