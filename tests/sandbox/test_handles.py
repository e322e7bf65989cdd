"""Handles of objects that stay on the host: what a program, and an escaped child, can do with them."""

from __future__ import annotations

import asyncio
import functools
import json

import pytest

from viper.programs.api_spec import load_spec
from viper_sandbox import Call, CallRejected, HandleRef, Jail, Limits, PatchRef, Request
from viper_sandbox.api import Api
from viper_sandbox.examine import examine
from viper_sandbox.execute import execute
from viper_sandbox.namespace import Printer
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.program_session import ProgramSession
from viper_sandbox.wire import WireError, pack, unpack


def in_a_loop(test):
    """Run a coroutine of a test."""

    @functools.wraps(test)
    def run(*arguments, **named):
        asyncio.run(test(*arguments, **named))

    return run


WHOLE = PatchRef(7, (0.0, 0.0, 300.0, 200.0))


def callable_(*parameters, returns):
    described = [{"name": n, "type": t, "required": True, "default": None} for n, t in parameters]
    return {"params": described, "returns": returns, "remote": True}


@pytest.fixture(scope="module")
def wire():
    """The API with two classes of objects and what makes and takes them."""
    wire = load_spec().to_wire()
    wire["handles"] = {"Mask": ["area", "name", "full"], "Outline": ["length"]}
    wire["methods"] |= {
        "mask": callable_(returns="Mask"),
        "masks": callable_(("count", "int"), returns="list[Mask]"),
        "outline": callable_(returns="Outline"),
    }
    wire["functions"] |= {
        "overlap": callable_(("a", "Mask"), ("b", "Mask"), returns="float"),
        "total": callable_(("masks", "list[Mask]"), returns="int"),
    }
    return wire


def mask(number, area=0.5):
    return HandleRef("Mask", number, (area, "m", True))


class Host:
    """Serves the calls; what it is given is kept."""

    def __init__(self):
        self.calls = []
        self.given = 0

    def answer(self, name, arguments):
        self.calls.append((name, arguments))
        match name.rpartition(".")[2]:
            case "mask":
                self.given += 1
                return mask(self.given)
            case "masks":
                self.given += arguments[0]
                return [mask(self.given - i) for i in range(arguments[0])]
            case "outline":
                self.given += 1
                return HandleRef("Outline", self.given, (9,))
            case "overlap":
                return 0.25
            case "total":
                return len(arguments[0])

    async def __call__(self, call: Call):
        return self.answer(call.name, call.arguments)


@pytest.fixture
def run(wire):
    """Run a program in this process; return its value or failure."""
    api = Api.from_wire(wire)

    def once(*lines, host=None):
        host = host or Host()
        session = ProgramSession(api, WHOLE, (300, 200), lambda n, r, a, line: host.answer(n, a))
        body = "\n".join(f"    {line}" for line in lines)
        checked = examine(f"def execute_command(image):\n{body}\n", api, ())
        assert checked.findings == (), checked.findings
        outcome = execute(checked, session, {}, Printer(1000), 1_000_000)
        return getattr(outcome, "value", None) or outcome

    return once


