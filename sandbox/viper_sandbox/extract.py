"""Extraction of the program from the text of a generator.

A language model wraps programs in Markdown fences and prose, adds an example call, or writes only the body of
the function. `extract` returns the normalized source, which is checked and run; all line numbers refer to it.
This runs in the child only: the host never examines a program.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

from viper_sandbox.source_lines import lines_of

__all__ = ["ENTRY", "entry_function", "extract", "outside_functions", "parse"]

ENTRY = "execute_command"

_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE_START = re.compile(r"^[^\S\n]*(?:(?:def|import|from|async|class)\b|@)", re.MULTILINE)
_DATA_NODES = (ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict)
# Maximum number of paragraphs of prose that are cut off after a program.
_MAX_CUTS = 20


def parse(source: str) -> ast.Module:
    """Parse a source text without warnings.

    Raises:
        SyntaxError: It is not Python.
        ValueError: It has characters that are not allowed in a source.
        RecursionError: It is nested too deeply, which may also raise MemoryError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def extract(text: str) -> str:
    """Return the program in a text as a module that defines a function.

    Args:
        text: Text of the generator: a module, fenced blocks between prose, or a bare body.

    Returns:
        The normalized source, which ends in one newline. If there is no program, the part that most
        resembles one, so that its syntax error is reported.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    blocks = _fenced(text)
    candidates = [text, *blocks] if blocks else [text, _join_first_line(text)]
    for candidate in candidates:
        found = _program(candidate)
        if found is not None:
            return found
    for candidate in [*blocks, text]:
        found = _without_prose(candidate)
        if found is not None:
            return found
    return _tidy(blocks[0] if blocks else _from_code_start(text))


def entry_function(tree: ast.Module) -> ast.FunctionDef | None:
    """Return the function to call: `execute_command`, or the only function of the program."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    named = [node for node in functions if node.name == ENTRY]
    if named:
        return named[-1]
    defines = any(isinstance(n, ast.FunctionDef) and n.name == ENTRY for n in ast.walk(tree))
    only = len(functions) == 1 and not defines and not _uses(tree, ENTRY, ast.Store)
    return functions[0] if only else None


def _program(candidate: str) -> str | None:
    """Return the normalized source if the candidate is a whole program or a bare body."""
    source = _tidy(candidate)
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not tree.body:
        return None
    returns = any(isinstance(inner, ast.Return) for inner in outside_functions(tree.body))
    entry = entry_function(tree)
    last = tree.body[-1]
    if not returns and any(isinstance(node, ast.FunctionDef) for node in tree.body):
        if entry is not None and (entry.name == ENTRY or not _is_body(tree, entry)):
            return _without_usage(source, tree, entry.name)
        return _wrap(source, tree) if isinstance(last, ast.Expr) else source
    if returns or isinstance(last, (ast.Assign, ast.AugAssign, ast.For, ast.If)):
        return _wrap(source, tree)
    if isinstance(last, ast.Expr) and (len(tree.body) > 1 or _computes(last.value)):
        return _wrap(source, tree)
    return None


def _wrap(source: str, tree: ast.Module) -> str:
    """Make a bare body the body of `execute_command`."""
    lines = lines_of(source)
    last = tree.body[-1]
    if isinstance(last, ast.Expr) and not isinstance(last.value, (ast.Yield, ast.YieldFrom)):
        start = last.col_offset
        line = lines[last.lineno - 1].encode()  # column offsets count UTF-8 bytes
        lines[last.lineno - 1] = (line[:start] + b"return " + line[start:]).decode()
    # Indentation would change the lines that begin inside a string.
    kept = {
        number
        for node in ast.walk(tree)
        if isinstance(node, (ast.Constant, ast.JoinedStr))
        for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    body = [
        line if number in kept or not line.strip() else f"    {line}"
        for number, line in enumerate(lines, start=1)
    ]
    head = [f"def {ENTRY}(image):"]
    if _uses(tree, "image_patch") and not _uses(tree, "image_patch", ast.Store):
        head.append("    image_patch = ImagePatch(image)")
    return "\n".join([*head, *body]) + "\n"


def _without_usage(source: str, tree: ast.Module, entry: str) -> str:
    """Cut off the example call after the program."""
    end: int | None = None
    for node in reversed(tree.body):
        if not _is_usage(node, entry):
            break
        end = node.lineno - 1
    if end is None:
        return source
    return _tidy("\n".join(lines_of(source)[:end]))


def _is_usage(node: ast.stmt, entry: str) -> bool:
    if isinstance(node, ast.If):
        return _uses(node.test, "__name__")
    return isinstance(node, (ast.Expr, ast.Assign)) and any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == entry
        for call in ast.walk(node)
    )


