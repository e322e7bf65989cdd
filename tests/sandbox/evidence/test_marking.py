"""Marks change nothing of what a program does."""

import sys
import textwrap

import pytest

from fakes.corpus import load
from fakes.street import API, BOXES, SIZE, answer_call
from viper_sandbox import PatchRef
from viper_sandbox.evidence.flow import GUARDS
from viper_sandbox.evidence.marking import MOST_NODES
from viper_sandbox.examine import examine
from viper_sandbox.execute import execute
from viper_sandbox.namespace import Printer
from viper_sandbox.policy import apply_policy, is_reserved
from viper_sandbox.program_session import ProgramSession

GIVEN = {"query": "what?", "possible_answers": ["yes", "no"]}


def answer_any(name, receiver, arguments, line):
    if name == "ImagePatch.find" and arguments[0] not in BOXES:
        arguments = ("person",)
    return answer_call(name, receiver, arguments, line)


def outcome(source):
    """Return value or failure, printed text and lines of calls of a program."""
    lines = []

    def ask(name, receiver, arguments, line):
        lines.append((name, line))
        return answer_any(name, receiver, arguments, line)

    program = examine(source, API, list(GIVEN))
    if program.findings:
        return program.findings
    printer = Printer(10_000)
    session = ProgramSession(API, PatchRef(0, (0.0, 0.0, *map(float, SIZE))), SIZE, ask)
    done = execute(program, session, GIVEN, printer, 1_000_000)
    result = tuple(done) if hasattr(done, "kind") else repr(done.value)
    return result, printer.text, lines


@pytest.fixture
def unmarked(monkeypatch):
    def marking(tree, methods):
        return (*apply_policy(tree), None)

    def outcome_without(source):
        with monkeypatch.context() as patch:
            patch.setattr("viper_sandbox.examine.apply_marking_policy", marking)
            return outcome(source)

    return outcome_without


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("program", load("legit"), ids=str)
def test_programs_give_the_same_with_and_without_marks(program, unmarked):
    if "random" in program.source:
        pytest.skip("not the same twice")
    now, before = outcome(program.source), unmarked(program.source)
    if isinstance(now[0], tuple) and now[0][0] == "absent":
        assert before[0][0] == "runtime"
        now, before = now[1:], before[1:]
    assert now == before


@pytest.mark.parametrize(
    "body",
    [
        "for p in [1, 2]:\n    x = 5\n    del p\n    x += 1\nreturn x",
        "n = 0\nfor p in [1, 2]:\n    try:\n        n += 1\n        raise ValueError\n"
        "    except ValueError as p:\n        pass\n    n += 1\nreturn n",
        "d = {}\nfor k in 'ab':\n    d[k] = 1\n    d[k] += 1\nreturn d",
        "return [x for x in (y for y in range(9) if y % 2) if x > 3]",
        "it = iter([1, 2, 3])\nreturn [next(it) for _ in range(2)]",
        "return {k: v for k, v in zip('ab', [1, 2])}",
        "xs = [3, 1, 2]\nxs[0], xs[1] = xs[1], xs[0]\nreturn xs[::-1]",
        "x: int = 3\nx -= 1\nreturn x",
        "a = b = 4\nreturn a & b | 8 ^ 1",
        "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nreturn fib(12)",
        "def deep(n):\n    return 0 if n == 0 else 1 + deep(n - 1)\nreturn deep(150)",
        "def gen():\n    for i in range(3):\n        yield i\nreturn list(gen())",
        "n = 0\ndef add():\n    nonlocal n\n    n += 1\nfor _ in range(3):\n    add()\nreturn n",
        "return (lambda *xs: len(xs))(1, 2)",
        "return sum(map(lambda x, y: x * y, [1, 2], [3, 4]))",
        "return [x\n        for x in [1, 0]\n        if 1 / x]",
        "for a, (b, *c) in [(1, (2, 3))]:\n    pass\nreturn c",
        "return [p.left for p in image_patch.find('person')][20]",
        "raise ValueError('x')",
        "i = 0\nwhile i < 3:\n    i += 1\nelse:\n    return i",
        "print(image_patch.find('dog'))\nreturn None",
    ],
)
def test_constructs_give_the_same_with_and_without_marks(body, unmarked):
    source = "def execute_command(image):\n    image_patch = ImagePatch(image)\n"
    source += textwrap.indent(body, "    ")
    now, before = outcome(source), unmarked(source)
    if now[0][0] == "absent":
        now, before = now[1:], before[1:]
    assert now == before


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_the_names_of_the_recorder_are_reserved(name):
    assert is_reserved(name)
    (finding,) = examine(f"return {name}(0, 1)\n", API).findings[:1]
    assert "reserved" in finding.message or "Unknown" in finding.message


def test_a_large_program_is_not_marked():
    many = "\n".join("    x = [1][0]" for _ in range(MOST_NODES // 6))
    source = f"def execute_command(image):\n{many}\n    return x\n"
    assert examine(source, API).flow is None
    assert outcome(source)[0] == "1"


def test_a_recursion_that_fails_without_marks_fails_on_the_same_line(unmarked):
    source = (
        "def execute_command(image):\n    def f(n):\n        return f(n + 1)\n    return f(0)\n"
    )
    now, before = outcome(source), unmarked(source)
    assert now[0][0] == before[0][0] == "runtime"
    assert now[0][2] == before[0][2]
    assert sys.getrecursionlimit() >= 1_000