def test_attributes_can_be_read_and_handles_be_kept_compared_and_passed_back(run):
    host = Host()
    value = run(
        "masks = image.masks(3)",
        "chosen = {m for m in masks if m.area < 1}",
        "best = masks[0]",
        "return [best.area, best.name, best.full, best == masks[0], best == masks[1], len(chosen),",
        "        overlap(best, masks[2]), total(masks), f'{best}']",
        host=host,
    )
    assert value == [
        0.5, "m", True, True, False, 3, 0.25, 3, "Mask(area=0.5, name='m', full=True)",
    ]  # fmt: skip
    # What goes back is a class and a number: the host does not ask a child what its objects are like.
    assert ("overlap", (HandleRef("Mask", 3), HandleRef("Mask", 1))) in host.calls


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("return m.length", "AttributeError: Mask has no attribute 'length'."),
        ("return m.left", "AttributeError: Mask has no attribute 'left'."),
        ("return m.find('x')", "AttributeError: Mask has no attribute 'find'."),
        ("return m.count(1)", "AttributeError: Mask has no attribute 'count'."),
        ("m[0] = 1", "TypeError: 'Handle' object does not support item assignment"),
        ("return m[0]", "TypeError: 'Handle' object is not subscriptable"),
        ("return m()", "TypeError: 'Handle' object is not callable"),
        ("return list(m)", "TypeError: 'Handle' object is not iterable"),
        ("return m < m", "TypeError: '<' not supported between instances of 'Handle' and 'Handle'"),
        ("return overlap(m, image)", "TypeError: overlap() needs b as Mask, got ImagePatch"),
        ("return overlap(m, 1)", "TypeError: overlap() needs b as Mask, got int"),
        ("return overlap(m, image.outline())", "TypeError: overlap() needs b as Mask, got Outline"),
        ("return total([m, None])", "TypeError: total() needs masks as list[Mask], got list"),
        ("return image.find(m)", "TypeError: find() needs object_name as str, got Mask"),
        ("return ImagePatch(m)", "TypeError: ImagePatch() needs the image, got Handle"),
        ("return distance(m, m)", "TypeError: distance() needs two patches or two numbers"),
    ],
)
def test_nothing_else_can_be_done_with_a_handle(run, line, message):
    outcome = run("m = image.mask()", line, "return 1")
    assert outcome.kind == "runtime"
    assert outcome.message.startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m.area = 2", "Attributes cannot be set or deleted"),
        ("del m.area", "Attributes cannot be set or deleted"),
        ("return m._number", "'_number' is hidden"),
        ("return m._session", "'_session' is hidden"),
        ("return m.__class__", "'__class__' is hidden"),
        ("setattr(m, 'area', 2)", "'setattr' is not part of programs"),
        ("return type(m)", "'type' is not part of programs"),
        ("return Mask(1)", "Unknown name 'Mask'"),
        ("return '{0._number}'.format(m)", None),
    ],
)
def test_what_is_behind_a_handle_is_out_of_reach(wire, run, line, message):
    source = f"def execute_command(image):\n    m = image.mask()\n    {line}\n    return 1\n"
    findings = examine(source, Api.from_wire(wire), ()).findings
    if message is None:
        assert "must be a plain name or number" in run("m = image.mask()", line).message
    else:
        assert any(message in finding.message for finding in findings)


def test_a_handle_cannot_be_made_or_changed_even_without_the_guards(wire):
    session = ProgramSession(Api.from_wire(wire), WHOLE, (300, 200), lambda *_: mask(1))
    made = session.image._program_attribute_("mask")()
    for change in (lambda: setattr(made, "kind", "Outline"), lambda: delattr(made, "kind")):
        with pytest.raises(AttributeError, match="A Mask cannot be changed"):
            change()
    with pytest.raises(TypeError, match="cannot be made"):
        type(made)()


@pytest.mark.parametrize(
    "body",
    [
        [], ["Mask", 1], ["Mask", 1, [], 2], [1, 1, []], ["Mask", "1", []], ["Mask", 1.0, []],
        ["Mask", True, []], ["Mask", 2**63, []], ["Mask", 1, {"tuple": []}], ["Mask", 1, 3],
        ["Mask", 1, [[1]]], ["Mask", 1, [{"set": []}]], ["Mask", 1, [None] * 33], ["no name", 1, []],
        ["M" * 65, 1, []], ["", 1, []], ["Mask", 1, [{"handle": ["Mask", 1, []]}]],
    ],
)  # fmt: skip
def test_a_handle_of_another_form_does_not_cross_the_wall(body):
    with pytest.raises(WireError):
        unpack(json.dumps({"handle": body}).encode())


def test_a_handle_crosses_the_wall_as_it_is():
    value = [HandleRef("Mask", 3, (0.5, "m", True, None, 2)), {"a": HandleRef("Mask", 4)}]
    assert unpack(pack(value, 1000)) == value


def conversation(wire, host):
    request = Request("", wire, WHOLE, (300, 200))
    return ProgramProtocol(_Child(), request, (1, Api.from_wire(wire)), host, Limits())


class _Child:
    pending_bytes = 0


async def serve(talk, name, *arguments, receiver=None):
    return await talk._serve(talk._accept(Call(talk.calls + 1, name, receiver, arguments, 1)))


