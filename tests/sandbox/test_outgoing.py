"""Texts leave a program without addresses and halves of characters, whichever way they leave."""

from __future__ import annotations

import re

import pytest

from viper_sandbox.outgoing import outgoing

OBJECTS = {
    "a function of the API": ("image.find", "<function find>"),
    "a function": ("lambda: 1", "<function execute_command.<locals>.<lambda>>"),
    "a generator": ("(n for n in [1])", "<generator object execute_command.<locals>.<genexpr>>"),
    "a method": ("re.compile('a').search", "<built-in method search of re.Pattern object>"),
    "a method of a text": ("'a'.upper", "<built-in method upper of str object>"),
    "an iterator": ("map(str, [1])", "<map object>"),
    "two in a list": ("[zip(), zip()]", "[<zip object>, <zip object>]"),
}
WAYS = {
    "repr": "return repr(THING)",
    "str": "return str(THING)",
    "an f-string": 'return f"{(THING)}"',
    "a format": "return '{}'.format(THING)",
    "a percent": "return '%s' % (THING,)",
    "a list": "return [repr(THING)]",
    "a key": "return {repr(THING): 1}",
    "a member": "return {repr(THING)}",
    "a print": "return print(THING)",
    "a message": "raise ValueError(THING)",
    "a key that is missing": "return {}[repr(THING)]",
}
ADDRESS = re.compile(r"0x[0-9a-f]{4,}")


@pytest.fixture
def left(run_here):
    """Return all that a program leaves behind, as one text."""

    def run(body):
        printed = []
        outcome = run_here(f"import re\ndef execute_command(image):\n    {body}\n", printed=printed)
        assert getattr(outcome, "kind", "runtime") == "runtime"
        return f"{getattr(outcome, 'message', outcome)} {printed[0]}"

    return run


@pytest.mark.parametrize("way", WAYS)
def test_no_address_leaves(left, way):
    for name, (thing, shown) in OBJECTS.items():
        found = left(WAYS[way].replace("THING", thing))
        assert shown in found, name
        assert not ADDRESS.search(found), name


def test_no_address_leaves_a_child(run_jailed):
    source = (
        "def execute_command(image):\n    print(zip())\n    return {repr(zip()): [str(image.find)]}"
    )
    result = run_jailed(source)
    assert result.value == {"<zip object>": ["<function find>"]}
    assert result.printed == "<zip object>\n"
    result = run_jailed("def execute_command(image):\n    raise ValueError(zip())")
    assert result.failure.message == "ValueError: <zip object>"


def test_no_address_is_sent_to_a_model(run_jailed):
    asked = []

    async def answer(call):
        asked.append(call.arguments[0])
        return "yes"

    source = "def execute_command(image):\n    return image.simple_query(f'{image.find}')"
    assert run_jailed(source, answer).value == "yes"
    assert asked == ["<function find>"]


def test_no_part_of_an_address_is_left_where_a_text_is_cut(left):
    for size in range(470, 500):
        assert "at 0x" not in left(f"raise ValueError('a' * {size} + repr(zip()))")
    for size in range(9_970, 10_000, 3):
        assert "at 0x" not in left(f"return print('a' * {size} + repr(zip()))")


@pytest.mark.parametrize(
    "text", ["meet at 0x7f", "at 0x7fdf12345678", "<a at 0x>", "<a at 0xg>", "<b>", "a at 0x1 >"]
)
def test_other_texts_stay(left, text):
    assert outgoing(text) == text
    assert text in left(f"return {text!r}")


def test_a_lone_surrogate_is_a_visible_escape_everywhere(run_jailed):
    texts = r"['a\ud800b', {'\ud800': '\udfff'}, {'\ud800', '\udfff'}, '\ud83d\ude00', '😀é']"
    result = run_jailed(
        "def execute_command(image):\n    print('a\\ud800b')\n    return " + texts + "\n"
    )
    halves = {r"\ud800", r"\udfff"}
    assert result.value == [
        r"a\ud800b",
        {r"\ud800": r"\udfff"},
        halves,
        r"\ud83d\ude00",
        "😀é",  # the control
    ]
    assert result.printed == "a\\ud800b\n"


@pytest.mark.parametrize(
    ("body", "kind", "start"),
    [
        ("raise ValueError('a' + '\\ud800' * 2_000)", "runtime", r"ValueError: a\ud800"),
        ("return image.find('unicorn\\ud800')[0]", "absent", r"No unicorn\ud800"),
        ("return image.find('unicorn\\ud800' * 2_000)[0]", "absent", "No such object"),
        ("return image.find(a='\\ud800' * 2_000, b=1)", "check", ""),
        ("return nothing_" + "\\ud800", "syntax", ""),
    ],
)
def test_a_message_of_lone_surrogates_breaks_no_rule(run_jailed, body, kind, start):
    async def nothing(call):
        return []

    failure = run_jailed(f"def execute_command(image):\n    {body}\n", nothing).failure
    assert failure.kind == kind
    assert failure.message.startswith(start)


def test_keys_that_are_the_same_when_sent_are_a_failure(run_jailed):
    for keys in (r"'\ud800': 1, '\\ud800': 2", "repr(zip()): 1, '<zip object>': 2"):
        result = run_jailed(f"def execute_command(image):\n    return {{{keys}}}\n")
        assert "keys that are the same when sent" in result.failure.message
