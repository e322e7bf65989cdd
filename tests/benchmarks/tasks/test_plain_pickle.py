"""Hostile pickles are refused by name, before anything of them runs."""

from __future__ import annotations

import collections
import datetime
import io
import os
import pickle
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import python2_pickle
from viper.errors import InputError
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
    ],
)
def test_every_other_instruction_that_is_not_plain_is_refused_by_its_name(tmp_path, code, named):
    with pytest.raises(InputError, match=named):
        read_plain_pickle(written(tmp_path, code))


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


def test_the_second_lock_holds_by_itself():
    from viper_benchmarks.tasks.plain_pickle import _Plain

    with pytest.raises(InputError, match=r"imports (posix|os)\.system"):
        _Plain(io.BytesIO(pickle.dumps(Call(os.system, "true")))).load()