@pytest.mark.parametrize(
    ("forged", "complaint"),
    [
        (HandleRef("Mask", 9), "none of this session"),  # never given
        (HandleRef("Mask", 0), "none of this session"),
        (HandleRef("Mask", -1), "none of this session"),
        (HandleRef("Mask", 2), "none of this session"),  # is an Outline
        (HandleRef("Outline", 2), "wrong type"),
        (HandleRef("ImagePatch", 1), "wrong type"),
        (WHOLE, "wrong type"),
        (1, "wrong type"),
    ],
)
@in_a_loop
async def test_a_forged_handle_ends_the_session(wire, forged, complaint):
    host = Host()
    talk = conversation(wire, host)
    await serve(talk, "ImagePatch.mask", receiver=WHOLE)
    await serve(talk, "ImagePatch.outline", receiver=WHOLE)
    assert (await serve(talk, "overlap", HandleRef("Mask", 1), HandleRef("Mask", 1)))[2] == 0.25
    served = len(host.calls)
    with pytest.raises(WireError, match=complaint):
        await serve(talk, "overlap", HandleRef("Mask", 1), forged)
    assert len(host.calls) == served


@pytest.mark.parametrize("hide", [lambda h: h, lambda h: [1, {"a": (h,)}], lambda h: {h: 1}])
@in_a_loop
async def test_a_forged_handle_in_a_result_ends_the_session_too(wire, hide):
    talk = conversation(wire, Host())
    await serve(talk, "ImagePatch.mask", receiver=WHOLE)
    talk._check_patches(hide(HandleRef("Mask", 1)))
    with pytest.raises(WireError, match="none of this session"):
        talk._check_patches(hide(HandleRef("Mask", 2)))


@in_a_loop
async def test_a_handle_of_another_session_is_none_of_this_one(wire):
    first, second = conversation(wire, Host()), conversation(wire, Host())
    await serve(first, "ImagePatch.mask", receiver=WHOLE)
    with pytest.raises(WireError, match="none of this session"):
        await serve(second, "total", [HandleRef("Mask", 1)])


@pytest.mark.parametrize(
    "given",
    [HandleRef("Mask", 1, (0.5,)), HandleRef("Outline", 1, (1,)), HandleRef("Ghost", 1), None, 5],
)
@in_a_loop
async def test_a_handler_that_gives_another_handle_is_a_bug_of_the_host(wire, given):
    async def handler(call):
        return given

    with pytest.raises((TypeError, ValueError), match=r"must answer|none of the contract"):
        await serve(conversation(wire, handler), "ImagePatch.mask", receiver=WHOLE)


async def jailed(wire, source, host, **limits):
    async with Jail(Limits(**limits)) as jail:
        return await jail.run(Request(source, wire, WHOLE, (300, 200)), host, least_level="partial")


@in_a_loop
async def test_handles_work_through_a_real_child(wire):
    source = "masks = image_patch.masks(2)\nreturn [masks[0].area, overlap(*masks), masks[1]]"
    result = await jailed(wire, source, Host())
    assert result.failure is None
    assert result.value == [0.5, 0.25, HandleRef("Mask", 1)]


@in_a_loop
async def test_more_objects_than_a_program_may_hold_end_it(wire):
    source = "kept = []\nfor i in range(9):\n    kept += image_patch.masks(50)\nreturn 1"
    result = await jailed(wire, source, Host(), handles=120)
    assert result.failure.kind == "limit"
    assert result.failure.message == "The program was given more than 120 patches and objects."


@in_a_loop
async def test_a_list_of_handles_that_grows_without_end_is_refused_as_one_value(wire):
    source = "m = [image_patch.mask()]\nreturn total(m * 300_000)"
    host = Host()
    result = await jailed(wire, source, host)
    assert result.failure.kind == "runtime"
    assert "total() cannot take this: More than 1,000 values at once." in result.failure.message
    assert len(host.calls) == 1


@in_a_loop
async def test_a_refusal_of_the_host_can_be_caught(wire):
    async def handler(call):
        raise CallRejected("ValueError", "too dark")

    source = "try:\n    image_patch.mask()\nexcept ValueError as error:\n    return str(error)"
    assert (await jailed(wire, source, handler)).value == "too dark"
