"""Equal fingerprints mean equal results: whatever a loader can read is in them, and it is what was loaded."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fakes import tiny_models, tiny_onnx
from viper.backends import file_hashes, torch_common
from viper.backends.file_hashes import hash_file, unchanged
from viper.backends.model_source import ModelSource, fingerprint
from viper.backends.onnx_files import graph_files, hash_graph, staged_graph
from viper.backends.onnx_session import open_session, run_session
from viper.backends.staged_folder import hash_staged, staged
from viper.builtin import loading
from viper.builtin.answerer import load as load_answerer
from viper.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    (made / "additional_chat_templates").mkdir(parents=True)
    (made / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(b"weights")
    return made


def version(folder):
    return fingerprint(str(folder), {})


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.safetensors",
        ".hidden.bin",
        ".hidden.json",
        "merges.bpe",
        "additional_chat_templates/.hidden.jinja",
        b"\xff.safetensors".decode("utf-8", "surrogateescape"),
    ],
)
def test_every_file_that_a_loader_can_read_is_in_the_fingerprint(folder, name):
    before = version(folder)
    (folder / name).write_bytes(b"one")
    first = version(folder)
    (folder / name).write_bytes(b"two")
    assert len({before, first, version(folder)}) == 3
    with staged(folder) as copy:
        assert (copy / name).read_bytes() == b"two"  # control: a loader finds it


def test_other_files_are_not_in_the_fingerprint(folder):
    before = version(folder)
    for name in ("model.onnx", "README.md", "code.py", "additional_chat_templates/a.md"):
        (folder / name).write_text("other")
    assert version(folder) == before


def test_a_fingerprint_of_an_earlier_version_is_still_that_of_the_folder(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "vocab.txt").write_text("a\n")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert version(tmp_path).split("@")[1] == "10fa3ab4a45ab1e3"


def test_a_hidden_shard_gives_other_vectors_and_another_fingerprint(tmp_path):
    from safetensors.torch import load_file, save_file

    from viper.backends.transformers_matcher import load

    folder = tiny_models.clip(tmp_path / "clip")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(weights, ".a.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    found = []
    for factor in (1.0, -1.7):
        changed = {
            name: value * factor if value.is_floating_point() else value
            for name, value in weights.items()
        }
        save_file(changed, folder / ".a.safetensors", metadata={"format": "pt"})
        matcher = load(str(folder), {})
        found.append((matcher.fingerprint, matcher.embed_texts(["dog"])[0]))
    assert not np.allclose(found[0][1], found[1][1], atol=1e-3)  # control: these weights were used
    assert found[0][0] != found[1][0]


def test_a_folder_that_changes_between_two_loads_has_no_fingerprint(folder):
    source = ModelSource(str(folder), folder)

    class Loader:
        @staticmethod
        def from_pretrained(place, **_options):
            return (Path(place) / "config.json").read_text()

    assert torch_common.load_pretrained(Loader, source, what="detector") == "{}"
    fingerprint(source, {})  # control
    (folder / "config.json").write_text('{"a": 1}')
    assert torch_common.load_pretrained(Loader, source, what="detector") == '{"a": 1}'
    with pytest.raises(ConfigError, match="was changed while it was loaded"):
        fingerprint(source, {})


def overwritten(path):
    path.write_bytes(b"b" * 100)


def replaced(path):
    path.with_name("new").write_bytes(b"b" * 100)
    path.with_name("new").replace(path)


def from_an_archive(path):
    with tarfile.open(path.with_name("new.tar"), "w") as archive:
        entry = tarfile.TarInfo(path.name)
        entry.size, entry.mtime = 100, 10**9
        archive.addfile(entry, io.BytesIO(b"b" * 100))
    path.unlink()
    with tarfile.open(path.with_name("new.tar")) as archive:
        archive.extractall(path.parent, filter="data")


def with_its_time_put_back(path):
    overwritten(path)
    os.utime(path, (10**9, 10**9))


def through_another_name(path):
    os.link(path, path.with_name("other"))
    overwritten(path.with_name("other"))
    os.utime(path, (10**9, 10**9))


CHANGES = [overwritten, replaced, from_an_archive, with_its_time_put_back, through_another_name]


@pytest.mark.parametrize("change", CHANGES)
def test_a_remembered_hash_is_not_that_of_a_changed_file(tmp_path, monkeypatch, change):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(file_hashes, "_SMALLEST_BYTES", 10)
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"a" * 100)
    os.utime(path, (10**9, 10**9))
    old = hash_file(path)
    digests = []
    digest = file_hashes._digest
    monkeypatch.setattr(
        file_hashes, "_digest", lambda path: digests.append(path.name) or digest(path)
    )
    assert hash_file(path) == old
    assert digests == []  # control: it is remembered
    change(path)
    assert hash_file(path) != old


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_change_while_they_are_loaded_are_refused(folder, change):
    path = folder / "model.safetensors"
    path.write_bytes(b"a" * 100)
    with staged(folder):
        pass  # control
    with pytest.raises(ConfigError, match="was changed while it was loaded"), staged(folder):
        change(path)


def test_weights_that_vanish_while_they_are_loaded_are_refused(folder):
    with (
        pytest.raises(ConfigError, match="was changed"),
        unchanged(folder / "model.safetensors"),
    ):
        (folder / "model.safetensors").unlink()


def external(folder, *places):
    """A graph whose weights are in other files, 4 numbers in each."""
    import onnx

    tensors, names = [], [f"w{number}" for number in range(len(places))]
    for name, place in zip(names, places, strict=True):
        tensor = onnx.TensorProto(name=name, data_type=1, dims=[4], data_location=1)
        for key, value in (("location", place), ("offset", "0"), ("length", "16")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        tensors.append(tensor)
    image = onnx.helper.make_tensor_value_info("images", 1, [1])
    output = onnx.helper.make_tensor_value_info("y", 1, [4])
    node = onnx.helper.make_node("Sum", names, ["y"])
    graph = onnx.helper.make_graph([node], "g", [image], [output], tensors)
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    path = folder / "graph.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def fill(folder, place, number):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(np.full(4, number, np.float32).tobytes())


@pytest.mark.parametrize(
    "places",
    [
        ["weights.bin"],
        [".hidden"],
        ["graph.onnx.data", "graph.onnx.data2"],
        ["parts/a.bin"],
        ["x" * 200],
        ["ä ö.bin"],
    ],
    ids=["another name", "hidden", "several", "in a folder", "long", "no ASCII"],
)
def test_every_file_with_weights_of_a_graph_is_in_its_hash(tmp_path, places):
    path = external(tmp_path, *places)
    found = set()
    for number in (1, 2):
        for place in places:
            fill(tmp_path, place, 1)
        fill(tmp_path, places[-1], number)
        (y,) = run_session(open_session(path, advice=""), {"images": np.zeros(1, np.float32)})
        assert y.tolist() == [number + len(places) - 1] * 4  # control: these weights are used
        found.add(hash_graph(path))
    assert len(found) == 2


def test_a_graph_without_other_files_has_the_hash_of_the_file(tmp_path):
    path = tiny_onnx.yolox(tmp_path / "a.onnx")
    (tmp_path / "a.onnx.data").write_bytes(b"not named")
    assert hash_graph(path) == hash_file(path)


def test_a_file_that_the_search_has_not_found_is_not_loaded(tmp_path):
    """Protocol buffers have several forms of an entry; here the value precedes the key."""
    fill(tmp_path, "weights.bin", 1)
    path = external(tmp_path, "weights.bin")
    usual, other = b"\n\x08location\x12\x0bweights.bin", b"\x12\x0bweights.bin\n\x08location"
    open_session(path, advice="")  # control
    assert path.read_bytes().count(usual) == 1
    path.write_bytes(path.read_bytes().replace(usual, other))
    assert [*graph_files(path)] == ["graph.onnx"]
    with pytest.raises(ConfigError, match="cannot be read as an ONNX graph"):
        open_session(path, advice="")
    import onnx

    assert onnx.load(path).graph.initializer[0].raw_data  # control: the form is valid


def test_a_graph_in_the_hubs_cache_is_opened_with_its_weights(tmp_path):
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "blobs").mkdir()
    fill(tmp_path / "blobs", "1234", 3)
    external(tmp_path / "blobs", "graph.onnx_data").rename(tmp_path / "blobs" / "5678")
    (tmp_path / "snapshot" / "graph.onnx").symlink_to(tmp_path / "blobs" / "5678")
    (tmp_path / "snapshot" / "graph.onnx_data").symlink_to(tmp_path / "blobs" / "1234")
    path = tmp_path / "snapshot" / "graph.onnx"
    (y,) = run_session(open_session(path, advice=""), {"images": np.zeros(1, np.float32)})
    assert y.tolist() == [3] * 4
    assert hash_graph(path) != hash_file(path)


def test_a_graph_that_names_too_many_files_is_refused(tmp_path, monkeypatch):
    from viper.backends import onnx_files

    path = external(tmp_path, "a", "b", "c")
    with staged_graph(path) as copy:
        assert copy.read_bytes() == path.read_bytes()  # control
    monkeypatch.setattr(onnx_files, "_MOST_FILES", 2)
    onnx_files._names.cache_clear()  # of the control
    with pytest.raises(ConfigError, match="names more than 2 files"):
        hash_graph(path)


@pytest.fixture
def builtin(tmp_path):
    return Path(shutil.copytree(loading.SHIPPED, tmp_path / "builtin"))


def test_another_tokenizer_of_the_built_in_answerer_is_another_model(builtin):
    shipped = load_answerer("", {}).fingerprint
    assert load_answerer(str(builtin), {}).fingerprint == shipped  # control
    text = (builtin / "tokenizer.json").read_text()
    assert '"red"' in text
    (builtin / "tokenizer.json").write_text(text.replace('"red"', '"rad"'))
    assert load_answerer(str(builtin), {}).fingerprint != shipped


def test_a_graph_of_a_built_in_folder_with_its_time_put_back_is_loaded_anew(builtin):
    import onnx

    before = loading.open_viewer(str(builtin), {}, "the detector")[2]
    path = builtin / "texts.onnx"
    facts = path.stat()
    model = onnx.load(path)
    model.producer_name = "X" * len(model.producer_name)
    path.write_bytes(model.SerializeToString())
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert path.stat().st_mtime_ns == facts.st_mtime_ns
    assert loading.open_viewer(str(builtin), {}, "the detector")[2] != before


def test_the_hash_of_a_copy_is_that_of_its_folder(folder):
    with staged(folder) as copy:
        assert hash_staged(copy)[:16] == version(folder).split("@")[1]


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", ".hidden.bin"])
def test_another_local_language_model_has_other_cached_programs(folder, name):
    from viper.generate.local import LocalGenerator

    (folder / name).write_bytes(b"one")
    first = LocalGenerator.parse(f"{folder}").fingerprint
    assert LocalGenerator.parse(f"{folder}").fingerprint == first  # control
    (folder / name).write_bytes(b"two")
    assert LocalGenerator.parse(f"{folder}").fingerprint != first
    shutil.rmtree(folder)
    assert LocalGenerator.parse(f"{folder}").fingerprint.endswith("not on disk")
