"""Everything that generated programs use, each with the value that plain Python gives."""

import textwrap

import pytest

from viper_sandbox.execute import Failed


def program(body):
    return "def execute_command(image):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("d = {}\nfor w in 'abca':\n    d[w] = d.get(w, 0) + 1\nreturn d", {"a": 2, "b": 1, "c": 1}),
        ("d = {'a': 1}\nd['a'] += 2\nreturn d", {"a": 3}),
        ("x = [[0, 0], [0]]\nx[0][1] -= 4\nreturn x", [[0, -4], [0]]),
        ("n = 1\nn += 1\nn *= 3\nn **= 2\nreturn n", 36),
        ("x = [1]\nx += [2]\nreturn x", [1, 2]),
        ("x = [1, 2, 3, 4]\nx[1:3] = [9]\ndel x[0]\nreturn x", [9, 4]),
        ("d = {'a': 1, 'b': 2}\ndel d['a']\nreturn d", {"b": 2}),
        ("a, (b, *c), [d, e] = 1, (2, 3, 4), [5, 6]\nreturn [a, b, c, d, e]", [1, 2, [3, 4], 5, 6]),
        ("calls = []\ndef f():\n    calls.append(1)\n    return 1, 2\na, b = c, d = f()\nreturn calls", [1]),
        ("return [x * y for x in range(3) for y in range(x) if y]", [2]),
        ("return {k: v for k, v in zip('ab', [1, 2])}", {"a": 1, "b": 2}),
        ("return {x % 2 for x in range(5)}", {0, 1}),
        ("return sum(x for x in range(4))", 6),
        ("return [y for x in [1, 2] if (y := x * 2) > 2]", [4]),
        ("return sorted([3, 1, 2], key=lambda x: -x)", [3, 2, 1]),
        ("return max([1, 5, 3]), min(2, 1), any([0, 1]), all([]), abs(-2)", (5, 1, True, True, 2)),
        ("return [list(enumerate('ab', 1)), list(map(str, [1])), list(filter(None, [0, 1]))]",
         [[(1, "a"), (2, "b")], ["1"], [1]]),
        ("return list(reversed([1, 2])), round(2.567, 1), divmod(7, 2)", ([2, 1], 2.6, (3, 1))),
        ("return isinstance(1, int) and isinstance(image, ImagePatch) and not isinstance('', (int, float))",
         True),
        ("x: int = 3\ny: 'list[str]'\nreturn x", 3),
        ("def f(a: int, b: str = 'x', *args: int, k: float = 1.0, **kw: str) -> str:\n"
         "    return f'{a}{b}{args}{k}{kw}'\nreturn f(1, 'y', 2, k=3.0, z=4)", "1y(2,)3.0{'z': 4}"),
        ("def f(*a, **k):\n    return a, k\nreturn f(*[1, 2], **{'x': 3})", ((1, 2), {"x": 3})),
        ("def f(a, /, b, *, c):\n    return [a, b, c]\nreturn f(1, b=2, c=3)", [1, 2, 3]),
        ("n = 0\ndef up():\n    nonlocal n\n    n += 1\nup()\nup()\nreturn n", 2),
        ("def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\nreturn fact(10)", 3628800),
        ("def gen():\n    yield 1\n    yield from [2, 3]\nreturn list(gen())", [1, 2, 3]),
        ("it = iter([1])\nreturn [next(it), next(it, None)]", [1, None]),
        ("try:\n    return [][0]\nexcept IndexError as e:\n    return str(e)\nfinally:\n    x = 1",
         "list index out of range"),
        ("try:\n    1 / 0\nexcept (ValueError, ZeroDivisionError):\n    r = 1\nelse:\n    r = 2\nreturn r",
         1),
        ("try:\n    raise ValueError('a') from None\nexcept:\n    return 'caught'", "caught"),
        ("for i in range(5):\n    if i == 3:\n        break\n    continue\nelse:\n    return 'no'\nreturn i",
         3),
        ("n = 3\nwhile n:\n    n -= 1\nreturn n", 0),
        ("return 'a' if 1 < 2 <= 2 != 3 and not None is True else 'b'", "a"),
        ("assert True, 'no'\npass\nreturn None", None),
        ("return 'Red Car'.lower().split()[0].strip('r').title().replace('d', 'a')", "Ea"),
        ("return 'a,b'.split(','), ' '.join(['x', 'y']), 'abc'[::-1], 'b' in 'abc'",
         (["a", "b"], "x y", "cba", True)),
        ("return sorted({'b': 1, 'a': 2}.items(), key=lambda kv: kv[1])", [("b", 1), ("a", 2)]),
        ("c = {'a': 2, 'b': 5}\nreturn max(c, key=c.get)", "b"),
        ("return sorted(['B', 'a'], key=str.lower), list(map(str.strip, [' x ']))", (["a", "B"], ["x"])),
        ("return dict.fromkeys(['a'], 0)", {"a": 0}),
        ("x = {1, 2}\nx.add(3)\nreturn x & {2, 3} | {9}", {2, 3, 9}),
        ("x, y = 1, 2\nx, y = y, x\nreturn [x, y]", [2, 1]),
        ("return (lambda *a, k=2: a + (k,))(1)", (1, 2)),
        ("len = 3\ndel len\nreturn 'ok'", "ok"),
        ("try:\n    raise ImportError('x')\nexcept (ImportError, OSError) as e:\n    return e.args", ("x",)),
        ("return sorted(set.union({1}, {2}) | set.intersection({3, 4}, {4}))", [1, 2, 4]),
        ("import re\ntry:\n    re.compile('(')\nexcept re.error as e:\n    return e.msg[:9], e.pos",
         ("missing )", 0)),
        ("from typing import cast, Any\nreturn cast(Any, 'x')", "x"),
        ("import typing\nreturn 1 if typing.TYPE_CHECKING else 2", 2),
        ("x: int\nx = 1\nreturn x", 1),
        ("print = 5\nreturn print", 5),
        ("return 1_000, 0x10, 1e3, 5 // 2, -5 % 3, 1 << 3, 6 & 3 ^ 1 | 8, ~1",
         (1000, 16, 1e3, 2, 1, 8, 11, -2)),
    ],
)  # fmt: skip
def test_runs(run_here, body, value):
    assert run_here(program(body)) == value


