"""Hostile pickles are refused by name, before anything of them runs."""

from __future__ import annotations

import collections
import contextlib
import datetime
import os
import pickle
import re
import subprocess
import time
import timeit
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import python2_pickle
from viper.errors import InputError
from viper_benchmarks.tasks import plain_pickle
from viper_benchmarks.tasks.plain_pickle import read_plain_pickle

PLAIN = [{"ref_id": 1, "sentences": ["left dog"], "bbox": [0.5, -1.25], "none": None, "yes": True}]


def written(tmp_path, content):
    path = tmp_path / "refs(unc).p"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_containers_of_every_protocol_are_read(tmp_path, protocol):
    assert read_plain_pickle(written(tmp_path, pickle.dumps(PLAIN, protocol))) == PLAIN


@pytest.mark.parametrize("write", [python2_pickle.protocol_0, python2_pickle.protocol_2])
def test_pickles_of_python_2_are_read_as_texts(tmp_path, write):
    value = [{"ref_id": 7, "sent": "left dog", "tokens": ["left", "dog"], "x": 1.5}]
    assert read_plain_pickle(written(tmp_path, write(value))) == value


def test_a_pickle_of_python_2_with_other_letters_is_read_as_utf_8(tmp_path):
    value = ["caf\u00e9"]
    assert read_plain_pickle(written(tmp_path, python2_pickle.protocol_2(value))) == value


class Call:
    """Unpickling it calls something."""

    def __init__(self, function, *arguments):
        self.made_of = (function, arguments)

    def __reduce__(self):
        return self.made_of


def hostile(tmp_path):
    mark = tmp_path / "it-ran"
    touch = f"open({str(mark)!r}, 'w')"
    return mark, {
        "os.system": Call(os.system, f"touch {mark}"),
        "subprocess.Popen": Call(subprocess.Popen, ["touch", str(mark)]),
        "builtins.exec": Call(exec, touch),
        "builtins.eval": Call(eval, touch),
        "builtins.open": Call(open, str(mark), "w"),
        "collections.OrderedDict": collections.OrderedDict(a=1),
        "datetime.date": datetime.date(2026, 1, 1),
        "builtins.getattr": Call(getattr, PLAIN, "append"),
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "name",
    ["os.system", "subprocess.Popen", "builtins.exec", "builtins.eval", "builtins.open",
     "collections.OrderedDict", "datetime.date", "builtins.getattr"],
)  # fmt: skip
def test_a_pickle_that_imports_something_is_refused_by_its_name(tmp_path, name, protocol):
    mark, values = hostile(tmp_path)
    path = written(tmp_path, pickle.dumps([*PLAIN, values[name]], protocol))
    with pytest.raises(InputError) as refused:
        read_plain_pickle(path)
    found = re.search(r"imports (\S+)\.(\w+),", str(refused.value))
    # Old protocols call modules as Python 2 did.
    modules = {
        "os": "posix",
        "builtins": "builtins __builtin__ io",
        "subprocess": "subprocess commands",
    }
    module, _, attribute = name.partition(".")
    assert found[1] in modules.get(module, module).split()
    assert found[2] == attribute
    assert "it is rejected, and none of it was executed" in str(refused.value)
    assert not mark.exists()


def test_an_import_hidden_behind_the_memo_is_refused(tmp_path):
    # The names are put into the memo first and fetched again before STACK_GLOBAL.
    code = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x02id\x85R."
    with pytest.raises(InputError, match=r"instruction POP"):
        read_plain_pickle(written(tmp_path, code))


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (b"cos\nsystem\n(S'id'\ntR.", "imports os.system"),
        (b"(S'id'\nios\nsystem\n.", "imports os.system"),
        (b"\x80\x02\x82\x01.", "instruction EXT1"),
        (b"Pid-of-something\n.", "instruction PERSID"),
        (b"\x80\x04Q.", "instruction BINPERSID"),
        (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
        (b"}}b.", "instruction BUILD"),
        (b"\x80\x04\x8f.", "instruction EMPTY_SET"),
        (b"\x80\x04](K\x01\x90.", "instruction ADDITEMS"),
        (b"\x80\x04(K\x01\x91.", "instruction FROZENSET"),
    ],
)
def test_every_other_instruction_that_is_not_plain_is_refused_by_its_name(tmp_path, code, named):
    with pytest.raises(InputError, match=named):
        read_plain_pickle(written(tmp_path, code))


@pytest.mark.parametrize("value", [set(), {1, 2}, frozenset({1})], ids=repr)
def test_control_the_library_makes_sets_of_these_instructions(tmp_path, value):
    content = pickle.dumps([value], 4)
    assert pickle.loads(content) == [value]
    with pytest.raises(InputError, match=r"instruction (EMPTY_SET|FROZENSET)"):
        read_plain_pickle(written(tmp_path, content))


