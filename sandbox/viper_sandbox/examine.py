"""Examination of a generator's text: extract, parse, check, guard and compile the program."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection
from types import CodeType
from typing import NamedTuple

from viper_sandbox.api import Api
from viper_sandbox.check import check_program
from viper_sandbox.evidence.flow import Flow
from viper_sandbox.evidence.marking import MOST_NODES, apply_marking_policy
from viper_sandbox.extract import extract, parse
from viper_sandbox.findings import MAX_FINDINGS, CallSite, Finding, StringLiteral, capped
from viper_sandbox.imports import drop_unused_imports
from viper_sandbox.limits import Limits
from viper_sandbox.literals import string_literals
from viper_sandbox.policy import apply_policy
from viper_sandbox.program_session import PROGRAM_FILE
from viper_sandbox.source_lines import lines_of

__all__ = ["ARGUMENT_ALIASES", "Examined", "examine"]

ARGUMENT_ALIASES = {"question": "query"}
"""Other names under which programs may ask for an argument of a run."""

# Room for the line of the program behind it.
_MAX_REASON = 300


class Examined(NamedTuple):
    """An examined program; it may run if there are no findings."""

    source: str
    """The normalized source, to which all lines refer."""
    findings: tuple[Finding, ...]
    call_sites: tuple[CallSite, ...] = ()
    code: CodeType | None = None
    """The guarded module; None if there are findings."""
    entry: str = ""
    """Name of the function to call."""
    parameters: tuple[str, ...] = ()
    """Names of its arguments, in order."""
    literals: tuple[StringLiteral, ...] | None = None
    """Its string literals; None if there are findings or too many literals."""
    flow: Flow | None = None
    """Its data flow, marked in the code; None if there are findings or no language layer."""


def examine(
    text: str,
    api: Api,
    arguments: Collection[str] = (),
    limits: Limits | None = None,
    *,
    language: bool = True,
) -> Examined:
    """Examine the text of a program; every error in it is a finding.

    Args:
        text: Text of the generator.
        api: The API.
        arguments: Names of the arguments that a run passes besides `image`.
        limits: Limits of the source; the defaults if None.
        language: False only to test the confinement without the language layer.
    """
    limits = limits or Limits()
    size = len(text.encode("utf-8", "replace"))
    if size > limits.source_bytes:
        message = f"The program has {size:,} bytes; {limits.source_bytes:,} are allowed."
        return Examined("", (Finding("limit", 1, message),))
    source = extract(text)
    try:
        return _examine(source, api, arguments, limits, language)
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), source.count("\n") or 1)
        return Examined(source, (Finding("syntax", line, _syntax_message(error, source)),))
    except ValueError as error:  # a null byte, or a number of thousands of digits
        message = capped(f"The program is not Python: {error}.")
        return Examined(source, (Finding("syntax", 1, message),))
    except (RecursionError, MemoryError):
        message = "The program is nested too deeply. Write it in several statements."
        return Examined(source, (Finding("syntax", 1, message),))


def _examine(
    source: str, api: Api, arguments: Collection[str], limits: Limits, language: bool
) -> Examined:
    tree = parse(source)
    if not tree.body:
        return Examined(source, (Finding("syntax", 1, "There is no program: the text is empty."),))
    nodes = _count_nodes(tree)
    if nodes > limits.nodes:
        message = f"The program has {nodes:,} syntax nodes; {limits.nodes:,} are allowed."
        return Examined(source, (Finding("limit", 1, message),))
    literals = string_literals(tree, source)
    _compile(tree)  # finds errors that parsing does not, before the tree is rewritten
    if language:
        drop_unused_imports(tree)
    named = {*arguments, *(other for other, name in ARGUMENT_ALIASES.items() if name in arguments)}
    found, sites, entry, parameters = check_program(tree, api, named)
    flow: Flow | None = None
    if language:
        if nodes <= MOST_NODES:
            tree, refusals, flow = apply_marking_policy(tree, api.finding)
        else:
            tree, refusals = apply_policy(tree)
        ordered = sorted({*refusals, *found}, key=lambda f: (f.line, f.message))[:MAX_FINDINGS]
        if ordered:
            findings = tuple(f._replace(message=capped(f.message)) for f in ordered)
            return Examined(source, findings, sites)
    return Examined(source, (), sites, _compile(tree), entry, parameters, literals, flow)


def _count_nodes(tree: ast.Module) -> int:
    """Return the number of nodes in a tree, those of contexts and operators included."""
    pending: list[ast.AST] = [tree]
    for node in pending:  # it grows
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                pending.append(part)
            elif type(part) is list:
                pending += [item for item in part if isinstance(item, ast.AST)]
    return len(pending)


def _compile(tree: ast.Module) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: CodeType = compile(tree, PROGRAM_FILE, "exec", dont_inherit=True)
    return code


def _syntax_message(error: SyntaxError, source: str) -> str:
    lines = ["", *lines_of(source)]
    number = error.lineno or 0
    line = lines[number].strip()[:80] if number < len(lines) else ""
    message = (error.msg or "invalid syntax")[:_MAX_REASON]
    return f"{message}{f', at: {line}' if line else ''}"
