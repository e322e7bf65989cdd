import pytest

from viper_sandbox.execute import _namespace
from viper_sandbox.namespace import ALLOWED_MODULES, Printer
from viper_sandbox.policy import is_reserved


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        (
            "class A:\n    pass\ndef execute_command(image):\n    return 1",
            1,
            "Classes are not part",
        ),
        ("def execute_command(image):\n    with image:\n        return 1", 2, "'with' is not part"),
        (
            "async def f():\n    pass\ndef execute_command(image):\n    return 1",
            1,
            "'async' is not",
        ),
        ("def execute_command(image):\n    return (x async for x in image)", 2, "'async for' is"),
        ("@print\ndef execute_command(image):\n    return 1", 1, "Decorators are not part"),
        (
            "def execute_command(image):\n    match image:\n        case _:\n            return 1",
            2,
            "'match' is not part of programs. Write 'if' and 'elif'.",
        ),
        (
            "def execute_command(image):\n    try:\n        return 1\n    except* ValueError:\n        pass",
            2,
            "'except*' is not part",
        ),
        (
            "def execute_command(image):\n    for image.x in [1]:\n        pass\n    return 1",
            2,
            "A loop variable must be a plain name",
        ),
        (
            "def execute_command(image):\n    d = {}\n    return [1 for d[0] in [1]]",
            3,
            "A loop variable must be a plain name",
        ),
        (
            "def execute_command(image):\n    image.x = 1\n    return 1",
            2,
            "Attributes cannot be set",
        ),
        (
            "def execute_command(image):\n    image.x += 1\n    return 1",
            2,
            "Attributes cannot be set",
        ),
        (
            "def execute_command(image):\n    del image.x\n    return 1",
            2,
            "Attributes cannot be set",
        ),
    ],
)
def test_refuses_construct(findings, source, line, message):
    assert [f for f in findings(source) if f[0] == "policy" and f[1] == line and message in f[2]]


@pytest.mark.parametrize(
    "source",
    [
        "_getattr_ = 1",
        "_getattr_: int = 1",
        "_getattr_: int",
        "for _write_ in []: pass",
        "x = [_a_ for _a_ in []]",
        "x = [1 for a, *_b_ in []]",
        "def _f_(): return 1",
        "def __f(): return 1",
        "def f(_getattr_, /): return 1",
        "def f(*_a_): return 1",
        "def f(**_a_): return 1",
        "def f(*, _a_=1): return 1",
        "f = lambda _a_: 1",
        "import math as _getattr_",
        "from math import pi as _getattr_",
        "global _write_",
        "(_a_ := 1)",
        "try:\n        pass\n    except ValueError as _write_:\n        pass",
        "x = __builtins__",
        "x = __debug__",
        "x = __class__",
    ],
)
def test_refuses_reserved_name(findings, source):
    text = f"def execute_command(image):\n    {source}\n    return 1"
    message = next(f for f in findings(text) if f[0] == "policy")[2]
    assert message.startswith("Names like _this_ and __this are reserved, got '_")


@pytest.mark.parametrize(
    ("name", "instead"),
    [("_area_", "Write 'area'."), ("__area", "Remove it."), ("__name__", "Remove it.")],
)
def test_says_what_to_write_instead_of_a_reserved_name(findings, name, instead):
    ((_, _, message),) = findings(f"def execute_command(image):\n    {name} = 1\n    return 1")
    assert message.endswith(f"got {name!r}. {instead}")


@pytest.mark.parametrize(
    "lines",
    [
        "return [1 for _ in range(3)]",
        "_, x = 1, 2; return x",
        "__ = 1; return 2",
        "_unused = 1; return _unused",
        "return (lambda _p: _p)(1)",
        "return [_x for _x in [1]]",
    ],
)
def test_names_with_an_underscore_that_are_no_guards_are_names(findings, lines):
    assert findings(f"def execute_command(image):\n    {lines}") == []


def test_a_helper_with_an_underscore_in_front_is_a_helper(run_here):
    source = """
    def _area(p):
        return p.width * p.height

    def execute_command(image):
        return _area(image)
    """
    assert run_here(source) == 60_000.0


def test_every_name_of_the_namespace_that_the_api_does_not_give_is_reserved(session):
    # A guard under a name that programs may bind would be a guard that they can replace.
    names = set(_namespace(session, Printer(1))) - session.api.names - set(ALLOWED_MODULES)
    assert names >= {"__builtins__", "_getattr_", "_write_"}
    assert [name for name in names if not is_reserved(name)] == []


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("def execute_command(image)\n    return 1", 1, "expected ':'"),
        ("def execute_command(image):\n    return (1", 2, "'(' was never closed"),
        ("def execute_command(image):\n    nonlocal x\n    return 1", 2, "no binding for nonlocal"),
        ("def execute_command(image):\n    break\n    return 1", 2, "'break' outside loop"),
        ("", 1, "the text is empty"),
    ],
)
def test_reports_syntax_error_with_its_line(findings, source, line, message):
    ((kind, at, text),) = findings(source)
    assert (kind, at) == ("syntax", line)
    assert message in text


def test_reports_a_null_byte(findings):
    assert findings("def execute_command(image):\n    return '\0'")[0][0] == "syntax"


@pytest.mark.parametrize("opening", ["(", "[", "-", "not "])
def test_reports_nesting_instead_of_crashing(findings, opening):
    closing = {"(": ")", "[": "]"}.get(opening, "")
    deep = 5_000
    source = f"def execute_command(image):\n    return {opening * deep}1{closing * deep}"
    assert findings(source)[0][0] == "syntax"


def test_caps_the_number_of_nodes(findings):
    source = f"def execute_command(image):\n    return [{'1,' * 60_000}]"
    assert findings(source) == [
        ("limit", 1, "The program has 60,007 syntax nodes; 50,000 are allowed.")
    ]


def test_warnings_of_the_compiler_are_no_failure(run_here):
    assert run_here("def execute_command(image):\n    return 1 is 1 and '\\d' == '\\\\d'") is True
