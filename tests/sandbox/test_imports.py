import pytest

from viper_sandbox.namespace import ALLOWED_MODULES


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["import math", "return math.floor(math.pi)"], 3),
        (["import math as m", "return m.floor(2.5)"], 2),
        (["from math import sqrt", "return sqrt(4)"], 2.0),
        (["from math import sqrt as root, floor", "return floor(root(5))"], 2),
        (["import re", "return re.findall('[0-9]+', 'a1b22')"], ["1", "22"]),
        (["import re", "return re.compile('(a)(b)?').match('ab').groups()"], ("a", "b")),
        (["import re", "return re.sub('a', 'b', 'aA', flags=re.I | re.M)"], "bb"),
        (["import math, re", "return math.hypot(3, 4)"], 5.0),
        (["return math.ceil(1.5)"], 2),
        (["from typing import List, Optional", "x: List[int] = [1]", "return x"], [1]),
        (["from typing import Union", "Number = Union[int, float]", "return 1"], 1),
        (["from __future__ import annotations", "return 1"], 1),
        (["from image_patch import ImagePatch", "return ImagePatch(image).width"], 300.0),
        (["from viper.api import ImagePatch as IP, distance", "return distance(1, 3)"], 2),
    ],
    ids=lambda v: v[0] if isinstance(v, list) else "",
)
def test_imports(run_here, lines, value):
    if "__future__" in lines[0]:
        source = f"{lines[0]}\ndef execute_command(image):\n    {lines[1]}"
    else:
        source = "def execute_command(image):\n    " + "\n    ".join(lines)
    assert run_here(source) == value


@pytest.mark.parametrize(
    ("statement", "name", "message"),
    [
        ("import os", "os", "Programs can import math, re, typing; not 'os'. Remove it."),
        ("import os.path as math", "math", "not 'os.path'"),
        ("import math, sys", "sys", "not 'sys'"),
        ("import numpy as np", "np", "not 'numpy'. Use sum, min, max, sorted and the module math."),
        ("from collections import Counter", "Counter", "Count with a dict"),
        ("import json", "json", "Return the dict or list itself"),
        ("from copy import deepcopy", "deepcopy", "Write list(x) or dict(x)"),
        ("from operator import itemgetter", "itemgetter", "Write a lambda"),
        ("import heapq", "heapq", "Write sorted(values)[:k]."),
        ("from dataclasses import dataclass", "dataclass", "Use a dict or a tuple."),
        ("import string", "string", "Write the characters"),
        ("from PIL import Image", "Image", "A patch has no pixels here"),
        ("from . import x", "x", "not '.'"),
        ("from image_patch import ImagePatch, open", "open", "not 'image_patch'"),
        ("import image_patch", "image_patch", "not 'image_patch'"),
        ("from re import sys", "sys", "re has no member 'sys' here."),
        ("from math import sqr", "sqr", "math has no member 'sqr' here. Did you mean "),
    ],
)
def test_refuses_import(findings, statement, name, message):
    found = findings(f"def execute_command(image):\n    {statement}\n    return {name}")
    assert [f for f in found if f[:2] == ("check", 2) and message in f[2]]


@pytest.mark.parametrize(
    "statement",
    [
        "import numpy as np",
        "import os, sys",
        "from PIL import Image",
        "from image_patch import ImagePatch, VideoSegment, best_image_match",
        "from image_patch import *",
        "from typing import List; import torch",
        "import os.path",
    ],
)
def test_an_import_whose_name_is_never_used_is_dropped(run_here, statement):
    head = f"{statement}\ndef execute_command(image: Image.Image) -> np.ndarray:\n"
    inside = "" if "*" in statement else f"    {statement}\n"
    assert run_here(f"{head}{inside}    return 1") == 1


def test_of_several_names_those_that_are_used_are_refused(findings):
    def program(value):
        head = "from image_patch import distance, VideoSegment"
        return f"{head}\ndef execute_command(image):\n    return {value}"

    assert findings(program("distance(1, 2)")) == []
    assert [f[:2] for f in findings(program("VideoSegment(image)"))] == [("check", 1)]


def test_a_reserved_name_is_refused_even_where_it_is_not_used(findings):
    found = findings("import os as _getattr_\ndef execute_command(image):\n    return 1")
    assert ("policy", 1) in [f[:2] for f in found]


@pytest.mark.parametrize(
    "kind", ["ImportError", "ModuleNotFoundError", "Exception", "(ValueError, ImportError)", ""]
)
def test_an_import_inside_a_try_that_catches_it_raises_inside(run_here, kind):
    source = f"""
    try:
        import numpy as np
    except {kind}:
        np = None

    def execute_command(image):
        return np.mean([1, 2]) if np else "no numpy"
    """
    assert run_here(source) == "no numpy"


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import numpy as np\nexcept ValueError:\n    np = None",
        "try:\n    x = 1\nexcept ImportError:\n    import numpy as np",
        "try:\n    x = 1\nexcept ImportError:\n    x = 2\nelse:\n    import numpy as np",
        "try:\n    def f():\n        import numpy as np\nexcept ImportError:\n    np = None",
    ],
)
def test_a_try_that_does_not_catch_it_guards_no_import(findings, source):
    found = findings(f"{source}\ndef execute_command(image):\n    return np")
    assert [f for f in found if "not 'numpy'" in f[2]]


def test_refuses_star_import(findings):
    found = findings("from math import *\ndef execute_command(image):\n    return 1")
    assert found == [("policy", 1, "'import *' is not part of programs. Name what you import.")]


@pytest.mark.parametrize("name", ["math", "re", "typing"])
def test_modules_are_frozen(name):
    module = ALLOWED_MODULES[name]
    with pytest.raises(AttributeError, match="cannot be changed"):
        module.pi = 3


def test_the_module_re_leads_to_no_other():
    assert not [
        n for n in dir(ALLOWED_MODULES["re"]) if n in ("enum", "sys", "copyreg", "functools")
    ]
