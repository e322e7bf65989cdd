"""Lines of programs are those that Python counts, whatever separators their texts hold."""

from __future__ import annotations

import ast

import pytest

from viper_sandbox.extract import extract
from viper_sandbox.source_lines import lines_of

SEPARATORS = {
    "vertical tab": "\v", "form feed": "\f", "file separator": "\x1c",
    "group separator": "\x1d", "record separator": "\x1e", "next line": "\x85",
    "line separator": "\u2028", "paragraph separator": "\u2029",
}  # fmt: skip


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_a_separator_in_a_comment_ends_no_line(separator):
    source = f"a = 1  # b{separator}    c = 2\nd = 3\n"
    assert len(source.splitlines()) == 3  # the control: what `splitlines` would display
    lines = lines_of(source)
    assert len(lines) == 2
    assert lines[ast.parse(source).body[-1].lineno - 1] == "d = 3"


@pytest.mark.parametrize(
    ("source", "lines"),
    [("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\n\n", ["a", ""]), ("\n\na", ["", "", "a"])],
)  # fmt: skip
def test_a_final_line_feed_begins_no_line(source, lines):
    assert lines_of(source) == lines == source.splitlines()


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_a_bare_body_and_one_with_an_example_call_keep_their_lines(separator):
    body = f"n = 1  # b{separator}n = 2\nreturn n"
    assert (
        extract(body)
        == f"def execute_command(image):\n    {body.replace(chr(10), chr(10) + '    ')}\n"
    )
    program = f"def execute_command(image):\n    # b{separator}    return 2\n    return 1\n"
    assert extract(f"{program}\nexecute_command(image)\n") == program
