"""Tensors that no file stores: torch alone makes them of memory that nobody has written (the controls)."""

from __future__ import annotations

import pickle
import zipfile

import pytest
import torch

from fakes.torch_files import Call
from viper.backends.sealed_loading import sealed
from viper.backends.torch_calls import Calls, Made, Name, Storage
from viper.backends.ultralytics_checkpoint import plain_tensor, read_parts


class Built:
    """A tensor of nothing that gets a storage as its state."""

    def __reduce__(self):
        return torch.Tensor, (), (torch.zeros(4).untyped_storage(), 0, (1,), (1,))


def of_sizes():
    return Call(torch.Tensor, 16, 16)


def of_a_kind():
    return Call(torch.LongTensor, 16, 16)


def of_a_storage_class():
    return Call(torch.UntypedStorage, 1024)


def of_a_type():
    return Call(torch._tensor._rebuild_from_type_v2, torch.Tensor, torch.Tensor, (16, 16), None)


def without_storage():
    return Call(torch._utils._rebuild_meta_tensor_no_storage, torch.float, (9,), (1,), False)


def of_a_parameter():
    return Call(torch._utils._rebuild_parameter, of_sizes(), False, None)


def of_bytes():
    return Call(bytearray, 10**8)


UNWRITTEN = [of_sizes, of_a_kind, of_a_storage_class, of_a_type, without_storage, of_a_parameter,
             of_bytes]  # fmt: skip


def read(path):
    with sealed():
        return torch.load(path)


@pytest.mark.parametrize("load", [read, read_parts])
@pytest.mark.parametrize("new", [True, False], ids=["archive", "old"])
@pytest.mark.parametrize("attack", UNWRITTEN)
def test_what_is_made_of_sizes_is_refused(tmp_path, attack, new, load):
    path = tmp_path / "a.bin"
    torch.save({"w": [attack()]}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(ValueError, match=r"its pickle calls [\w.]+, which no file of weights"):
        load(path)


@pytest.mark.parametrize("attack", UNWRITTEN)
def test_control_torch_alone_makes_it(tmp_path, attack):
    torch.save({"w": [attack()]}, tmp_path / "a.bin")
    [made] = torch.load(tmp_path / "a.bin", weights_only=True)["w"]
    assert len(made)


def test_a_state_is_given_to_no_tensor(tmp_path):
    torch.save(Built(), tmp_path / "a.bin")
    with pytest.raises(ValueError, match=r"its pickle calls torch\.(_tensor\.)?Tensor"):
        read(tmp_path / "a.bin")
    with pytest.raises(ValueError, match="gives a state"):
        Calls({}).build(Made.TENSOR)


def replaced(path, old, new, *, rename=None):
    """The archive with bytes of its pickle replaced, and a record under another name."""
    with zipfile.ZipFile(path) as source:
        records = {record.filename: source.read(record) for record in source.infolist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in records.items():
            if name.endswith("data.pkl"):
                assert old in content
                content = content.replace(old, new)
            target.writestr(rename(name) if rename else name, content)
    return path


def a_tensor(path, *, new=True):
    torch.save({"w": torch.ones(9)}, path, _use_new_zipfile_serialization=new)
    return path


# The number of items of the storage, and the shape.
ITEMS, SHAPE = b"K\x09tq", b"K\x09\x85q"


def test_a_storage_beyond_its_record_is_refused(tmp_path):
    path = replaced(a_tensor(tmp_path / "a.bin"), ITEMS, b"M\x00\x01tq")
    with pytest.raises(ValueError, match="whose numbers are not in the file"):
        read(path)
    with zipfile.ZipFile(path) as archive:  # the control: what torch is told to take is not there
        assert archive.getinfo("a/data/0").file_size == 36


def test_a_shape_beyond_its_storage_is_refused(tmp_path):
    path = a_tensor(tmp_path / "old.bin", new=False)
    content = path.read_bytes()
    assert content.count(SHAPE) == 1
    keys = pickle.dumps([], 2)  # otherwise torch notices the other size when it fills the storage
    content = content[: content.rindex(b"\x80\x02]")] + keys
    path.write_bytes(content.replace(SHAPE, b"M\x00\x01\x85q"))
    assert len(torch.load(path, weights_only=True)["w"]) == 256  # the control
    with pytest.raises(ValueError, match="larger than its storage"):
        read(path)


def test_a_storage_that_an_old_file_does_not_list_is_refused(tmp_path):
    path = a_tensor(tmp_path / "old.bin", new=False)
    content = path.read_bytes()
    at = content.rindex(b"\x80\x02]")
    path.write_bytes(content[:at] + pickle.dumps([], 2))
    assert len(torch.load(path, weights_only=True)["w"]) == 9  # the control: of nothing
    with pytest.raises(ValueError, match="whose numbers are not in the file"):
        read(path)


def test_a_list_of_keys_that_names_others_is_refused(tmp_path):
    path = a_tensor(tmp_path / "old.bin", new=False)
    content = path.read_bytes()
    at = content.rindex(b"\x80\x02]")
    keys = content[at:]
    key = keys[keys.index(b"X") : keys.index(b"q\x01")]
    # The list is left behind on the stack, and another is the result.
    path.write_bytes(content[:at] + b"\x80\x02]" + key + b"a].")
    assert len(torch.load(path, weights_only=True)["w"]) == 9  # the control
    with pytest.raises(ValueError, match="whose numbers are not in the file"):
        read(path)


def test_an_old_file_without_a_protocol_is_checked_as_well(tmp_path):
    path = tmp_path / "old.bin"
    torch.save({"w": of_sizes()}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().removeprefix(b"\x80\x02"))
    assert len(torch.load(path, weights_only=True)["w"]) == 16  # the control
    with pytest.raises(ValueError, match="its pickle calls"):
        read(path)


def test_a_pickle_under_a_name_in_capitals_is_checked_as_well(tmp_path):
    path = tmp_path / "a.bin"
    torch.save({"w": of_sizes()}, path)
    replaced(path, b"", b"", rename=lambda name: name.replace("data.pkl", "DATA.PKL"))
    assert len(torch.load(path, weights_only=True)["w"]) == 16  # the control
    with pytest.raises(ValueError, match="its pickle calls"):
        read(path)


def test_two_records_of_one_name_are_refused(tmp_path):
    path = a_tensor(tmp_path / "a.bin")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/DATA/0", bytes(36))
    with pytest.raises(ValueError, match="two records have one name"):
        read(path)


@pytest.mark.parametrize(
    "named",
    [
        ("module", Name("torch.FloatStorage"), "0", "cpu", 1),
        ("storage", Name("torch.FloatStorage"), "1", "cpu", 1),
        ("storage", Name("torch.FloatStorage"), "0", "meta", 1),
        ("storage", Name("torch.FloatStorage"), "0", "cpu", -1),
        ("storage", Name("torch.FloatStorage"), "0", "cpu", 1, ("1", 0, 1)),
        ("storage", Name("torch.Tensor"), "0", "cpu", 1),
        "0",
    ],
)
def test_a_storage_is_named_as_libraries_name_it(named):
    with pytest.raises(ValueError, match=r"storage|not in the file"):
        Calls({"0": 4}).storage(named)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0, (2,), (1,)), "larger than its storage"),
        ((1, (), ()), "larger than its storage"),
        ((0, (1,), ()), "whose shape is none"),
        ((0, (-1,), (1,)), "whose shape is none"),
        ((0, (None,), (1,)), "whose shape is none"),
        ((0, [1], (1,)), "not in the file"),
    ],
)
def test_a_tensor_lies_in_its_storage(shape, message):
    function = Name("torch._utils._rebuild_tensor")
    assert Calls({}).call(function, (Storage(4, 4), 0, (1,), (1,))) is Made.TENSOR
    with pytest.raises(ValueError, match=message):
        Calls({}).call(function, (Storage(4, 4), *shape))


