from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.weights.files import INDEX, missing_parts, needed_files

SMALL = ["config.json", "preprocessor_config.json", "tokenizer.json", "merges.txt"]


def test_a_whole_model_is_fetched_with_what_lies_beside_it_and_weights_come_last():
    others = [
        "README.md", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "modeling_x.py",
        "onnx/model.onnx", "onnx/config.json", "open_clip_model.safetensors", "logs.txt.gz",
        "pytorch_model.bin.index.json", "model.fp16.safetensors", ".gitattributes",
    ]  # fmt: skip
    chosen = needed_files([*others, "model.safetensors", *SMALL, "chat_template.jinja"])
    assert chosen[-1] == "model.safetensors"
    assert set(chosen) == {*SMALL, "chat_template.jinja", "model.safetensors"}


def test_shards_come_with_their_index():
    shards = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    assert needed_files(["config.json", *shards, INDEX, "pytorch_model.bin"]) == [
        "config.json", INDEX, *shards,
    ]  # fmt: skip


def test_the_whole_file_is_preferred_to_shards_of_the_same():
    chosen = needed_files(["model.safetensors", "model-00001-of-00001.safetensors", INDEX])
    assert chosen == [INDEX, "model.safetensors"]


def test_open_clip_weights_are_fetched_where_there_are_no_others():
    paths = ["open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"]
    assert needed_files(paths) == [paths[0], paths[2], paths[1]]


def test_of_a_repository_that_holds_both_the_named_library_is_fetched():
    paths = [
        "config.json",
        "model.safetensors",
        "open_clip_config.json",
        "open_clip_model.safetensors",
    ]
    assert needed_files(paths)[-1] == "model.safetensors"
    assert needed_files(paths, "transformers") == needed_files(paths)
    assert needed_files(paths, "open_clip")[-1] == "open_clip_model.safetensors"
    assert "model.safetensors" not in needed_files(paths, "open_clip")
    assert needed_files(paths[2:], "transformers") == []


@pytest.mark.parametrize(
    "paths",
    [[], ["config.json"], ["config.json", "pytorch_model.bin"], ["adapter_model.safetensors"]],
)
def test_a_repository_without_whole_safetensors_gives_nothing(paths):
    assert needed_files(paths) == []


@given(st.lists(st.text("./\\~ abjson-_model.safetensors\0", min_size=1, max_size=30)))
def test_no_listed_name_leads_out_of_its_folder(paths):
    hostile = [
        "../evil.json",
        "/etc/evil.json",
        "a/../../evil.json",
        "..",
        "a\\..\\b.json",
        ".x.json",
    ]
    for name in needed_files([*hostile, *paths, "model.safetensors"]):
        assert not name.startswith((".", "/"))
        assert "\\" not in name
        assert name.count("/") == 0 or name.startswith("additional_chat_templates/")


@pytest.fixture
def folder(tmp_path):
    for name in (*SMALL, "model.safetensors"):
        (tmp_path / name).write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("removed", "role", "absent"),
    [
        ([], "detector", ()),
        (["model.safetensors"], "detector", ("weights",)),
        (["config.json"], "depth", ("configuration",)),
        (["preprocessor_config.json"], "depth", ("processor",)),
        (["tokenizer.json"], "depth", ()),
        (["tokenizer.json"], "matcher", ("tokenizer",)),
        (["tokenizer.json", "preprocessor_config.json"], None, ()),
    ],
)
def test_what_a_folder_lacks_depends_on_its_role(folder, removed, role, absent):
    for name in removed:
        (folder / name).unlink()
    assert missing_parts(folder, role) == absent


def test_shards_are_there_only_when_all_of_the_index_are(folder):
    (folder / "model.safetensors").unlink()
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / INDEX).write_text(json.dumps({"weight_map": shards}))
    (folder / shards["a"]).write_text("")
    assert missing_parts(folder) == ("weights",)
    (folder / shards["b"]).write_text("")
    assert missing_parts(folder) == ()
    for damaged in ("", "[]", "{}", '{"weight_map": {}}', '{"weight_map": [1]}'):
        (folder / INDEX).write_text(damaged)
        assert missing_parts(folder) == ("weights",)


def test_a_link_to_nothing_is_no_file(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "blobs" / "gone")
    assert missing_parts(folder) == ("weights",)


def test_each_library_wants_its_own_files(folder):
    assert missing_parts(folder, library="open_clip") == ("configuration", "weights")
    (folder / "open_clip_config.json").write_text("{}")
    (folder / "open_clip_model.safetensors").write_text("")
    assert missing_parts(folder, library="open_clip") == ()


def test_pickles_that_are_there_already_count_as_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert missing_parts(folder) == ()
