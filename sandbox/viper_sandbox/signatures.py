"""Whether the arguments of a call fit: the same questions for the contract and for a program's helpers.

Only what the source shows for certain is found: a call with `*args` or `**kwargs` is let pass.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from viper_sandbox.api import Entry, did_you_mean
from viper_sandbox.scopes import parameter_names

__all__ = ["Signature", "own_functions"]

_MAX_SHOWN = 200
# A hostile program may have defaults of any length.


class Signature(NamedTuple):
    """What a function may be called with."""

    name: str
    positional: tuple[str, ...]
    """Parameters that can be given by position, in order."""
    by_name: frozenset[str]
    """Parameters that can be given by keyword."""
    required: tuple[str, ...]
    takes_rest: bool
    """There is a `*args`."""
    takes_keywords: bool
    """There is a `**kwargs`."""
    shown: str
    """As in `find(object_name)`, with the defaults."""

    @classmethod
    def of_entry(cls, entry: Entry) -> Signature:
        """Return the signature of an entry of the contract."""
        names = tuple(p.name for p in entry.parameters)
        required = tuple(p.name for p in entry.parameters if p.required)
        return cls(entry.name, names, frozenset(names), required, False, False, entry.signature)

    @classmethod
    def of_function(cls, node: ast.FunctionDef) -> Signature:
        """Return the signature of a function of the program."""
        a = node.args
        ordered = [argument.arg for argument in [*a.posonlyargs, *a.args]]
        keyword_only = [argument.arg for argument in a.kwonlyargs]
        without_default = ordered[: len(ordered) - len(a.defaults)]
        without_default += [
            name for name, d in zip(keyword_only, a.kw_defaults, strict=True) if d is None
        ]
        by_name = frozenset([*(argument.arg for argument in a.args), *keyword_only])
        names = tuple(ordered)
        shown = f"{node.name}({_plain_parameters(a)})"
        rest, keywords = a.vararg is not None, a.kwarg is not None
        return cls(node.name, names, by_name, tuple(without_default), rest, keywords, shown)

    def problems(self, call: ast.Call) -> Iterator[str]:
        """Yield what is wrong with the arguments of a call, a sentence each."""
        if any(isinstance(argument, ast.Starred) for argument in call.args) or any(
            keyword.arg is None for keyword in call.keywords
        ):
            return
        it_is = f"It is {self.shown}."
        if len(call.args) > len(self.positional) and not self.takes_rest:
            most = f"at most {len(self.positional)}" if self.positional else "no"
            yield f"{self.name} takes {most} arguments, got {len(call.args)}. {it_is}"
        given = set(self.positional[: len(call.args)])
        for keyword in call.keywords:
            name = keyword.arg or ""
            if name in self.by_name and name in given:
                yield f"{self.name} gets {name!r} twice. {it_is}"
            elif name not in self.by_name and not self.takes_keywords:
                hint = did_you_mean(name, self.by_name)
                yield f"{self.name} has no argument {name!r}. {hint}{it_is}"
            given.add(name)
        missing = [name for name in self.required if name not in given]
        if missing:
            yield f"{self.name} misses {', '.join(map(repr, missing))}. {it_is}"


def own_functions(tree: ast.Module) -> dict[str, Signature]:
    """Return the signatures of the functions whose name means nothing else anywhere in a program."""
    bound: Counter[str] = Counter()
    functions: dict[str, ast.FunctionDef] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = node
            bound[node.name] += 1
            bound.update(parameter_names(node.args))
        elif isinstance(node, ast.Lambda):
            bound.update(parameter_names(node.args))
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound[node.id] += 1
        elif isinstance(node, ast.alias):
            bound[node.asname or node.name] += 1
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound[node.name] += 1
    return {
        name: Signature.of_function(node)
        for name, node in functions.items()
        if bound[name] == 1 and not node.decorator_list
    }


def _plain_parameters(arguments: ast.arguments) -> str:
    """Write parameters down without their annotations."""
    bare = ast.arguments(
        posonlyargs=[ast.arg(a.arg) for a in arguments.posonlyargs],
        args=[ast.arg(a.arg) for a in arguments.args],
        vararg=ast.arg(arguments.vararg.arg) if arguments.vararg else None,
        kwonlyargs=[ast.arg(a.arg) for a in arguments.kwonlyargs],
        kw_defaults=arguments.kw_defaults,
        kwarg=ast.arg(arguments.kwarg.arg) if arguments.kwarg else None,
        defaults=arguments.defaults,
    )
    text = ast.unparse(bare)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + " …"
