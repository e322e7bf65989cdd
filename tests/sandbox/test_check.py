import pytest

from viper_sandbox.check import check_program
from viper_sandbox.extract import parse


def body(*lines):
    return "def execute_command(image):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["return foo"], 2, "Unknown name 'foo'. Define it before it is used."),
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
            3,
            "upper is a value, not a method. Write .upper without ().",
        ),
        (
            ["return [1].push(2)"],
            2,
            "There is no attribute 'push' in programs. Use a method of str, list, dict or set, or of "
            "the ImagePatch API.",
        ),
        (["def f(a):", "    return a", "return f()"], 4, "f misses 'a'. It is f(a)."),
        (["def f(a):", "    return a", "return f(1, 2)"], 4, "f takes at most 1 arguments, got 2."),
        (["def f():", "    return 1", "return f(1)"], 4, "f takes no arguments, got 1. It is f()."),
        (
            ["def f(a, *, size: int = 1):", "    return a", "return f(1, sise=2)"],
            4,
            "f has no argument 'sise'. Did you mean 'size'? It is f(a, *, size=1).",
        ),
        (["def f(a, /):", "    return a", "return f(a=1)"], 4, "f has no argument 'a'."),
        (["def f(*, a):", "    return a", "return f()"], 4, "f misses 'a'. It is f(*, a)."),
        (["def f(a):", "    return a", "return f(1, a=2)"], 4, "f gets 'a' twice."),
        (["return format(1.5, '.1f')"], 2, "'format' is not part of programs: use an f-string"),
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
        (
            ["return image.cropped_image.shape[1]"],
            2,
            "ImagePatch has no attribute 'cropped_image'. A patch has no pixels here",
        ),
        (
            ["a, b = image.find('x')[:2]", "return a.shape"],
            3,
            "ImagePatch has no attribute 'shape'. A patch has no pixels here",
        ),
        (["return VideoSegment(image)"], 2, "Unknown name 'VideoSegment'. There is one image"),
        (
            ["return query"],
            2,
            "Unknown name 'query'. It is a parameter: write def execute_command(",
        ),
        (
            ["return image_patch.left"],
            2,
            "Unknown name 'image_patch'. Write image_patch = ImagePatch(",
        ),
        (["return np.mean([1])"], 2, "Unknown name 'np'. Use sum, min, max, sorted"),
        (["return json.dumps({})"], 2, "Unknown name 'json'. Return the dict or list itself"),
        (["return 'a'.encode()"], 2, "There is no attribute 'encode' in programs. Texts need no"),
        (["return ImagePatch.left"], 2, "The class ImagePatch has no method 'left'."),
        (["return ImagePatch.find(image)"], 2, "find misses 'object_name'."),
        (
            ["return ImagePatch.compute_depth()"],
            2,
            "ImagePatch.compute_depth needs a patch as its first",
        ),
        (["x = 1"], 1, "execute_command never returns a value. End it with 'return'."),
        (["def f():", "    return 1"], 1, "execute_command never returns a value."),
    ],
)
def test_finds(findings, lines, line, message):
    found = findings(body(*lines), ["query", "possible_answers"])
    kind = "policy" if "not part of programs" in message else "check"
    assert [f for f in found if f[:2] == (kind, line) and f[2].startswith(message)]


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
        ["unsure('It is too dark.')"],
        ["if image:", "    absent('cup')", "else:", "    unsure('It is too dark.')"],
        ["if image:", "    raise ValueError", "else:", "    raise ValueError"],
        ["return [x for xs in [[1]] for x in xs]"],
        ["def f(n):", "    return g(n)", "def g(n):", "    return n", "return f(1)"],
        ["try:", "    pass", "except ValueError as e:", "    print(e.args)", "return 1"],
        ["import math as m", "return m.sqrt(4)"],
        ["x: Undefined = 1", "return x"],
        ["p = 'text'", "p = image", "return p.upper"],
        ["p = 'text'", "p = image", "return p.upper()"],
        ["def f(*a, **k):", "    return a", "return f(1, 2, x=3)"],
        ["def f(a, b=1):", "    return a", "return f(*[1, 2]), f(**{'a': 1}), f(1), f(1, b=2)"],
        ["def f(a):", "    return a", "f = lambda: 1", "return f()"],
        ["def f(a):", "    return a", "def g(f):", "    return f()", "return g(lambda: 1)"],
        [
            "if image:",
            "    def f():",
            "        return 1",
            "else:",
            "    def f(a):",
            "        return a",
            "return f()",
        ],
        ["m = math", "return m.floor(2.5)"],
        [
            "try:",
            "    import re",
            "except ImportError:",
            "    re = None",
            "return re.findall('a', 'a')",
        ],
        ["for module in [math]:", "    return module.sqrt(4)"],
        ["f = lambda t: w[0] if (w := t.split()) else ''", "return f('a b')"],
        ["f = lambda a, b=(c := 1): a + b", "return f(1) + c"],
        ["def f(a, b=(c := 1)):", "    return a + b", "return f(1) + c"],
        ["return sorted(image.find('x'), key=ImagePatch.compute_depth)"],
        ["return ImagePatch.find(image, 'x'), ImagePatch.crop(image, 0, 0, right=5, upper=5)"],
        ["return image.verify_property('a', visual_property='b'), coerce_to_numeric(string='1')"],
        ["return frozenset('a').symmetric_difference('b'), 'a'.translate(str.maketrans('a', 'b'))"],
        ["a, b = image.find('x')[0], 'text'", "return a.left, b.upper()"],
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
    found = findings(body("a = foo", "b = image.fnd('x')", "import os", "c = eval(os)"))
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
        (
            "if True:\n    def execute_command(image):\n        return 1\ndef helper(x):\n    return x",
            "There is no function",
        ),
    ],
)
def test_a_missing_entry_is_found(findings, source, message):
    ((kind, line, text),) = findings(source)
    assert (kind, line) == ("check", 1)
    assert message in text


