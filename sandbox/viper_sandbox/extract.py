"""Extraction of the program from the text of a generator.

A language model thinks aloud, wraps programs in Markdown fences and prose, tries them out on a file, or
writes only the body of the function. `extract` returns the normalized source, which is checked and run; all
line numbers refer to it. This runs in the child only: the host never examines a program.
"""

from __future__ import annotations

import ast
import itertools
import re
import textwrap
import warnings
from collections.abc import Iterator

from viper_sandbox.fences import FENCE, fenced, parted_fences, without_prompts
from viper_sandbox.source_lines import lines_of
from viper_sandbox.thoughts import final_reply, has_marks
from viper_sandbox.usage import is_leftover, without, without_usage

__all__ = ["ENTRY", "entry_function", "extract", "outside_functions", "parse"]

ENTRY = "execute_command"

_CODE_START = re.compile(r"^[^\S\n]*(?:(?:def|import|from|async|class)\b|@)", re.MULTILINE)
_BODY_START = re.compile(r"^[^\S\n]*(?:[A-Za-z_]\w*[^\S\n]*=[^=\n]|return\b)", re.MULTILINE)
_DATA_NODES = (ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict)
# Maximum number of paragraphs of prose that are cut off around a program.
_MAX_CUTS = 20
_DEFINES_ENTRY = re.compile(rf"\bdef\s+{ENTRY}\b")
# Arguments of a run besides the image, which a bare body may use.
_GIVEN = ("query", "question", "possible_answers")


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
    if has_marks(text) and not _parses(text):
        text = final_reply(text)
    found = _found(text)
    if found is None and (parted := parted_fences(text)) != text:
        found = _found(parted)
    if found is None and ">>>" in text:
        found = _found(without_prompts(text))
    if found is not None:
        return found
    blocks = fenced(text, _DEFINES_ENTRY)
    return _tidy(blocks[0] if blocks else _from_code_start(text))


def _found(text: str) -> str | None:
    """Return the normalized program in a text, None if there is none."""
    blocks = fenced(text, _DEFINES_ENTRY)
    candidates = [text, *blocks] if blocks else [text, _join_first_line(text)]
    for candidate in candidates:
        found = _program(candidate)
        if found is not None:
            return found
    for candidate in [*blocks, text]:
        found = _without_prose(candidate)
        if found is not None:
            return found
    return None


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
    leftovers = list(itertools.takewhile(is_leftover, tree.body[:-1]))
    if leftovers:
        source = _tidy(without(source, tree.body, range(len(leftovers))))
        tree = parse(source)
    returns = any(isinstance(inner, ast.Return) for inner in outside_functions(tree.body))
    entry = entry_function(tree)
    last = tree.body[-1]
    if not returns and any(isinstance(node, ast.FunctionDef) for node in tree.body):
        if entry is not None and (entry.name == ENTRY or not _is_body(tree, entry)):
            return _tidy(without_usage(source, tree, entry))
        return _wrap(source, tree) if isinstance(last, ast.Expr) else source
    if returns or isinstance(last, (ast.Assign, ast.AugAssign, ast.For, ast.If)):
        return _wrap(source, tree)
    if isinstance(last, ast.Expr) and (len(tree.body) > 1 or _computes(last.value)):
        return _wrap(source, tree)
    return None


def _wrap(source: str, tree: ast.Module) -> str:
    """Make a bare body the body of `execute_command`."""
    opened = _opens_image(tree.body)
    if opened is not None:
        source = _tidy(without(source, tree.body, [opened]))
        tree = parse(source)
    lines = lines_of(source)
    last = tree.body[-1]
    if isinstance(last, ast.Expr) and not isinstance(last.value, (ast.Yield, ast.YieldFrom)):
        start = last.col_offset
        line = lines[last.lineno - 1].encode()  # column offsets count UTF-8 bytes
        rest = line[start:]
        if _prints_one(last.value):  # print returns None
            rest = rest.removeprefix(b"print").lstrip()
        lines[last.lineno - 1] = (line[:start] + b"return " + rest).decode()
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
    free = [name for name in (*_GIVEN, "image_patch") if _uses(tree, name)]
    free = [name for name in free if not _uses(tree, name, ast.Store)]
    head = [f"def {ENTRY}({', '.join(['image', *(n for n in free if n in _GIVEN)])}):"]
    if "image_patch" in free:
        head.append("    image_patch = ImagePatch(image)")
    return "\n".join([*head, *body]) + "\n"


def _opens_image(body: list[ast.stmt]) -> int | None:
    """Return the index of a first statement that opens a file as `image`, which the host gives."""
    for index, node in enumerate(body[:-1]):
        match node:
            case ast.Assign(targets=[ast.Name(id="image")], value=ast.Call() as value):
                return None if _uses(value, "image") or _uses(value, "image_patch") else index
            case ast.Import() | ast.ImportFrom() | ast.Assign(value=ast.Constant()):
                continue
            case _:
                return None
    return None


def _prints_one(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="print"), args=[argument], keywords=[]):
            return not isinstance(argument, (ast.Starred, ast.GeneratorExp))
        case _:
            return False


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
    beginnings = list(_CODE_START.finditer(text)) or list(_BODY_START.finditer(text))[:1]
    defines = _DEFINES_ENTRY.search(text) is not None
    cuts = iter(range(_MAX_CUTS))  # for all beginnings together: each takes a parse
    for beginning in beginnings:
        if beginning is not beginnings[0] and beginning.group()[0].isspace():
            continue  # inside a function, of which the rest would be another program
        lines = text[beginning.start() :].split("\n")
        if not defines and beginning is not beginnings[0] and _is_python(lines[0]):
            return None
        for _ in cuts:
            source = _tidy("\n".join(lines))
            try:
                parse(source)
            except SyntaxError as error:
                fault = min(error.lineno or 1, len(lines)) - 1
            except (ValueError, RecursionError, MemoryError):
                break
            else:
                found = _program(source)
                if found is not None and (not defines or _DEFINES_ENTRY.search(found)):
                    return found
                break
            lines = source.split("\n")
            outside = [i for i in range(1, fault + 1) if i < len(lines) and _is_outside(lines[i])]
            if not outside:
                break
            lines = lines[: outside[-1]]
    return None


def _is_python(line: str) -> bool:
    """Return whether a line begins code, unlike "from the left", which begins a sentence."""
    return _parses(line) or line.rstrip().endswith((":", "(", "\\", ","))


def _is_outside(line: str) -> bool:
    """Return whether a line that is no Python may stand after a program: prose, or a fence."""
    return bool(line.strip()) and (not line[0].isspace() or bool(FENCE.match(line)))


def _parses(text: str) -> bool:
    try:
        return bool(parse(_tidy(text)).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _from_code_start(text: str) -> str:
    start = _CODE_START.search(text)
    return text[start.start() :] if start else text


def _join_first_line(text: str) -> str:
    """Repair a stripped completion: a body of which only the first line lost its indentation."""
    first, newline, rest = text.lstrip("\n").partition("\n")
    if not newline or first.rstrip().endswith(":"):
        return text
    return first.lstrip() + "\n" + textwrap.dedent(rest)


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
