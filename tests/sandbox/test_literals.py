"""The texts of a program and their places."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_sandbox.extract import extract, parse
from viper_sandbox.literals import MAX_LITERAL_CHARACTERS, MAX_LITERALS, string_literals


def texts(body):
    source = extract(body)
    literals = string_literals(parse(source), source)
    assert literals is not None
    return [(t.value, None if t.start is None else source[t.start : t.end]) for t in literals]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return find('dog')", [("dog", "'dog'")]),
        ('return find("dog"), find(name="cat")', [("dog", '"dog"'), ("cat", '"cat"')]),
        (r"return find('a\'b\n')", [("a'b\n", r"'a\'b\n'")]),
        (r"return find(r'a\b')", [("a\\b", r"r'a\b'")]),
        ("return find('')", [("", "''")]),
        ("return find('çà') + find('🐕 dog'), 'end'",
         [("çà", "'çà'"), ("🐕 dog", "'🐕 dog'"), ("end", "'end'")]),
        ("return {'a': ['b'], **{'c': 1}}['a']",
         [("a", "'a'"), ("b", "'b'"), ("c", "'c'"), ("a", "'a'")]),
        ("return f'{find(\"dog\")} of {x:>4}', 'cat'",
         [("cat", "'cat'"), (" of ", None), (">4", None), ("dog", None)]),
        ("return 'red' 'dog'", [("reddog", None)]),
        ("return ('red'\n    'dog')", [("reddog", None)]),
        ("return '''dog'''", [("dog", None)]),
        ("return '''dog\ncat'''", [("dog\ncat", None)]),
        ("return 'do\\\ng'", [("dog", None)]),
        (r"return '\ud800'", [("\ud800", None)]),
        ("return b'dog', 1, None", []),
    ],
)  # fmt: skip
def test_a_plain_literal_has_a_place_and_other_texts_have_none(body, expected):
    assert texts(body) == expected


def test_docstrings_and_annotations_are_left_out():
    source = '''"""A module."""
def execute_command(image: "Image") -> "str":
    """Finds a dog."""
    "alone"
    x: "list[str]" = ["dog"]
    return x[0]
'''
    assert texts(source) == [("dog", '"dog"')]


def test_a_program_of_prose_counts_in_its_normalised_source():
    assert texts("Sure!\n```python\nreturn find('dog')\n```\nBye") == [("dog", "'dog'")]


def test_too_many_or_too_long_texts_are_not_told():
    def told(body):
        source = extract(body)
        return string_literals(parse(source), source)

    most = f"return [{', '.join(['x'.__repr__()] * MAX_LITERALS)}]"
    assert len(told(most)) == MAX_LITERALS
    assert told(most.replace("]", ", 'y']")) is None
    assert told(f"return '{'x' * MAX_LITERAL_CHARACTERS}'") is not None
    assert told(f"return '{'x' * (MAX_LITERAL_CHARACTERS + 1)}'") is None


@given(st.lists(st.text(max_size=12), max_size=5), st.text(max_size=12))
def test_putting_other_literals_into_the_places_changes_nothing_else(values, other):
    source = f"def f(image):\n    return g({', '.join(map(repr, values))})[0], 1\n"
    source = source.encode("utf-8", "replace").decode()
    literals = string_literals(parse(source), source)
    assert literals is not None
    spliced = source
    for text in reversed([t for t in literals if t.start is not None]):
        assert ast.literal_eval(source[text.start : text.end]) == text.value
        spliced = spliced[: text.start] + repr(other) + spliced[text.end :]
    again = ast.walk(ast.parse(spliced))
    shape = [type(node) for node in ast.walk(ast.parse(source))]
    assert [type(node) for node in again] == shape