def test_module_level_constants_helpers_and_globals(run_here):
    source = """
    LIMIT = 2
    count = 0

    def nearest(ref, patches, k=LIMIT):
        "Return the nearest."
        global count
        count += 1
        return sorted(patches, key=lambda p: distance(ref, p))[:k]

    def execute_command(image) -> list:
        patches = ImagePatch(image).find("cup")
        return [len(nearest(image, patches)), count]
    """
    assert run_here(source) == [2, 1]


def test_binds_parameters_by_name(run_here):
    source = """
    def execute_command(image, query, possible_answers, ImagePatch, llm_query, VideoSegment, n=3):
        return [query, possible_answers, ImagePatch(image).width, llm_query("x"), n]
    """
    arguments = {"query": "why?", "possible_answers": ["a", "b"]}
    assert run_here(source, arguments) == ["why?", ["a", "b"], 300.0, "stub", 3]


@pytest.mark.parametrize("name", ["image", "img", "image_patch", "picture"])
def test_the_first_parameter_is_the_image(run_here, name):
    assert run_here(f"def execute_command({name}):\n    return {name}.height") == 200.0


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return image.simple_query(None)", "stub"),
        ("return image.simple_query(question=None)", "stub"),
        ("return best_image_match(image.find('a'), 'b', None).category", "a"),
        ("return image.find('a')[0].verify_property('a', visual_property='b')", True),
        ("return coerce_to_numeric(string='3')", 3),
        ("return llm_query(query='why?')", "stub"),
        ("return sorted(image.find('a'), key=ImagePatch.compute_depth)[0].left", 0),
        ("return list(map(ImagePatch.compute_depth, image.find('a')))", [50.0, 150.0, 250.0]),
        ("f = ImagePatch.find\nreturn len(f(image, 'a'))", 3),
        ("return list(range(image.left, image.right, 100)), f'{image.width}'", ([0, 100, 200], "300")),
        ("return sorted(frozenset('ab').symmetric_difference('bc'))", ["a", "c"]),
        ("return 'abc'.translate(str.maketrans('ab', 'xy'))", "xyc"),
        ("return (3).is_integer(), (3.5).is_integer(), image.left.is_integer()", (True, False, True)),
        ("return process_guesses('what?', ['a', None])", "stub"),
        ("return process_guesses('what?', ('a', 'b'))", "stub"),
    ],
)  # fmt: skip
def test_runs_what_programs_of_the_original_do(run_here, body, value):
    assert run_here(program(body)) == value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a, b = image.find('x')[:2]\nreturn a.overlaps_with(*b)",
         "overlaps_with() argument after * must be an iterable, not ImagePatch"),
        ("return find_it(*3)\n", "find_it() argument after * must be an iterable, not int"),
        ("return '{}'.format(*3)", "format() argument after * must be an iterable, not int"),
        ("return math()", "'module' object is not callable"),
        ("return [x for x in math]", "'module' object is not iterable"),
        ("return ImagePatch(*[1] * 9)", "ImagePatch() takes from 2 to 6 positional arguments"),
        ("f = ImagePatch.find\nreturn f(*3)", "find() argument after * must be an iterable, not int"),
        ("return [re.compile('a')(1)]", "object is not callable"),
    ],
)  # fmt: skip
def test_messages_hold_no_internal_names(run_here, body, message):
    outcome = run_here(program(body.replace("find_it", "image.find")))
    assert isinstance(outcome, Failed)
    assert message.replace("find_it", "find") in outcome.message
    assert "viper" not in outcome.message
    assert "Namespace" not in outcome.message
    assert "__init__" not in outcome.message


