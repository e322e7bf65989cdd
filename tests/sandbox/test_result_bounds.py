"""A result just within, at and beyond each limit: it is answered, or the program fails; never the sandbox."""

from __future__ import annotations

import pytest

from viper_sandbox.wire import MAX_DEPTH, WireError, pack

WRAPPED = {
    "lists": "[deep]",
    "tuples": "(deep,)",
    "dicts": "{'': deep}",
    "lists and dicts": "[{'': deep}]",
    "lists of two": "[0, deep]",
    "dicts with a key beside": "{1: 2, '': deep}",
}


def nested(wrapped, times, inner="1"):
    return (
        f"def execute_command(image):\n    print('so far')\n    deep = {inner}\n"
        f"    for i in range({times}):\n        deep = {wrapped}\n    return deep\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("inner", ["1", "image", "[]", "{}"])
@pytest.mark.parametrize("name", WRAPPED)
def test_depth(run_jailed, name, inner):
    levels = 2 if name == "lists and dicts" else 1
    kinds = []
    for times in range(MAX_DEPTH // levels - 3, MAX_DEPTH // levels + 2):
        result = run_jailed(nested(WRAPPED[name], times, inner))
        kinds.append(result.failure and result.failure.kind)
        assert result.printed == "so far\n"
    assert set(kinds) == {None, "runtime"}
    assert kinds == sorted(kinds, key=bool), "what is deeper is no better"


@pytest.mark.parametrize(
    "wrapped", ["[deep]", "(deep,)", "{'': deep}", "[0, deep]", "{1: 2, '': deep}"]
)
def test_the_depth_that_only_the_message_is_beyond(run_jailed, wrapped):
    result = run_jailed(nested(wrapped, MAX_DEPTH))
    assert (result.failure.kind, result.printed) == ("runtime", "so far\n")


def test_control_a_value_alone_is_a_level_less_deep_than_in_its_message():
    deep = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert pack(deep, 1_000)
    with pytest.raises(WireError, match="nested deeper"):
        pack(["done", deep, ""], 1_000)


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["a", "é", "😀", "\\x01", '"', "\\\\"])
def test_bytes(run_jailed, letter):
    kinds = set()
    for size in (*range(990, 1_003), 495, 498, 499, 500, 249, 250, 165, 166, 167):
        program = f"def execute_command(image):\n    return '{letter}' * {size}\n"
        result = run_jailed(program, result_bytes=1_000)
        kinds.add(result.failure and result.failure.kind)
    assert kinds == {None, "limit"}


@pytest.mark.slow
@pytest.mark.parametrize("most", [50, 199_997, 199_999, 200_000])
def test_values(run_jailed, most):
    kinds = []
    for values in range(most - 5, most + 3):
        result = run_jailed(
            f"def execute_command(image):\n    return [0] * {values}\n", result_values=most
        )
        kinds.append(result.failure and result.failure.kind)
    assert set(kinds) <= {None, "limit"}
    assert kinds[0] is None
    assert kinds[-1] == "limit"


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["\\x01", "😀", "\\\\", "\\ud800"])
def test_a_print_at_its_limit_beside_a_result_at_its_limit(run_jailed, letter):
    most = 140 if letter == "\\ud800" else 150  # its visible escape takes 7 bytes on the wire
    program = f"def execute_command(image):\n    print('{letter}' * 10_000)\n    return '{letter}' * {most}\n"
    result = run_jailed(program, result_bytes=1_000)
    assert result.failure is None
    assert result.printed


@pytest.mark.slow
@pytest.mark.parametrize("times", range(28, 34))
def test_a_deep_argument_of_a_call(run_jailed, times):
    program = nested("[deep]", times).replace(
        "return deep", "return image.best_text_match(deep) is None"
    )
    result = run_jailed(program)
    assert result.failure is not None
    assert result.failure.kind in ("runtime", "check")
