"""Every regular expression of the packages, found in their syntax trees, and texts that try its patience."""

from __future__ import annotations

import ast
import importlib
import random
import re
import signal
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]

ROOT = Path(__file__).parents[2]
PACKAGES = ["viper", "sandbox/viper_sandbox", "benchmarks/viper_benchmarks"]
METHODS = ("match", "fullmatch", "search", "sub", "subn", "findall", "finditer", "split")
# Those that take longest, in place of all where it is not known which is used: the first searches the whole
# text again and again as the last five do, and `match` and `search` are its beginning.
_HARDEST = frozenset({"findall", "fullmatch"})


@dataclass(frozen=True)
class Use:
    """One place where an expression is used."""

    place: str
    """File and line."""
    pattern: re.Pattern
    method: str


def uses() -> tuple[list[Use], list[str]]:
    """Return every use of an expression, and the places whose expression cannot be known beforehand."""
    sources = {
        path: path.read_text(encoding="utf-8")
        for folder in PACKAGES
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    trees = {
        path: list(ast.walk(ast.parse(source)))
        for path, source in sources.items()
        if re.search(r"\bre\.", source)
    }
    shared = "|".join(_shared_names(trees.values()))
    if shared:  # read where these may be used as well
        is_reader = re.compile(rf"\b(?:{shared})\b").search
        trees |= {
            path: list(ast.walk(ast.parse(source)))
            for path, source in sources.items()
            if path not in trees and is_reader(source)
        }
    readers = {path: _Readings(nodes) for path, nodes in trees.items()}
    found: list[Use] = []
    unknown: list[str] = []
    for path, nodes in trees.items():
        one, other = _uses_in(path, nodes, readers)
        found += one
        unknown += other
    return found, unknown


def _shared_names(trees: Iterable[list[ast.AST]]) -> set[str]:
    """Return the variables of modules that hold an expression, and that another module may import."""
    return {
        target.id
        for tree in trees
        for node in tree
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("re.compile(")
        for target in node.targets
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    }


class _Readings:
    """What a module does with its names, and with those that it imports.

    Args:
        nodes: Of the syntax tree of the module.
    """

    def __init__(self, nodes: list[ast.AST]) -> None:
        self.methods: dict[str, set[str]] = defaultdict(set)
        """Name → methods of expressions that are called on it."""
        self.passed: set[str] = set()
        """Names that are passed on, so that what is called on them is not known."""
        self.imported: dict[tuple[str, str], str] = {}
        """(module, name in it) → name here."""
        inner = {id(node.value): node for node in nodes if isinstance(node, ast.Attribute)}
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                for name in node.names:
                    self.imported[node.module or "", name.name] = name.asname or name.name
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                attribute = inner.get(id(node))
                if attribute is None:
                    self.passed.add(_dotted(node))
                elif attribute.attr in METHODS:
                    self.methods[_dotted(node)].add(attribute.attr)


def _methods(path: Path, target: str, readers: dict[Path, _Readings]) -> set[str]:
    """Return the methods that are called on a variable of a module, there or where it is imported."""
    places = [(readers[path], target)]
    module = _module(path)
    for other in readers.values():
        if (here := other.imported.get((module, target))) is not None:
            places.append((other, here))
        package, _, last = module.rpartition(".")
        if (here := other.imported.get((package, last))) is not None:
            places.append((other, f"{here}.{target}"))
    found = {method for readings, name in places for method in readings.methods[name]}
    if not found or any(name in readings.passed for readings, name in places):
        found |= _HARDEST
    return found


def _uses_in(
    path: Path, nodes: list[ast.AST], readers: dict[Path, _Readings]
) -> tuple[list[Use], list[str]]:
    found: list[Use] = []
    unknown: list[str] = []
    names = {
        id(node.value): _name(target)
        for node in nodes
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    called = {
        id(node.value): node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in METHODS
    }
    for call in nodes:
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "re"
            and call.func.attr in ("compile", *METHODS)
        ):
            continue
        place = f"{path.relative_to(ROOT)}:{call.lineno}"
        patterns = _values(path, call)
        if patterns is None:
            unknown.append(place)
            continue
        if call.func.attr != "compile":
            used = {call.func.attr}
        elif id(call) in called:  # on the spot
            used = {called[id(call)]}
        elif id(call) in names:
            used = _methods(path, names[id(call)], readers)
        else:  # in a table, or an argument
            used = set(_HARDEST)
        found += [Use(place, one, method) for one in patterns for method in sorted(used)]
    return found, unknown


def _module(path: Path) -> str:
    """Return the name under which a file is imported."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    module = module.removeprefix("sandbox.").removeprefix("benchmarks.")
    return module.removesuffix(".__init__")


def _name(node: ast.expr) -> str:
    return _dotted(node) or ast.unparse(node)


def _dotted(node: ast.expr) -> str:
    """Return a name with its attributes, such as `self._pattern`; "" for what is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def _values(path: Path, call: ast.Call) -> list[re.Pattern] | None:
    """Return the expressions that the arguments of a call stand for; None if they are not constant."""
    flags = [word.value for word in call.keywords if word.arg == "flags"]
    flags += [a for a in call.args if ast.unparse(a).startswith("re.")]
    scope: dict[str, object] = {"re": re}
    expression = ast.Expression(ast.Tuple([call.args[0], *flags], ast.Load()))
    ast.fix_missing_locations(expression)
    code = compile(expression, "pattern", "eval")
    if any(isinstance(node, ast.Name) and node.id != "re" for node in ast.walk(expression)):
        scope = vars(importlib.import_module(_module(path)))
    try:
        pattern, *values = eval(code, dict(scope))
    except (NameError, AttributeError):
        return None
    total = 0
    for value in values:
        total |= value
    return [re.compile(pattern, total)]


def texts(pattern: re.Pattern, size: int) -> Iterator[str | bytes]:
    """Yield texts of about `size` characters, made of what the pattern itself is made of.

    Runs of each of its characters and literal words, and of each two of them, such words with a run between
    them, and all of them at random; each ends in a way that the pattern probably does not.
    """
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    words, characters = _pieces(tree)
    characters = list(dict.fromkeys([*characters, *"".join(words)[:12]]))[:10] or ["a"]
    words = list(dict.fromkeys(words))[:8]
    units = [*characters, *words, "a", " ", "\n"]
    units += [a + b for a in characters[:4] for b in characters[:4] if a != b]
    units += [word + c for word in words[:3] for c in characters[:3]]
    units += [c + word for word in words[:3] for c in characters[:3]]
    # "key=" of "(?:key|token)=.*;"
    units += [a + b for a in words[:4] for b in words[:4] if a != b]
    random.Random(0).shuffle(units)
    ends = ["", "\x00", "\n!"]
    for at, unit in enumerate(dict.fromkeys(units)):
        yield _typed(pattern, unit * (size // len(unit)) + ends[at % len(ends)])
    for word in words[:3]:
        for c in characters[:4]:
            yield _typed(pattern, word + c * size + "\x00")
    chance = random.Random(1)
    everything = [*characters, *words]
    yield _typed(pattern, "".join(chance.choice(everything) for _ in range(size)))


def _typed(pattern: re.Pattern, text: str) -> str | bytes:
    return text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def _pieces(tree) -> tuple[list[str], list[str]]:
    """Return the literal words of a pattern, and one character or two of each of its sets."""
    words: list[str] = []
    characters: list[str] = []
    word = ""
    for op, value in tree:
        name = str(op)
        if name == "LITERAL":
            word += chr(value)
            characters.append(chr(value))
            continue
        words, word = [*words, word] if word else words, ""
        if name == "NOT_LITERAL":
            characters.append("b" if chr(value) == "a" else "a")
        elif name == "ANY":
            characters.append("a")
        elif name == "CATEGORY":
            characters += _of_category(str(value))
        elif name == "IN":
            characters += _of_set(value)
        else:
            for inner in _inner(value):
                more_words, more = _pieces(inner)
                words += more_words
                characters += more
    return ([*words, word] if word else words), characters


def _inner(value) -> Iterator:
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _inner(one)


def _of_set(items) -> list[str]:
    found: list[str] = []
    if str(items[0][0]) == "NEGATE":
        excluded = {chr(v) for op, v in items if str(op) == "LITERAL"}
        return [c for c in "a-. /:\"'" if c not in excluded][:3] + sorted(excluded)[:4]
    for op, value in items:
        if str(op) == "LITERAL":
            found.append(chr(value))
        elif str(op) == "RANGE":
            found.append(chr(value[0]))
        elif str(op) == "CATEGORY":
            found += _of_category(str(value))
    return found


def _of_category(name: str) -> list[str]:
    return {
        "CATEGORY_DIGIT": ["7"],
        "CATEGORY_SPACE": [" ", "\n"],
        "CATEGORY_WORD": ["a", "_"],
        "CATEGORY_NOT_DIGIT": ["a"],
        "CATEGORY_NOT_SPACE": ["a", "."],
        "CATEGORY_NOT_WORD": [".", " "],
    }.get(name, ["a"])


class TookTooLong(Exception):  # noqa: N818
    """A search was interrupted."""


def seconds(pattern: re.Pattern, method: str, text: str | bytes, limit_s: float) -> float:
    """Return the processor time of one use of an expression.

    Raises:
        TookTooLong: It took longer than `limit_s`; the engine of expressions lets itself be interrupted.
    """

    def interrupt(*_: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    started = time.thread_time()
    try:
        if method in ("sub", "subn"):
            getattr(pattern, method)(text[:0], text)
        elif method == "finditer":
            for _ in pattern.finditer(text):
                pass
        else:
            getattr(pattern, method)(text)
        return time.thread_time() - started
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def slow_text(pattern: re.Pattern, method: str, small: int, large: int, limit_s: float) -> str:
    """Return the beginning of a text whose time grows faster than its length; "" if there is none.

    Args:
        pattern: The expression.
        method: How it is used.
        small: Characters of the text that a longer one is compared with.
        large: Characters of the longer one.
        limit_s: When a search is interrupted and counts as too slow; many times what a linear one takes.
    """
    for short, text in zip(texts(pattern, small), texts(pattern, large), strict=True):
        # Again where it looks slow: another process may have emptied the caches.
        if not all(_grows(pattern, method, short, text, limit_s) for _ in range(2)):
            continue
        return repr(text[:40])
    return ""


def _grows(pattern: re.Pattern, method: str, short, text, limit_s: float) -> bool:
    try:
        took_s = seconds(pattern, method, text, limit_s)
        if took_s < _LEAST_S_PER_CHARACTER * len(text):
            return False
        return took_s > _MOST_GROWTH * len(text) / len(short) * seconds(
            pattern, method, short, limit_s
        )
    except TookTooLong:
        return True


# A linear search takes 5 to 100 ns for each character; below this, growth is not looked at.
_LEAST_S_PER_CHARACTER = 300e-9
# A quadratic search of four times the text takes 4 times as long for each character.
_MOST_GROWTH = 2.0

# Repeated at most so often, a group takes some kilobytes.
_MOST_REPEATS = 1_000


def backtracking_groups(pattern: re.Pattern) -> list[str]:
    """Return the repeated groups for each of whose repeats the engine of expressions keeps memory.

    It keeps a place to return to, some 150 bytes, unless the group is one character or the repeat possessive.
    """
    return list(_repeats(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)))


def _repeats(tree) -> Iterator[str]:
    for op, value in tree:
        name = str(op)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, body = value
            single = len(body) == 1 and str(body[0][0]) in _ONE_CHARACTER
            if int(most) > _MOST_REPEATS and not single:
                yield f"{name} of {body}"
        for inner in _inner(value):
            yield from _repeats(inner)


_ONE_CHARACTER = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY")


def bytes_of_use(pattern: re.Pattern, method: str, text: str | bytes) -> int:
    """Return the peak of memory that one use of an expression on a text takes."""
    tracemalloc.start()
    try:
        seconds(pattern, method, text, limit_s=60.0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
