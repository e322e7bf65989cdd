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
    ("statement", "message"),
    [
        ("import os", "Programs can import math, re, typing; not 'os'. Remove it."),
        ("import os.path as math", "not 'os.path'"),
        ("import math, sys", "not 'sys'"),
        ("import numpy as np", "not 'numpy'. Use sum, min, max, sorted and the module math."),
        ("from collections import Counter", "Count with a dict"),
        ("from . import x", "not '.'"),
        ("from os import path", "not 'os'"),
        ("from image_patch import ImagePatch, open", "not 'image_patch'"),
        ("import image_patch", "not 'image_patch'"),
        ("from re import sys", "re has no member 'sys' here."),
        ("from math import sqr", "math has no member 'sqr' here. Did you mean "),
    ],
)
def test_refuses_import(findings, statement, message):
    found = findings(f"def execute_command(image):\n    {statement}\n    return 1")
    assert [f for f in found if f[:2] == ("check", 2) and message in f[2]]


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