def test_a_number_that_would_fill_the_memory_is_refused(tmp_path):
    # LONG_BINPUT 0x7fffffff: the unpickler would make a table of so many places.
    with pytest.raises(InputError, match="numbers an object 2147483647"):
        read_plain_pickle(written(tmp_path, b"\x80\x02]r\xff\xff\xff\x7f."))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00hello",
        b"\x80\x04",
        pickle.dumps(PLAIN)[:-9],
        b"\x80\x04]\x8e\xff\xff\xff\xff\xff.",
    ],
)
def test_a_damaged_file_is_said_to_be_one(tmp_path, content):
    with pytest.raises(InputError, match="pickle"):
        read_plain_pickle(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"refs\(unc\).p"):
        read_plain_pickle(tmp_path / "refs(unc).p")


@given(st.binary(max_size=60))
def test_no_bytes_do_anything_but_make_a_plain_value_or_an_error(tmp_path_factory, content):
    path = written(tmp_path_factory.mktemp("p"), content)
    try:
        value = read_plain_pickle(path)
    except InputError:
        return
    assert type(value) in (dict, list, tuple, str, bytes, int, float, bool, type(None))


def test_no_pickle_is_loaded(tmp_path, monkeypatch):
    path = written(tmp_path, pickle.dumps(PLAIN))

    def refuse(*_args, **_kwargs):
        raise AssertionError("the library executes what is in the file")

    for name in ("load", "loads", "Unpickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    assert read_plain_pickle(path) == PLAIN


# Bombs. Each is tried with a limit raised or without the check as well, where it must take effect.


def nested_keys(depth):
    """A key that is a pair of pairs of …, each held once: its hash takes 2 ** depth steps."""
    pairs = (b"K\x01" + b"h%c" % n * 2 + b"\x86q%cs" % (n + 1) for n in range(depth))
    return b"\x80\x02}K\x01K\x01K\x01\x86q\x00s" + b"".join(pairs) + b"h%cNs." % depth


def laughs(depth):
    """A list of ten times a list of ten times …, each held once."""
    start = b"\x80\x02]q\x00K\x01a"
    levels = (b"](" + b"h%c" % number * 10 + b"eq%c" % (number + 1) for number in range(depth))
    return start + b"".join(levels) + b"."


def deep(depth):
    return b"]" * depth + b"a" * (depth - 1) + b"."


CONTAINS_ITSELF = b"\x80\x02]q\x00h\x00a."
CONTAINS_ITSELF_THROUGH_A_DICT = b"\x80\x02}q\x00K\x01h\x00s."
BIG_NUMBER = b"\x80\x02\x8b" + (20_000).to_bytes(4, "little") + b"\x01" * 20_000 + b"."


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (nested_keys(40), "has a key that is a tuple"),
        (b"}(K\x01tNs.", "has a key that is a tuple"),
        (b"(K\x01tq\x000}h\x00Ns.", "instruction POP"),
        (b"((K\x01tNd.", "has a key that is a tuple"),
        (b"}((K\x01tNu.", "has a key that is a tuple"),
        (b"}NNs.", "has a key that is a NoneType"),
        (b"}\x88Ns.", "has a key that is a bool"),
        (b"}C\x01aNs.", "has a key that is a bytes"),
        (CONTAINS_ITSELF, "contains itself"),
        (CONTAINS_ITSELF_THROUGH_A_DICT, "contains itself"),
        (laughs(9), "more than 16,000,000 values"),
        (deep(40), "32 levels"),
        (deep(100_000), "32 levels"),
        (BIG_NUMBER, "a number of 1[0-9]{2},[0-9]{3} bits"),
        (b"Fnan\n.", "the number nan"),
        (b"G\x7f\xf0" + bytes(6) + b".", "the number inf"),
    ],
)
def test_a_bomb_is_refused(tmp_path, code, complaint):
    with pytest.raises(InputError, match=complaint):
        read_plain_pickle(written(tmp_path, code))


def test_control_the_library_takes_twice_as_long_for_every_pair(tmp_path):
    def steps(depth):
        code = nested_keys(depth)
        return min(timeit.repeat(lambda: pickle.loads(code), number=1, repeat=3))

    assert steps(19) > 4 * steps(13)  # 64 times as many


@pytest.mark.parametrize(
    ("limit", "code"),
    [("_MAX_VALUES", laughs(9)), ("_MAX_DEPTH", deep(40)), ("_MAX_BITS", BIG_NUMBER)],
)
def test_control_without_the_limit_the_bomb_is_built(tmp_path, monkeypatch, limit, code):
    monkeypatch.setattr(plain_pickle, limit, 10**12)
    assert read_plain_pickle(written(tmp_path, code))


def test_the_number_of_instructions_is_limited(tmp_path, monkeypatch):
    path = written(tmp_path, b"(" + b"]" * 200 + b"l.")
    assert len(read_plain_pickle(path)) == 200  # control
    monkeypatch.setattr(plain_pickle, "_MAX_INSTRUCTIONS", 100)
    with pytest.raises(InputError, match="more than 100 instructions"):
        read_plain_pickle(path)


