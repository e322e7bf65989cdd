"""Static check of the arguments of calls, for entries of the API and a program's own functions.

An error is reported only if it is certain, so calls with `*args` or `**kwargs` are not checked.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from viper_sandbox.api import Entry, did_you_mean

__all__ = ["Signature", "own_functions"]

# A hostile program may have defaults of any length.
_MAX_CHARACTERS = 200


class Signature(NamedTuple):
    """The parameters of a function."""

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
    text: str
    """As in `find(object_name)`, with the defaults."""
    aliases: Mapping[str, str] = {}
    """Other names of parameters."""

    @classmethod
    def of_entry(cls, entry: Entry) -> Signature:
        """Return the signature of an entry of the API."""
        names = tuple(p.name for p in entry.parameters)
        required = tuple(p.name for p in entry.parameters if p.required)
        text, aliases = entry.signature, entry.aliases
        return cls(entry.name, names, frozenset(names), required, False, False, text, aliases)

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
        text = f"{node.name}({_plain_parameters(a)})"
        rest, keywords = a.vararg is not None, a.kwarg is not None
        return cls(node.name, names, by_name, tuple(without_default), rest, keywords, text)

    def problems(self, call: ast.Call) -> Iterator[str]:
        """Yield a message for each error in the arguments of a call."""
        if any(isinstance(argument, ast.Starred) for argument in call.args) or any(
            keyword.arg is None for keyword in call.keywords
        ):
            return
        it_is = f"It is {self.text}."
        if len(call.args) > len(self.positional) and not self.takes_rest:
            most = f"at most {len(self.positional)}" if self.positional else "no"
            yield f"{self.name} takes {most} arguments, got {len(call.args)}. {it_is}"
        given = set(self.positional[: len(call.args)])
        for keyword in call.keywords:
            name = self.aliases.get(keyword.arg or "", keyword.arg or "")
            if name in self.by_name and name in given:
                yield f"{self.name} gets {name!r} twice. {it_is}"
            elif name not in self.by_name and not self.takes_keywords:
                hint = did_you_mean(name, self.by_name)
                yield f"{self.name} has no argument {name!r}. {hint}{it_is}"
            given.add(name)
        missing = [name for name in self.required if name not in given]
        if missing:
            yield f"{self.name} misses {', '.join(map(repr, missing))}. {it_is}"


def own_functions(tree: ast.Module, counts: Counter[str]) -> dict[str, Signature]:
    """Return the signatures of a program's functions whose names are bound only once.

    Args:
        tree: The program.
        counts: Its `binding_counts`.
    """
    return {
        node.name: Signature.of_function(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and counts[node.name] == 1 and not node.decorator_list
    }


def _plain_parameters(arguments: ast.arguments) -> str:
    """Return the text of parameters without their annotations."""
    bare = copy.deepcopy(arguments)
    for node in ast.walk(bare):
        if isinstance(node, ast.arg):
            node.annotation = None
    text = ast.unparse(bare)
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + " …"