def test_usual_files_are_read(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    tied = torch.arange(20.0).reshape(4, 5)
    usual = {
        "state": module.state_dict(),
        "parameters": dict(module.named_parameters()),
        "tied": [tied, tied.t(), tied[1:]],
        "kinds": [torch.zeros(2, dtype=kind) for kind in (torch.bfloat16, torch.bool, torch.int8)],
        "empty": torch.zeros(0, 5),
        "scalar": torch.tensor(1.5),
        "size": tied.shape,
        "device": tied.device,
        "set": {1, "a"},
        "plain": [1, 2.5, "a", None, True, (1, 2, 3, 4)],
        "optimizer": torch.optim.AdamW(module.parameters()).state_dict(),
    }
    late = {"eight bits": torch.zeros(3, dtype=torch.float8_e4m3fn),
            "wide": torch.ones(3, dtype=torch.uint16)}  # fmt: skip
    for new in (True, False):
        path = tmp_path / f"{new}.bin"
        # Old files cannot hold kinds that came later.
        content = {**usual, **late} if new else usual
        torch.save(content, path, _use_new_zipfile_serialization=new)
        loaded = read(path)
        assert torch.equal(loaded["tied"][1], tied.t())
        assert torch.equal(loaded["state"]["0.weight"], module[0].weight)
        assert loaded["size"] == (4, 5)
        assert loaded["set"] == {1, "a"}
    parts = read_parts(tmp_path / "True.bin")
    assert plain_tensor(parts["parameters"]["0.weight"]) is not None