def _is_body(tree: ast.Module, only: ast.FunctionDef) -> bool:
    """Return whether the statements around a single helper function are the body of the program.

    They are not if only a plain call of the function follows, as an example.
    """
    last = tree.body[-1]
    match last:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[ast.Call() as call])):
            pass
        case ast.Expr(value=ast.Call() as call):
            pass
        case _:
            return isinstance(last, ast.Expr) and last is not tree.body[0]
    plain = all(isinstance(argument, ast.Name) for argument in call.args)
    example = isinstance(call.func, ast.Name) and call.func.id == only.name and plain
    return not example or tree.body[-2] is not only


def _without_prose(text: str) -> str | None:
    """Cut the lines before the first line of code, then paragraphs of prose from the end."""
    lines = _from_code_start(text).split("\n")
    if not _CODE_START.match(lines[0]):
        return None
    for _ in range(_MAX_CUTS):
        source = _tidy("\n".join(lines))
        try:
            parse(source)
        except SyntaxError as error:
            fault = min(error.lineno or 1, len(lines)) - 1
        except (ValueError, RecursionError, MemoryError):
            return None
        else:
            return _program(source)
        lines = source.split("\n")
        outside = [i for i in range(1, fault + 1) if lines[i].strip() and not lines[i][0].isspace()]
        if not outside:
            return None
        lines = lines[: outside[-1]]
    return None


def _from_code_start(text: str) -> str:
    start = _CODE_START.search(text)
    return text[start.start() :] if start else text


def _join_first_line(text: str) -> str:
    """Repair a stripped completion: a body of which only the first line lost its indentation."""
    first, newline, rest = text.lstrip("\n").partition("\n")
    if not newline or first.rstrip().endswith(":"):
        return text
    return first.lstrip() + "\n" + textwrap.dedent(rest)


def _fenced(text: str) -> list[str]:
    """Return fenced blocks: first those that define the entry (the last of them first)."""
    blocks: list[str] = []
    block: list[str] | None = None
    for line in text.split("\n"):
        if _FENCE.match(line):
            if block is None:
                block = []
            else:
                blocks.append("\n".join(block))
                block = None
        elif block is not None:
            block.append(line)
    if block:  # the completion was cut off before the closing fence
        blocks.append("\n".join(block))
    with_entry = [b for b in blocks if re.search(rf"\bdef\s+{ENTRY}\b", b)]
    others = set(blocks).difference(with_entry)  # a set: there may be thousands of blocks
    return with_entry[::-1] + [b for b in blocks if b in others and b.strip()]


def _tidy(source: str) -> str:
    return re.sub(r"\A\s*\n", "", textwrap.dedent(source)).rstrip() + "\n"


def outside_functions(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a body that do not belong to a nested function or class."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield node
            pending.extend(ast.iter_child_nodes(node))


def _computes(value: ast.expr) -> bool:
    """Return whether an expression computes something, unlike words of prose that are valid Python."""
    return any(
        isinstance(node, ast.expr) and not isinstance(node, _DATA_NODES) for node in ast.walk(value)
    )


def _uses(tree: ast.AST, name: str, how: type[ast.expr_context] = ast.expr_context) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, how)
        for node in ast.walk(tree)
    )
