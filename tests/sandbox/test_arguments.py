"""Hostile values in every parameter of the API, and what the host sees of them.

Whatever a program passes, it gets a Python exception that it can catch, or a value. The host sees nothing but
calls of the API, with arguments of its types, on patches inside the image, that fit into a frame.
"""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import small_world as world
from viper.programs.api_spec import load_spec
from viper_sandbox.api import Api, accepts, parse_type
from viper_sandbox.patch import ImagePatch
from viper_sandbox.program_session import NotAValueError, ProgramSession, lower
from viper_sandbox.wire import MAX_VALUES, PatchRef, WireError, pack, unpack

API = Api.from_wire(load_spec().to_wire())
ENTRIES = [*API.methods.values(), *API.functions.values()]
WHOLE = PatchRef(7, world.WHOLE)
ANSWERS = {
    **{"bool": True, "str": "x", "float": 1.5, "list[ImagePatch]": [WHOLE]},
    **{"ImagePatch | int | None": WHOLE, "ImagePatch": WHOLE, "None": None},
}


class Host:
    """Stands where the channel stands; refuses to see a malformed call."""

    def __init__(self):
        self.calls = 0
        self.session = ProgramSession(API, WHOLE, (world.WIDTH, world.HEIGHT), self.ask)

    def ask(self, name, receiver, arguments, line):
        self.calls += 1
        entry = API.remote(name)
        assert entry is not None
        assert entry.is_method == (receiver is not None)
        assert len(arguments) == len(entry.parameters)
        for parameter, value in zip(entry.parameters, arguments, strict=True):
            assert accepts(parse_type(parameter.type), value, PatchRef)
        for patch in patches_of([receiver, *arguments]):
            x1, y1, x2, y2 = patch.box_xyxy
            assert patch.handle == 7
            assert 0 <= x1 < x2 <= world.WIDTH
            assert 0 <= y1 < y2 <= world.HEIGHT
        message = ["call", 1, name, receiver, tuple(arguments), line]
        payload = pack(message, 50_000_000)  # a WireError here is a ValueError in the program
        assert type(unpack(payload)) is list
        return ANSWERS[entry.returns]


def patches_of(value):
    if isinstance(value, PatchRef):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from patches_of(item)


HOST = Host()
IMAGE = HOST.session.image
CYCLE = []
CYCLE.append(CYCLE)
DEEP = []
for _ in range(5_000):
    DEEP = [DEEP]
ODD = [
    *(None, True, 0, -1, 10**400, -(2**63), 1.5, math.nan, math.inf, -math.inf, 1j, "", "\ud800"),
    *("\0", "x" * 10_000, b"dog", ..., NotImplemented, object(), object, int, ImagePatch, len),
    *(print, lambda: 1, iter([]), range(3), slice(1), CYCLE, DEEP, {}, {"a": [1]}, set(), {1, 2}),
    *((), ("a",), ["a", 1], [["a"]], [None], [IMAGE], [IMAGE, 1], IMAGE, IMAGE.crop(0, 0, 9, 9)),
    *(ValueError("x"), ValueError, memoryview(b"x"), bytearray(b"x"), WHOLE),
]
plain_values = st.one_of(
    st.integers(0, len(ODD) - 1).map(lambda i: ODD[i]),  # by index: some of them have no repr
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=5),
)
values = st.recursive(
    plain_values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.lists(inner, max_size=3).map(iter),
    ),
    max_leaves=6,
)
keywords = st.dictionaries(
    st.sampled_from(
        [*{p.name for e in ENTRIES for p in e.parameters}, "self", "entry", "receiver", "__class__"]
    ),
    values,
    max_size=3,
)


def call_as_a_program(function, args, kwargs):
    """Call; what a program may see is an Exception, nothing else."""
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
        return error


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.qualified_name)
@given(args=st.lists(values, max_size=4), kwargs=keywords)
def test_any_arguments_give_a_value_or_an_exception(entry, args, kwargs):
    receiver = IMAGE if entry.is_method else None
    call_as_a_program(HOST.session.callable(entry, receiver), args, kwargs)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.qualified_name)
@given(data=st.data())
def test_one_hostile_argument_among_good_ones(entry, data):
    good = {
        "str": "dog",
        "bool": True,
        "ImagePatch": IMAGE,
        "list": ["a"],
        "float": 1.0,
        "None": None,
    }
    args = [good[_first_kind(p.type)] for p in entry.parameters]
    if any("list[ImagePatch]" in p.type for p in entry.parameters):
        args[0] = [IMAGE]
    if args:
        args[data.draw(st.integers(0, len(args) - 1))] = data.draw(values)
    receiver = IMAGE if entry.is_method else None
    call_as_a_program(HOST.session.callable(entry, receiver), args, {})


@given(args=st.lists(values, max_size=6), kwargs=keywords)
def test_the_constructor_gives_a_patch_inside_the_image_or_an_exception(args, kwargs):
    made = call_as_a_program(ImagePatch, args, kwargs)
    if isinstance(made, ImagePatch):
        x1, y1, x2, y2 = made._ref().box_xyxy
        assert 0 <= x1 < x2 <= world.WIDTH
        assert 0 <= y1 < y2 <= world.HEIGHT


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.remote], ids=lambda e: e.qualified_name)
def test_good_arguments_reach_the_host(entry):
    # Otherwise the tests above would hold for a session that refuses everything.
    good = {"str": "dog", "bool": True, "list": ["a"], "None": None}
    args = [
        [IMAGE] if "ImagePatch" in p.type else good[_first_kind(p.type)] for p in entry.parameters
    ]
    before = HOST.calls
    HOST.session.callable(entry, IMAGE if entry.is_method else None)(*args)
    assert HOST.calls == before + 1


@given(values)
def test_lowering_gives_a_wire_value_or_says_why_not(value):
    try:
        lowered = lower(value)
    except (NotAValueError, WireError):
        return
    try:
        pack(lowered, 1_000_000)
    except WireError:  # nan, integers beyond 64 bits, too large
        return
    assert type(value) in (type(None), bool, int, float, str, list, tuple, dict, set, ImagePatch)


def test_a_small_value_with_an_exponential_tree_is_refused_at_once():
    value = [0]
    for _ in range(30):
        value = [value, value]
    with pytest.raises(WireError, match=f"More than {MAX_VALUES:,} values"):
        lower(value)


def test_an_argument_that_does_not_fit_into_a_call_is_a_value_error():
    find = HOST.session.callable(API.methods["best_text_match"], IMAGE)
    with pytest.raises(
        ValueError, match=r"best_text_match\(\) cannot take this: More than 1,000 values"
    ):
        find(["x"] * 300_000)


def _first_kind(text):
    return text.partition(" |")[0].partition("[")[0]
