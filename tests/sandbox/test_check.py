import pytest

from viper_sandbox.check import check_program
from viper_sandbox.extract import parse


def body(*lines):
    return "def execute_command(image):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["return foo"], 2, "Unknown name 'foo'."),
        (["patch = image", "return pach.left"], 3, "Unknown name 'pach'. Did you mean 'patch'?"),
        (["return len(x for y in [])"], 2, "Unknown name 'x'."),
        (["return [x for x in []] + x"], 2, "Unknown name 'x'."),
        (["return llm_qery('a')"], 2, "Unknown name 'llm_qery'. Did you mean 'llm_query'?"),
        (["return image.fnd('dog')"], 2, "ImagePatch has no attribute 'fnd'. Did you mean 'find'?"),
        (
            ["for p in image.find('a'):", "    x = p.center", "return x"],
            3,
            "ImagePatch has no attribute 'center'. Did you mean ",
        ),
        (
            ["p = sorted(image.find('a'), key=lambda q: q.left)[0]", "return p.upper()"],
            None,
            None,
        ),
        (["return [1].push(2)"], 2, "There is no attribute 'push' in programs."),
        (["return math.squareroot(2)"], 2, "The module math has no attribute 'squareroot' here."),
        (["return image.find()"], 2, "find misses 'object_name'. It is find(object_name)."),
        (["return image.find('a', 'b')"], 2, "find takes at most 1 arguments, got 2."),
        (["return image.compute_depth(1)"], 2, "compute_depth takes no arguments, got 1."),
        (
            ["return image.verify_property('red')"],
            2,
            "verify_property misses 'attribute'. It is verify_property(object_name, attribute).",
        ),
        (
            ["return image.simple_query(qestion='x')"],
            2,
            "simple_query has no argument 'qestion'. Did you mean 'question'? "
            "It is simple_query(question='What is this?').",
        ),
        (["return image.find('a', object_name='b')"], 2, "find gets 'object_name' twice."),
        (["return [p.exists() for p in []]"], 2, "exists misses 'object_name'."),
        (["return distance(1)"], 2, "distance misses 'patch_b'."),
        (["return ImagePatch()"], 2, "ImagePatch misses 'image'."),
        (["return ImagePatch(image, 1, 2, 3, 4, 5)"], 2, "ImagePatch takes at most 5 arguments"),
        (["x = 1"], 1, "execute_command never returns a value. End it with 'return'."),
        (["def f():", "    return 1"], 1, "execute_command never returns a value."),
    ],
)
def test_finds(findings, lines, line, message):
    found = findings(body(*lines))
    if message is None:
        assert found == []
    else:
        assert [f for f in found if f[:2] == ("check", line) and f[2].startswith(message)]


@pytest.mark.parametrize(
    "lines",
    [
        ["return 'abc'.find('c', 1)"],
        ["text = image.simple_query()", "return text.find('c', 1, 2)"],
        ["return image.find(*['dog'])"],
        ["return image.find(**{'object_name': 'dog'})"],
        ["def distance(a, b, c):", "    return a", "return distance(1, 2, 3)"],
        ["find = 1", "return find"],
        ["object = id = type = 'car'", "return object + id + type"],
        ["while True:", "    pass"],
        ["raise ValueError('no answer')"],
        ["if image:", "    raise ValueError", "else:", "    raise ValueError"],
        ["return [x for xs in [[1]] for x in xs]"],
        ["def f(n):", "    return g(n)", "def g(n):", "    return n", "return f(1)"],
        ["try:", "    pass", "except ValueError as e:", "    print(e.args)", "return 1"],
        ["import math as m", "return m.sqrt(4)"],
        ["x: Undefined = 1", "return x"],
        ["p = 'text'", "p = image", "return p.upper"],
    ],
)
def test_lets_pass(findings, lines):
    assert findings(body(*lines)) == []


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("open", "programs have no files"),
        ("getattr", "write the attribute directly"),
        ("type", "use isinstance"),
        ("exec", "programs cannot run text"),
    ],
)
def test_names_of_python_that_programs_lack_are_policy(findings, name, instead):
    ((kind, line, message),) = findings(body(f"return {name}(1)"))
    assert (kind, line) == ("policy", 2)
    assert message.startswith(f"{name!r} is not part of programs: {instead}")


def test_full_width_letters_do_not_hide_a_name(findings):
    assert findings(body("return ｏｐｅｎ('x')"))[0][2].startswith("'open' is not part")


def test_reports_all_findings_at_once(findings):
    found = findings(body("a = foo", "b = image.fnd('x')", "import os", "c = eval('1')"))
    assert [(kind, line) for kind, line, _ in found] == [
        ("check", 1),
        ("check", 2),
        ("check", 3),
        ("check", 4),
        ("policy", 5),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def a(x):\n    return 1\ndef b(x):\n    return 2",
            "There is no function execute_command",
        ),
        ("def exec_command(image):\n    return 1\ndef b():\n    return 1", "mean 'exec_command'"),
        ("execute_command = print\ndef helper(image):\n    return 1", "There is no function"),
    ],
)
def test_a_missing_entry_is_found(findings, source, message):
    ((kind, line, text),) = findings(source)
    assert (kind, line) == ("check", 1)
    assert message in text


def test_a_parameter_that_nobody_gives_is_found_if_it_is_used(findings):
    source = "def execute_command(image, querry):\n    return querry"
    ((kind, line, message),) = findings(source, ["query"])
    assert (kind, line) == ("check", 1)
    assert "asks for the parameter 'querry', which is not given. Did you mean 'query'" in message


def test_collects_call_sites_with_their_literals(api):
    source = body(
        "patch = ImagePatch(image)",
        "name = 'cat'",
        "a = patch.find('dog')[0].verify_property('dog', name)",
        "return [a, llm_query('why', False), 'x'.find('x'), distance(1, 2.5)]",
    )
    sites = check_program(parse(source), api, []).call_sites
    assert sorted(map(tuple, sites), key=repr) == [
        (4, "find", ("dog",)),
        (4, "verify_property", ("dog", None)),
        (5, "distance", (1, 2.5)),
        (5, "llm_query", ("why", False)),
    ]
