"""A small file of weights does not become gigabytes; torch alone inflates it (the control)."""

from __future__ import annotations

import struct
import zipfile

import pytest

from viper.backends.sealed_loading import sealed
from viper.backends.torch_archive import check_archive
from viper.backends.ultralytics_checkpoint import read_parts

torch = pytest.importorskip("torch")


@pytest.fixture
def usual(tmp_path):
    path = tmp_path / "a.bin"
    torch.save({"a": torch.zeros(1_000_000), "b": torch.ones(2)}, path)
    return path


def rewritten(path, kind, **changed):
    """The archive with records compressed in a way, and some changed."""
    other = path.with_name("other.bin")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w", kind) as target:
        for record in source.infolist():
            target.writestr(record.filename, changed.get(record.filename, source.read(record)))
    return other


def deflated(path):
    return rewritten(path, zipfile.ZIP_DEFLATED)


def deflated_description(path):
    """Only the pickle, which is read before everything else, inflates."""
    other = path.with_name("other.bin")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for record in source.infolist():
            is_pickle = record.filename.endswith("data.pkl")
            kind = zipfile.ZIP_DEFLATED if is_pickle else zipfile.ZIP_STORED
            target.writestr(record.filename, source.read(record), kind)
    return other


def sharing_bytes(path):
    """Many records in the list of contents, and the bytes of one."""
    other = path.with_name("other.bin")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for record in source.infolist():
            target.writestr(record.filename, source.read(record))
        large = max(target.filelist, key=lambda record: record.file_size)
        target.filelist += [large] * 50
        target._didModify = True
    return other


def packed_with_bzip2(path):
    return rewritten(path, zipfile.ZIP_BZIP2)


def packed_with_lzma(path):
    return rewritten(path, zipfile.ZIP_LZMA)


def cut_off(path):
    other = path.with_name("other.bin")
    other.write_bytes(path.read_bytes()[:-100])
    return other


def lists_of(path):
    """A deflated archive in parts: records, its list, a list that says they are stored, and the end."""
    packed = deflated(path).read_bytes()
    end = packed.rfind(b"PK\5\6")
    size, start = struct.unpack("<2L", packed[end + 12 : end + 20])
    real = packed[start : start + size]
    false, at = bytearray(real), 0
    while at < len(false):
        lengths = struct.unpack("<3H", false[at + 28 : at + 34])
        struct.pack_into("<H", false, at + 10, 0)
        false[at + 24 : at + 28] = false[at + 20 : at + 24]
        at += 46 + sum(lengths)
    return packed[:start], real, bytes(false), packed[end:]


def with_two_lists(path):
    """Python reads the list that lies before the end, torch the one at the offset that is written there."""
    records, real, false, end = lists_of(path)
    path.with_name("other.bin").write_bytes(records + real + false + end)
    return path.with_name("other.bin")


def with_a_list_beside_the_first_record(path):
    """Python takes a gap for something that was put before the archive."""
    records, real, false, end = lists_of(path)
    start = struct.pack("<L", len(records))
    end = end[:16] + start + end[20:]
    path.with_name("other.bin").write_bytes(records + real + bytes(10) + false + end)
    return path.with_name("other.bin")


def _wide(length, offset, place):
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 5, 5, length, offset)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, place, 1)


def with_a_wide_end(path):
    """The wide record at the end names one list, the short one another."""
    records, real, false, end = lists_of(path)
    at = len(records) + len(real) + len(false)
    wide = _wide(len(false), len(records) + len(real), at)
    path.with_name("other.bin").write_bytes(records + real + false + wide + end)
    return path.with_name("other.bin")


def with_a_wide_end_elsewhere(path):
    records, real, false, end = lists_of(path)
    wide = _wide(len(real), len(records), len(records))
    path.with_name("other.bin").write_bytes(records + real + false + wide + end)
    return path.with_name("other.bin")


def with_a_comment(path):
    """A comment that looks like an end."""
    records, real, false, end = lists_of(path)
    long = end[:20] + struct.pack("<H", len(end)) + end
    path.with_name("other.bin").write_bytes(records + real + false + long)
    return path.with_name("other.bin")


ATTACKS = [
    deflated, deflated_description, sharing_bytes, packed_with_bzip2, packed_with_lzma, cut_off,
    with_two_lists, with_a_list_beside_the_first_record, with_a_wide_end, with_a_wide_end_elsewhere,
    with_a_comment,
]  # fmt: skip


def from_a_path(path):
    with sealed():
        return torch.load(path)


def from_an_open_file(path):
    with sealed(), path.open("rb") as stream:
        return torch.load(stream)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("read", [from_a_path, from_an_open_file, read_parts])
def test_an_archive_that_inflates_is_refused(usual, attack, read):
    path = attack(usual)
    with pytest.raises(
        ValueError, match=r"compressed records|larger than the file|damaged archive"
    ):
        read(path)


@pytest.mark.parametrize("attack", [deflated, with_two_lists])
def test_control_torch_alone_inflates_it(usual, attack):
    path = attack(usual)
    assert path.stat().st_size < 50_000
    assert torch.load(path, weights_only=True)["a"].nbytes == 4_000_000


def test_usual_files_are_read(usual, tmp_path):
    with sealed():
        assert torch.load(usual)["b"].tolist() == [1, 1]
        with usual.open("rb") as stream:
            assert torch.load(stream)["b"].tolist() == [1, 1]
    torch.save({"b": 1}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    check_archive(tmp_path / "old.bin")  # no archive
    with sealed():
        assert torch.load(tmp_path / "old.bin") == {"b": 1}