@pytest.mark.parametrize("again", ["execute_command = 5", "import math as execute_command"])
def test_an_entry_that_is_bound_again_is_found(findings, again):
    assert findings(f"def execute_command(image):\n    return 1\n{again}") == [
        ("check", 3, "execute_command is bound again here. Use another name.")
    ]


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
        (4, "find", ("dog",), False),
        (4, "verify_property", ("dog", "cat"), False),
        (5, "distance", (1, 2.5), False),
        (5, "llm_query", ("why", False), False),
    ]


@pytest.mark.parametrize(
    ("lines", "literal"),
    [
        (["sizes = ['small', 'large']"], ("small", "large")),
        (["sizes = 'small'"], "small"),
        (["sizes = ['small']", "sizes = ['large']"], None),
        (["sizes = [query]"], None),
        (["sizes = 'a'", "sizes += 'b'"], None),
        (["sizes = []", "for sizes in ['a']: pass"], None),
        (["sizes = ['a']", "f = lambda sizes: sizes"], None),
    ],
)
def test_a_name_that_is_bound_once_to_a_literal_is_told_as_it(api, lines, literal):
    source = body(*lines, "return image.best_text_match(sizes)")
    ((site_literal,),) = (
        site.literals for site in check_program(parse(source), api, ["query"]).call_sites
    )
    assert site_literal == literal


def test_lists_of_texts_are_literals_and_lists_of_other_things_are_not(api):
    source = body(
        "patch = ImagePatch(image)",
        "patch.best_text_match(['red', 'blue'], 'it is')",
        "patch.best_text_match(('red', query), None)",
        "return patch.best_text_match([1, 2])",
    )
    literals = [site.literals for site in check_program(parse(source), api, []).call_sites]
    assert literals == [(("red", "blue"), "it is"), (None, None), (None,)]


@pytest.mark.parametrize(
    ("line", "repeats"),
    [
        ("return image.find('x')", False),
        ("return image.find('x') if image else image.find('y')", False),
        ("for p in image.find('x'): pass\n    return 1", False),
        ("return [p for p in image.find('x')]", False),
        ("for p in []: image.find('x')\n    return 1", True),
        ("while image.find('x'): pass\n    return 1", True),
        ("while image: image.find('x')\n    return 1", True),
        ("return [image.find('x') for p in []]", True),
        ("return [p for p in [] if image.find('x')]", True),
        ("return {p: 1 for q in [] for p in image.find('x')}", True),
        ("return any(image.find('x') for p in [])", True),
        ("return sorted([], key=lambda p: image.find('x'))", True),
        ("def inner(p): return image.find('x')\n    return inner(1)", True),
    ],
)
def test_a_call_site_says_whether_it_may_run_more_than_once(api, line, repeats):
    sites = check_program(parse(body(line)), api, []).call_sites
    assert {site.repeats for site in sites if site.method == "find"} == {repeats}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "class Box:\n    def __init__(self, patch):\n        self.patch = patch\n"
            "        self.area = patch.width\n\n    def grown(self):\n        return self.area * foo\n\n"
            "def execute_command(image):\n    boxes = [Box(p) for p in image.find('a')]\n"
            "    return max(boxes, key=lambda b: b.area).grown()",
            [("policy", 1)],
        ),
        (
            "from dataclasses import dataclass\n\n@dataclass\nclass Box:\n    width: int = 1\n\n"
            "def execute_command(image):\n    return Box(3).width",
            [("policy", 4)],
        ),
        (
            "from enum import Enum\nclass Color(Enum):\n    RED = 1\ndef execute_command(image):\n"
            "    return Color.RED",
            [("policy", 2)],
        ),
        (
            "class Program:\n    def execute_command(self, image):\n        return image.find('a').first",
            [("policy", 1)],
        ),
        (
            "import numpy as np\ndef execute_command(image):\n    a = np.array([1])\n"
            "    return a.mean() + np.zeros(3).sum()",
            [("check", 1)],
        ),
        (
            "def execute_command(video):\n    v = VideoSegment(video)\n    for f in v.frame_iterator():\n"
            "        return f.to_patch().simple_query('a')",
            [("check", 2)],
        ),
        (
            "def execute_command(image):\n    return image.cropped_image.shape[0].item()",
            [("check", 2)],
        ),
    ],
)
def test_what_follows_from_a_finding_is_no_finding(findings, source, expected):
    assert [f[:2] for f in findings(source)] == expected


def test_a_missing_image_is_told_as_a_missing_parameter(findings):
    ((kind, line, message),) = findings("def execute_command():\n    return ImagePatch(image).left")
    assert (kind, line) == ("check", 2)
    assert message == "Unknown name 'image'. It is a parameter: write def execute_command(image)."


def test_literals_of_a_method_of_the_class_are_those_of_the_method(api):
    source = body("return ImagePatch.verify_property(image, 'dog', 'brown')")
    assert [s.literals for s in check_program(parse(source), api, []).call_sites] == [
        ("dog", "brown")
    ]