def test_what_is_shared_is_read(tmp_path):
    tokens = ["left", "dog"]
    value = [{"sentences": [tokens, tokens]}, {"sentences": [tokens]}]
    assert read_plain_pickle(written(tmp_path, pickle.dumps(value))) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.floats(-1e9, 1e9),
        lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    ),
    st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_the_library_reads_the_same(tmp_path_factory, value, protocol):
    path = written(tmp_path_factory.mktemp("p"), pickle.dumps(value, protocol))
    assert read_plain_pickle(path) == value


FLOODS = {
    "dicts on the stack": (b"\x80\x02" + b"}" * 400_000 + b".", "_MAX_WAITING"),
    "numbers on the stack": (b"\x80\x02" + b"K\x01" * 400_000 + b".", "_MAX_WAITING"),
    "marks": (b"\x80\x02" + b"(" * 400_000 + b".", "_MAX_WAITING"),
    "dicts in a list": (b"\x80\x02]" + b"}a" * 1_100_000 + b".", "_MAX_CONTAINERS"),
    "lists in a dict": (b"\x80\x02}" + b"K\x01]s" * 1_100_000 + b".", "_MAX_CONTAINERS"),
    "tuples of tuples": (b"\x80\x02)" + b"\x85" * 1_100_000 + b".", "_MAX_CONTAINERS"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOODS)
def test_a_small_file_does_not_fill_the_memory(tmp_path, name):
    content, _ = FLOODS[name]
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"leaves more than 200,000|makes more than 1,000,000"):
            read_plain_pickle(written(tmp_path, content))
        assert tracemalloc.get_traced_memory()[1] < 300_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", FLOODS)
def test_what_is_made_is_counted_while_it_is_made(tmp_path, monkeypatch, name):
    content, limit = FLOODS[name]
    content = content[: len(content) // 1000]
    made = {"_MAX_WAITING": 200, "_MAX_CONTAINERS": 600}
    message = {"_MAX_WAITING": "leaves more than 200", "_MAX_CONTAINERS": "makes more than 600"}
    with pytest.raises(InputError) as caught:  # control: read to its end, which is missing
        read_plain_pickle(written(tmp_path, content))
    assert message[limit] not in str(caught.value)
    monkeypatch.setattr(plain_pickle, limit, made[limit])
    with pytest.raises(InputError, match=message[limit]):
        read_plain_pickle(written(tmp_path, content))


def test_a_file_like_the_largest_of_refcoco_is_within_the_limits(tmp_path, monkeypatch):
    """In the proportions of the real ones, with a hundredth of the limits and of the references."""
    for name in ("_MAX_INSTRUCTIONS", "_MAX_CONTAINERS"):
        monkeypatch.setattr(plain_pickle, name, getattr(plain_pickle, name) // 100)
    sentences = [
        {
            "tokens": ["the", "left", "dog", f"{n}"],
            "raw": "the left dog",
            "sent_id": n,
            "sent": f"the {n}",
        }
        for n in range(3)
    ]
    refs = [
        {"ref_id": n, "ann_id": n, "image_id": n, "file_name": f"{n}.jpg", "split": "val",
         "category_id": 1, "sent_ids": [n, n + 1, n + 2],
         "sentences": [dict(s, raw=f"{n}") for s in sentences]}
        for n in range(500)
    ]  # fmt: skip
    for write in (python2_pickle.protocol_0, python2_pickle.protocol_2, pickle.dumps):
        assert read_plain_pickle(written(tmp_path, write(refs))) == refs


def lists_of_lists(count):
    """A list of many times the same list of many times an empty list."""
    return b"\x80\x02]q\x00]q\x01(" + b"h\x00" * count + b"e]q\x02(" + b"h\x01" * count + b"e."


def lists_in_dicts(count):
    rows = b"".join(b"K%ch\x01" % (n % 250) for n in range(count))
    return b"\x80\x02]q\x00]q\x01(" + b"h\x00" * count + b"e}q\x02(" + rows + b"u."


def lists_of_tuples(count):
    return b"\x80\x02)q\x00(" + b"h\x00" * count + b"tq\x01(" + b"h\x01" * count + b"t."


def shared_at_every_level(count):
    levels = b"".join(
        b"]q%c(" % level + b"h%c" % (level - 1) * (count // 20) + b"e" for level in range(1, 20)
    )
    return b"\x80\x02]q\x00" + levels + b"."


def many_cycles(count):
    return b"\x80\x02]q\x00(" + b"h\x00" * count + b"e."


@pytest.mark.parametrize(
    "attack",
    [lists_of_lists, lists_in_dicts, lists_of_tuples, shared_at_every_level, many_cycles],
)
def test_shared_parts_are_measured_once(tmp_path, attack):
    """The time of a scan for every occurrence is the square of the size: hours for the larger file."""
    path = tmp_path / "refs(unc).p"
    seconds = []
    for count in (10_000, 100_000):
        path.write_bytes(attack(count))
        started_s = time.process_time()
        with contextlib.suppress(InputError):
            read_plain_pickle(path)
        seconds.append(time.process_time() - started_s)
    assert seconds[1] < 40 * max(seconds[0], 0.02)
