from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.generate.stopping import end_of_program

PROGRAM = "def execute_command(image):\n    patch = ImagePatch(image)\n\n    return 1\n"


@pytest.mark.parametrize(
    ("program", "rest"),
    [
        (PROGRAM, "print(execute_command(image))\n"),
        (PROGRAM, "This function counts"),
        (PROGRAM, "x"),
        (PROGRAM, "import os\n"),
        (PROGRAM, "Question, as a JSON string"),
        (f"Sure:\n```python\n{PROGRAM}```", ""),
        (f"Sure:\n```python\n{PROGRAM}```", "\nIt works."),
        (f"~~~\n{PROGRAM}~~~", "\nDone"),
        (f"{PROGRAM}# a remark\n\n", "execute_command(1)"),
        (f"def near(a, b):\n    return True\n\n{PROGRAM}", "near(1, 2)"),
        (f"{PROGRAM}\ndef near(a, b):\n    return True\n", "near(1, 2)"),
        (f"import math\n{PROGRAM}", "math.pi"),
        ("def execute_command(\n    image,\n) -> str:\n    return 'a'\n", "next"),
        ("def execute_command(image): return 1\n", "next"),
        ('def execute_command(image):\n    """Say.\n\nmore\n"""\n    return 1\n', "next"),
        ("def execute_command(image):\n    return 'a\u2028b'\n", "next"),
        ('def execute_command(image):\n    """Say."""\n    return 1\n', "next"),
        (f"<think>def execute_command(x):\n    no\nso</think>\n{PROGRAM}", "next"),
        (f"[THINK]def execute_command(x):\n    no\nso[/THINK]\n{PROGRAM}", "next"),
        (f"<thinking>def execute_command(x):\n    no\nso</thinking>\n{PROGRAM}", "next"),
        (f"async {PROGRAM}", "next"),
    ],
)
def test_a_program_ends_at_the_first_line_that_cannot_be_its_own(program, rest):
    assert end_of_program(program + rest) == len(program)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I will write\na function",
        "def execute_command",
        "def execute_command(image):",
        PROGRAM,
        f"{PROGRAM}    ",
        f"{PROGRAM}d",
        f"{PROGRAM}def near",
        f"{PROGRAM}``",
        f"{PROGRAM}# and",
        f"{PROGRAM}@cache",
        "def execute_commands(image):\n    return 1\nprint(1)\n",
        "def helper(image):\n    return 1\nprint(1)\n",
        "<think>\ndef execute_command(image):\n    pass\nor perhaps",
        "def execute_command(image):\n    '''Say\nthat\n",
    ],
)
def test_a_program_that_may_go_on_has_no_end(text):
    assert end_of_program(text) is None


@given(st.lists(st.sampled_from([*"dfe@#) \n", "def ", "```", "    x = 1\n", '"""', "print(1)\n"])))
def test_an_end_once_seen_does_not_move_as_more_is_written(pieces):
    text, seen = PROGRAM, None
    for piece in pieces:
        text += piece
        end = end_of_program(text)
        assert end == seen or seen is None
        assert end is None or end <= len(text)
        seen = end
