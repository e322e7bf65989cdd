"""Keys that take for ever and tensors without memory in files of torch; torch alone reads them."""

from __future__ import annotations

import io
import pickle
import time

import pytest
import torch

from fakes.torch_files import archive, nested
from viper.backends.sealed_loading import sealed
from viper.backends.torch_contents import check_pickle, check_tensors


def read(path):
    with sealed():
        return torch.load(path)


def of_three(levels):
    row = b"K\x01\x85q\x00" + b"".join(
        b"h%c" % n + b"h%c\x87q%c" % (n, n + 1) for n in range(levels)
    )
    return b"\x80\x02}" + row + b"K\x01s."


def with_marks(levels):
    row = b"K\x01\x85q\x00" + b"".join(
        b"(" + b"h%c" % n * 4 + b"tq%c" % (n + 1) for n in range(levels)
    )
    return b"\x80\x02}" + row + b"K\x01s."


def in_many_entries(levels):
    return nested(levels, first=b"}(", last=b"K\x01u")


def in_an_ordered_dict(levels):
    row = b"K\x01\x85q\x00" + b"".join(b"h%c\x86q%c" % (n, n + 1) for n in range(levels))
    return b"\x80\x02ccollections\nOrderedDict\n]" + row + b"K\x01\x86a\x85R."


def in_a_set(levels):
    row = b"K\x01\x85q\x00" + b"".join(b"h%c\x86q%c" % (n, n + 1) for n in range(levels))
    return b"\x80\x02c__builtin__\nset\n]" + row + b"a\x85R."


def numbers_of_one_hash(levels):
    return pickle.dumps({(2**61 - 1) * n: 0 for n in range(10, levels * 100)}, 2)


HOSTILE = [nested, of_three, with_marks, in_many_entries, in_an_ordered_dict, in_a_set,
           numbers_of_one_hash]  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_key_that_takes_for_ever_is_refused(tmp_path, attack):
    path = archive(tmp_path / "a.pt", attack(60))
    with pytest.raises(ValueError, match=r"a tuple of more than|a number of more than"):
        read(path)


@pytest.mark.parametrize("attack", HOSTILE[:2])
def test_a_row_of_pickles_is_checked_as_well(tmp_path, attack):
    torch.save({"a": 1}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    old = (tmp_path / "old.pt").read_bytes()
    start = old.index(pickle.dumps({"a": 1}, 2))
    (tmp_path / "old.pt").write_bytes(
        old[:start] + attack(60) + old[start + len(pickle.dumps({"a": 1}, 2)) :]
    )
    with pytest.raises(ValueError, match="a tuple of more than"):
        read(tmp_path / "old.pt")


def test_control_torch_alone_takes_twice_as_long_for_every_level(tmp_path):
    def seconds(levels):
        path = archive(tmp_path / "a.pt", nested(levels))
        started_s = time.process_time()
        torch.load(path, weights_only=True)
        return time.process_time() - started_s

    assert seconds(20) > 5 * seconds(14)


def expanded():
    return {"w": torch.zeros(1).expand(1_000_000)}


def expanded_in_one_direction():
    return {"w": torch.zeros(1000).expand(1000, 1000)}


def overlapping():
    return {"w": torch.zeros(1000).as_strided((900, 100), (1, 1))}


def in_a_list():
    return [1, [expanded()]]


def a_parameter():
    return {"w": torch.nn.Parameter(expanded()["w"])}


def half():
    return {"w": torch.zeros(1, dtype=torch.half).expand(10_000)}


def many_views():
    whole = torch.zeros(1000)
    return {str(i): whole[:] for i in range(50)}


@pytest.mark.parametrize(
    "attack",
    [expanded, expanded_in_one_direction, overlapping, in_a_list, a_parameter, half, many_views],
)
def test_a_tensor_without_memory_is_refused(tmp_path, attack):
    path = tmp_path / "a.pt"
    torch.save(attack(), path)
    assert path.stat().st_size < 10_000
    with pytest.raises(ValueError, match=r"larger than its memory|share their memory"):
        read(path)
    assert torch.load(path, weights_only=True)  # the control


def test_usual_weights_are_read(tmp_path):
    tied = torch.zeros(100, 10)
    usual = {"a": tied, "b": tied, "c": tied.t(), "d": torch.zeros(3, dtype=torch.half),
             "e": torch.tensor(1.0), "f": torch.zeros(0), "g": 2**63, "h": [(1, 2), "x"]}  # fmt: skip
    torch.save(usual, tmp_path / "a.pt")
    torch.save(usual, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("a.pt", "old.pt"):
        assert read(tmp_path / name)["c"].shape == (10, 100)
    check_tensors({"s": torch.zeros(2, 2).to_sparse(), "m": torch.zeros(3, device="meta")})
    for protocol in range(6):
        check_pickle(io.BytesIO(pickle.dumps([usual["h"], {"a": (1,)}, {1, 2}], protocol)))
