"""Calls between a real child and its handler."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from fakes.processes import descendants_of
from viper_sandbox import CallFailed, CallRejected, Jail, PatchRef


def body(*lines):
    return "def execute_command(image):\n" + "".join(f"    {line}\n" for line in lines)


def recording(handler):
    calls = []

    async def record(call):
        calls.append(call)
        return await handler(call)

    return record, calls


def test_a_program_gets_its_answers(run_jailed, stub_handler):
    record, calls = recording(stub_handler)
    lines = ["dogs = image.find('dog')", "", "return dogs[1].simple_query(), llm_query('why?')"]
    result = run_jailed(body(*lines), record)
    assert result.failure is None
    assert result.value == ("stub", "stub")
    assert result.calls == 3
    assert [(c.id, c.name, c.arguments, c.line) for c in calls] == [
        (1, "ImagePatch.find", ("dog",), 2),
        (2, "ImagePatch.simple_query", ("What is this?",), 4),
        (3, "llm_query", ("why?", True), 4),
    ]
    assert calls[0].receiver == PatchRef(7, (0.0, 0.0, 300.0, 200.0))
    assert calls[1].receiver == PatchRef(7, (100.0, 0.0, 200.0, 200.0), "dog", 0.8)
    assert calls[2].receiver is None


def test_boxes_come_back_bit_identical(run_jailed):
    box = (0.1, 0.2, 299.7, 123.456789012345)

    async def find(call):
        return [PatchRef(7, box, "dog", 0.3)]

    result = run_jailed(body("return image.find('dog')"), find)
    assert result.value == [PatchRef(7, box, "dog", 0.3)]


def test_every_kind_of_value_comes_back(run_jailed):
    result = run_jailed(
        body("return [None, True, 1, 2.5, 'é', (1,), {'a': {2}}, {(1, 'x'): image}]")
    )
    whole = PatchRef(7, (0.0, 0.0, 300.0, 200.0))
    assert result.value == [None, True, 1, 2.5, "é", (1,), {"a": {2}}, {(1, "x"): whole}]


def test_arguments_are_given_by_name(run_jailed):
    source = (
        "def execute_command(image, query, possible_answers):\n    return possible_answers, query"
    )
    arguments = {"query": "what?", "possible_answers": ["a", "b"]}
    assert run_jailed(source, arguments=arguments).value == (["a", "b"], "what?")


def test_the_choice_among_no_patches_needs_no_call(run_jailed, stub_handler):
    record, calls = recording(stub_handler)
    assert run_jailed(body("return best_image_match([], ['x'])"), record).value is None
    assert calls == []


def test_generators_serve_as_lists(run_jailed, stub_handler):
    record, calls = recording(stub_handler)
    source = body("return best_image_match((p for p in image.find('a')), 'x', return_index=True)")
    assert run_jailed(source, record).value == 0
    assert len(calls[1].arguments[0]) == 3
    assert calls[1].arguments[1:] == ("x", True)


def test_calls_inside_a_sort_key_keep_their_order(run_jailed):
    lines = ["ps = image.find('dog')",
             "ps.sort(key=lambda p: len(p.simple_query('a')) + len(image.find('cat')))",
             "return len(ps)"]  # fmt: skip
    result = run_jailed(body(*lines))
    assert (result.value, result.calls) == (3, 7)


def test_a_call_at_the_end_of_the_recursion_is_served_or_raises_in_the_program(run_jailed):
    lines = ["def deep():", "    try:", "        return deep()", "    except RecursionError:",
             "        return image.exists('dog')", "return deep()"]  # fmt: skip
    assert run_jailed(body(*lines)).value is True


@pytest.mark.parametrize("exception", ["ValueError", "TypeError"])
def test_a_rejected_call_can_be_caught(run_jailed, exception):
    async def reject(call):
        raise CallRejected(exception, "the name is empty")

    lines = ["try:", "    image.find('')", f"except {exception} as error:", "    return str(error)"]
    assert run_jailed(body(*lines), reject).value == "the name is empty"


def test_a_rejected_call_that_nobody_catches_is_a_runtime_failure(run_jailed):
    async def reject(call):
        raise CallRejected("ValueError", "the name is empty")

    failure = run_jailed(body("", "return image.find('')"), reject).failure
    assert (failure.kind, failure.line) == ("runtime", 3)
    assert failure.message == "ValueError: the name is empty"


def test_a_failed_call_cannot_be_caught(run_jailed):
    async def fail(call):
        raise CallFailed("model", "nobody detects 'dog'")

    lines = ["try:", "    return image.find('dog')", "except:", "    return 'caught'"]
    result = run_jailed(body(*lines), fail)
    assert (result.failure.kind, result.failure.line) == ("model", 3)
    assert result.failure.message == "nobody detects 'dog'"
    assert result.value is None


def test_a_bug_of_the_handler_leaves_run_as_it_is(run_jailed):
    async def broken(call):
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        run_jailed(body("return image.find('dog')"), broken)


def test_an_answer_that_does_not_fit_a_frame_is_a_limit(run_jailed):
    async def long(call):
        return "x" * 10_000_000

    failure = run_jailed(body("return llm_query('x')"), long, answer_bytes=20_000_000).failure
    assert failure.kind == "limit"
    assert "The answer of llm_query is too large for the program" in failure.message


def test_the_budget_of_calls_ends_the_program(run_jailed):
    lines = ["for i in range(100):", "    try:", "        image.exists('x')", "    except:",
             "        pass", "return 1"]  # fmt: skip
    result = run_jailed(body(*lines), calls=10)
    assert (result.failure.kind, result.failure.line) == ("limit", 4)


def test_the_failure_and_what_was_printed_come_together(run_jailed):
    result = run_jailed(body("print('so far')", "return [][1]"))
    assert result.printed == "so far\n"
    assert (result.failure.kind, result.failure.line) == ("runtime", 3)


def test_findings_come_without_a_run(run_jailed, stub_handler):
    record, calls = recording(stub_handler)
    result = run_jailed(body("image.find('x')", "return image.fnd('dog')"), record)
    assert (result.failure.kind, result.failure.line) == ("check", 3)
    assert result.checked.findings[0].message == result.failure.message
    assert [tuple(site) for site in result.checked.call_sites] == [(2, "find", ("x",), False)]
    assert calls == []


def test_a_check_needs_neither_image_nor_handler(api_wire):
    async def check():
        async with Jail() as jail:
            good = await jail.check("```\nreturn image_patch.find('dog')\n```", api_wire)
            bad = await jail.check("def execute_command(image, query):\n    return quary", api_wire)
            return good, bad

    good, bad = asyncio.run(check())
    assert good.findings == ()
    assert good.source.startswith("def execute_command(image):\n    image_patch = ")
    assert bad.findings[0][:2] == ("check", 2)


def test_the_environment_of_the_host_does_not_reach_its_processes(monkeypatch, request_for):
    monkeypatch.setenv("VIPER_TEST_SECRET", "hunter2")
    seen = []

    async def look(call):
        for pid in (jail._zygote_client.pid, *descendants_of(jail._zygote_client.pid)):
            with contextlib.suppress(PermissionError):  # only root may look into all of them
                seen.append(Path(f"/proc/{pid}/environ").read_bytes())
        return True

    async def run():
        async with jail:
            return await jail.run(request_for("return image.exists('x')"), look)

    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc")
    jail = Jail()
    assert asyncio.run(run()).value is True
    assert seen
    assert not any(b"hunter2" in environment for environment in seen)