@pytest.mark.parametrize("name", ["query", "question"])
def test_the_question_is_known_by_both_names(run_here, name):
    source = f"def execute_command(image, {name}):\n    return {name}"
    assert run_here(source, {"query": "why?"}) == "why?"


def test_print_is_kept(run_here):
    printed = []
    run_here("def execute_command(image):\n    print('a', 1, sep='-', end='!')\n    print()\n    return 1",
             printed=printed)  # fmt: skip
    assert printed == ["a-1!\n"]


def test_print_is_bounded(run_here):
    printed = []
    run_here("def execute_command(image):\n    for i in range(9):\n        print('é' * 4000)\n    return 1",
             printed=printed)  # fmt: skip
    assert printed[0].endswith("…")
    assert len(printed[0].encode()) <= 10_000 + len("…".encode())


@pytest.mark.parametrize(
    ("body", "kind", "line", "message"),
    [
        ("x = []\nreturn x[0]", "runtime", 3, "IndexError: list index out of range"),
        ("return 1 / 0", "runtime", 2, "ZeroDivisionError: division by zero"),
        ("raise ValueError", "runtime", 2, "ValueError"),
        ("assert 1 > 2, 'no'\nreturn 1", "runtime", 2, "AssertionError: no"),
        ("def f():\n    return f()\nreturn f()", "runtime", 3, "RecursionError: maximum recursion"),
        (
            "x = image.find('unicorn')\nreturn x[0].left",
            "runtime",
            3,
            "IndexError: list index out of range (on line 2 find('unicorn') returned no patch)",
        ),
        (
            "return max(image.find('unicorn'), key=lambda p: p.left)",
            "runtime",
            2,
            "returned no patch",
        ),
        ("return image.find('dog')[0]['x']", "runtime", 2, "TypeError: 'ImagePatch' object is not"),
        ("return image.find(3)", "runtime", 2, "find() needs object_name as str, got int"),
        ("raise ValueError('E' * 1000)", "runtime", 2, "EEE …"),
        ("raise KeyError(9 ** 5000)", "runtime", 2, "(the message cannot be shown)"),
        ("raise MemoryError", "memory", 2, "more memory"),
        ("return len", "runtime", None, "returned a builtin_function_or_method; return a string"),
        ("return (x for x in [])", "runtime", None, "returned a generator"),
        ("return [1, {2: image.find}]", "runtime", None, "returned a function"),
        ("yield 1", "runtime", None, "returned a generator"),
        ("return float('nan')", "runtime", None, "must be finite"),
        ("return 2 ** 64", "runtime", None, "64 bits"),
        ("x = []\nx.append(x)\nreturn x", "runtime", None, "nested too deeply"),
        ("return 'x' * 1_000_001", "limit", None, "1,000,003 bytes; 1,000,000 are allowed"),
        ("return [0] * 500_000", "limit", None, "More than 200,000 values"),
    ],
)
def test_failure_is_data_with_kind_line_and_message(run_here, body, kind, line, message):
    outcome = run_here(program(body))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.line) == (kind, line)
    assert message in outcome.message
    assert len(outcome.message) < 600


def test_the_line_is_that_of_the_innermost_program_frame(run_here):
    source = """\
    def helper(x):
        return x[5]

    def execute_command(image):
        return helper([])
    """
    assert run_here(source).line == 2
