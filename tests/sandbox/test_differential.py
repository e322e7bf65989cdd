"""The same programs in the sandbox and in plain Python: the same value, to the last bit.

Plain Python is `exec` in this process with a class of patches that was written for this test alone. It
runs the source that the sandbox normalised, unguarded; both stand on the same small world.
"""

import inspect
import sys

import pytest

from fakes import plain_patch
from fakes.corpus import load
from fakes.proving_ground import ProvingGround, plain
from viper_sandbox.examine import examine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the level full")

GIVEN = {"query": "what?", "possible_answers": ["yes", "no"]}
PROGRAMS = [*load("legit"), *(p for p in load("escapes") if p.refused is None)]
DIFFERENT_BY_DESIGN = {
    # texts of patches and functions are the sandbox's own
    *("proxy_method_repr_address", "proxy_str_shows_box_only"),
    # print knows no file
    "kw_print_file",
    # modules that programs lack raise ImportError
    "imp_guarded_raises",
    # names of the API mean the API, wherever they are imported from
    "imp_api_name_from_anywhere",
    # lone surrogates do not cross the wall
    *("enc_surrogate_in_source", "enc_surrogate_pair_result"),
    # numbers are read out of words too, which the plain class does not do
    *("rpc_coerce_flood", "rpc_coerce_words_forever"),
}


@pytest.fixture(scope="module")
def ground(api_wire):
    with ProvingGround(api_wire) as ground:
        yield ground


def run_plainly(source):
    """Run a normalised source without guards; return its value."""
    import math
    import re
    import typing

    names = {**plain_patch.NAMES, "math": math, "re": re, "typing": typing, "__name__": "program"}
    stand_in = type(sys)("image_patch")
    vars(stand_in).update(plain_patch.NAMES)
    sys.modules["image_patch"] = stand_in
    try:
        exec(compile(source, "<plain>", "exec", dont_inherit=True), names)
    finally:
        del sys.modules["image_patch"]
    functions = [v for v in names.values() if getattr(v, "__code__", None)]
    own = [f for f in functions if f.__code__.co_filename == "<plain>"]
    entry = names.get("execute_command", own[-1])
    image = plain_patch.ImagePatch.whole()
    given = {**GIVEN, **dict.fromkeys(("image", "img"), image)}
    return entry(**{n: given[n] for n in inspect.signature(entry).parameters if n in given})


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "program", [p for p in PROGRAMS if p.name not in DIFFERENT_BY_DESIGN], ids=str
)
def test_plain_python_gives_the_same(api, program):
    source = examine(program.source, api, list(GIVEN)).source
    assert plain(run_plainly(source)) == program.value


def test_every_exception_is_a_program():
    assert {p.name for p in PROGRAMS} >= DIFFERENT_BY_DESIGN
