"""Every regular expression of the packages, found in their syntax trees, and texts that try its patience."""

from __future__ import annotations

import ast
import importlib
import random
import re
import signal
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]

ROOT = Path(__file__).parents[2]
PACKAGES = ["viper", "sandbox/viper_sandbox", "benchmarks/viper_benchmarks"]
METHODS = ("match", "fullmatch", "search", "sub", "subn", "findall", "finditer", "split")


@dataclass(frozen=True)
class Use:
    """One place where an expression is used."""

    place: str
    """File and line."""
    pattern: re.Pattern
    method: str


def uses() -> tuple[list[Use], list[str]]:
    """Return every use of an expression, and the places whose expression cannot be known beforehand."""
    found: list[Use] = []
    unknown: list[str] = []
    for folder in PACKAGES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "re." in source:
                one, other = _uses_in(path, ast.parse(source))
                found += one
                unknown += other
    return found, unknown


def _uses_in(path: Path, tree: ast.Module) -> tuple[list[Use], list[str]]:
    found: list[Use] = []
    unknown: list[str] = []
    methods = {
        (_name(call.func.value), call.func.attr)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in METHODS
    }
    names = {
        id(node.value): _name(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    for call in ast.walk(tree):
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
        used = {call.func.attr}
        if call.func.attr == "compile":
            used = {method for name, method in methods if name == names.get(id(call))} - {"split"}
        found += [Use(place, one, method) for one in patterns for method in used or {"search"}]
    return found, unknown


def _name(node: ast.expr) -> str:
    return ast.unparse(node)


def _values(path: Path, call: ast.Call) -> list[re.Pattern] | None:
    """Return the expressions that the arguments of a call stand for; None if they are not constant."""
    flags = [word.value for word in call.keywords if word.arg == "flags"]
    flags += [a for a in call.args if ast.unparse(a).startswith("re.")]
    scope: dict[str, object] = {"re": re}
    expression = ast.Expression(ast.Tuple([call.args[0], *flags], ast.Load()))
    ast.fix_missing_locations(expression)
    code = compile(expression, "pattern", "eval")
    if any(isinstance(node, ast.Name) and node.id != "re" for node in ast.walk(expression)):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = module.removeprefix("sandbox.").removeprefix("benchmarks.")
        scope = vars(importlib.import_module(module.removesuffix(".__init__")))
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
