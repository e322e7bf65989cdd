"""Programs that take too much, in real children that are really stopped."""

import time

import pytest


def body(*lines):
    return "def execute_command(image):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    "lines",
    [
        ["while True:", "    pass"],
        ["return sum(range(10 ** 12))"],
        ["return (9 ** 9 ** 9) % 7"],
        ["return max(iter(int, 1))"],
        ["import re", "return re.match('(a*)*b', 'a' * 40)"],
        ["while True:", "    try:", "        while True:", "            pass", "    except:", "        pass"],
        ["keep = []", "while True:", "    try:", "        keep.append('y' * (1 << 24))",
         "    except MemoryError:", "        pass"],
        ["def g():", "    try:", "        while True:", "            pass", "    finally:",
         "        return g()", "return g()"],
    ],
    ids=["loop", "range", "power", "iterator", "regex", "bare except", "swallowed", "finally"],
)  # fmt: skip
def test_cpu_time_ends(run_jailed, lines):
    started = time.monotonic()
    result = run_jailed(body(*lines), cpu_s=0.3, program_s=5)
    assert result.failure.kind == "timeout"
    assert result.failure.message == "The program used more than 0.3 s of CPU time."
    assert result.checked.source == body(*lines)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "lines",
    [
        ["return len('x' * (1 << 30))"],
        ["return (1 << 10 ** 11) % 3"],
        ["w = 4 * 10 ** 9", "return f'{1:{w}}'"],
        ["keep = []", "while True:", "    keep.append('x' * (1 << 20) + str(len(keep)))"],
    ],
    ids=["text", "shift", "width", "list"],
)
def test_memory_ends(run_jailed, lines):
    result = run_jailed(body(*lines), memory_mb=64)
    assert result.failure.kind == "memory"


def test_memory_up_to_the_limit_can_be_used(run_jailed):
    assert run_jailed(body("return len('x' * (40 << 20))"), memory_mb=64).value == 40 << 20


def test_a_message_of_100_mb_is_cut(run_jailed):
    result = run_jailed(body("raise ValueError('E' * (100 << 20))"))
    assert result.failure.kind == "runtime"
    assert len(result.failure.message) < 600


def test_a_program_that_is_too_large_does_not_start(run_jailed):
    failure = run_jailed("x" * 1_001, source_bytes=1_000).failure
    assert (failure.kind, failure.message) == (
        "limit",
        "The program has 1,001 bytes; 1,000 are allowed.",
    )


def test_a_result_that_is_too_large_is_a_limit(run_jailed):
    failure = run_jailed(body("return 'x' * 2_000"), result_bytes=1_000).failure
    assert failure.kind == "limit"
    assert "1,000 are allowed" in failure.message


def test_a_crash_of_the_interpreter_is_a_failure(run_jailed):
    # A long chain of iterators overflows the C stack of CPython, which checks no depth there.
    lines = [
        "x = iter([])",
        "for i in range(500_000):",
        "    x = filter(None, x)",
        "return next(x, 1)",
    ]
    result = run_jailed(body(*lines), memory_mb=512)
    assert result.failure.kind == "sandbox"
    assert result.failure.message == "The program crashed its interpreter (SIGSEGV)."
