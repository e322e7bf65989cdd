"""A small file of weights does not become gigabytes; torch alone inflates it (the control)."""

from __future__ import annotations

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


ATTACKS = [
    deflated, deflated_description, sharing_bytes, packed_with_bzip2, packed_with_lzma, cut_off,
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


def test_control_torch_alone_inflates_it(usual):
    path = deflated(usual)
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
