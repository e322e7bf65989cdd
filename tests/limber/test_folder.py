"""A map's folder of a stranger: it is read without waiting, and names only harmless things."""

from __future__ import annotations

import contextlib
import os

import pytest
import torch
from safetensors.torch import save_file

from viper.errors import ConfigError, InputError, WriteError
from viper.limber.answerer import load
from viper.limber.folder import Wiring, read_map, write_map
from viper.limber.model import SoftPrompts
from viper.limber.references import is_foreign, language_of, matcher_of
from viper.limber.training_loop import load_complete, save_complete

WIRING = Wiring("transformers:a/b", "c/d", features=4, prompts=2, width=3)


def state(**changes):
    return {**SoftPrompts(4, 2, 3).half().state_dict(), **changes}


def test_a_map_is_read_in_single_precision(tmp_path):
    save_file(state(mean=torch.ones(4).half()), tmp_path / "map.safetensors")
    soft = read_map(tmp_path, WIRING)
    assert {tensor.dtype for tensor in soft.state_dict().values()} == {torch.float32}
    assert soft(torch.ones(1, 4)).shape == (1, 2, 3)


def a_pipe(path):
    os.mkfifo(path)


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


def a_folder(path):
    path.mkdir()


def another_shape(path):
    save_file(state(mean=torch.zeros(5)), path)


def no_weights(path):
    path.write_bytes(b"\xff" * 100)


def fewer_weights(path):
    save_file({"mean": torch.zeros(4)}, path)


@pytest.mark.parametrize(
    "attack", [a_pipe, a_link_to_a_device, a_folder, another_shape, no_weights, fewer_weights]
)
def test_a_hostile_map_is_refused(tmp_path, attack):
    attack(tmp_path / "map.safetensors")
    with pytest.raises(ConfigError, match="holds no map of this shape"):
        read_map(tmp_path, WIRING)


def test_a_large_shape_needs_no_memory(tmp_path):
    save_file(state(), tmp_path / "map.safetensors")
    large = Wiring("transformers:a/b", "c/d", features=1 << 19, prompts=1 << 19, width=1 << 19)
    with pytest.raises(ConfigError, match="holds no map of this shape"):
        read_map(tmp_path, large)
    with pytest.raises(RuntimeError):  # control: the map itself asks for it
        SoftPrompts(1 << 19, 1 << 19, 1 << 19)


@pytest.mark.parametrize(
    "option",
    [
        "templates=/etc/hostname",
        "templates=../secret",
        "download=true",
        "trust=true",
        "pretrained=/etc/passwd",
        "text_encoder=onnx:x",
        "unknown=1",
        "revision=/etc/shadow",
        "revision=../../secret",
        "revision=a/../../b",
        "revision=/dev/zero",
        "revision=.",
    ],
)
def test_a_folder_gives_its_matcher_harmless_options_alone(tmp_path, option):
    ref = matcher_of(tmp_path, f"transformers:a/b?dtype=float16&{option}&templates=plain")
    kept = ref.options
    assert kept == (("dtype", "float16"), ("templates", "plain"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder of the user, with a map of a stranger and a model of the user's own."""
    (tmp_path / "map" / "inside").mkdir(parents=True)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    (tmp_path / "weights").write_text("")
    (tmp_path / "map" / "link").symlink_to(tmp_path / "owner")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "map"


ELSEWHERE = [
    "/etc",
    "../owner/name",
    "~/secret",
    "./owner",
    "./link",
    "./link/name",
    "inside/../..",
    "\0",
    "x" * 5000,
]


@pytest.mark.parametrize("reference", [*ELSEWHERE, "", "a/b/c", "-a/b", "a/b\n"])
def test_the_language_model_is_of_the_hub_or_in_the_folder(here, reference):
    with pytest.raises(ConfigError, match="neither a model of the hub nor in this folder"):
        language_of(here, reference)
    assert language_of(here, reference, trust=True)[0] == reference  # control


def test_a_language_model_with_the_name_of_a_folder_here_is_that_of_the_hub(here):
    assert language_of(here, "owner/name") == ("owner/name", True)
    assert language_of(here, "owner/name", trust=True) == ("owner/name", False)  # control
    assert language_of(here, "inside") == (str(here / "inside"), False)


@pytest.mark.parametrize(
    "reference",
    [f"transformers:{place}" for place in [*ELSEWHERE, "owner/name", "", "weights"]]
    + [
        f"open_clip:{place}"
        for place in [*ELSEWHERE, "owner/name", "a/b", "weights", "hf-hub:/etc"]
    ]
    + ["open_clip:ViT-B-32?pretrained=weights", "builtin:/etc", "builtin:../owner/name"]
    + ["openai:gpt", "onnx:a.onnx", "limber:a/b", "mine:a/b", "none", ""],
)
def test_the_matcher_is_of_an_allowed_library_and_of_the_hub_or_in_the_folder(here, reference):
    with pytest.raises(ConfigError, match="neither a model of the hub nor in this folder"):
        matcher_of(here, reference)
    assert is_foreign(here, reference, "a/b")


@pytest.mark.parametrize(
    "reference",
    ["transformers:a/b", "open_clip:hf-hub:a/b", "open_clip:ViT-B-32?pretrained=openai", "builtin"],
)
def test_a_usual_matcher_is_taken_as_it_is(here, reference):
    assert str(matcher_of(here, reference)) == reference
    assert not is_foreign(here, reference, "a/b")
    assert matcher_of(here, "transformers:inside").reference == str(here / "inside")


def test_a_trusted_folder_may_name_any_matcher_still_with_harmless_options(here):
    ref = matcher_of(
        here, "transformers:/models/clip?templates=/etc/hostname&dtype=float16", trust=True
    )
    assert str(ref) == "transformers:/models/clip?dtype=float16"


@pytest.mark.parametrize("name", ["limber.json", "map.safetensors"])
def test_a_folder_of_links_to_other_files_is_refused(here, name):
    (here / name).symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="link to a file outside of the model"):
        load(str(here), {"device": "cpu"})


def test_a_missing_folder_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"There is no folder .* viper train limber"):
        load(str(tmp_path / "none"), {"device": "cpu"})


@pytest.mark.parametrize("name", ["limber.json", "map.safetensors", ".map.safetensors.part"])
def test_a_link_in_the_folder_of_a_map_is_not_written_through(tmp_path, name):
    victim = tmp_path / "bashrc"
    victim.write_bytes(b"mine")
    (tmp_path / "map").mkdir()
    (tmp_path / "map" / name).symlink_to(victim)
    with contextlib.suppress(WriteError):
        write_map(tmp_path / "map", WIRING, SoftPrompts(4, 2, 3))
    assert victim.read_bytes() == b"mine"


def test_a_link_in_place_of_a_checkpoint_is_neither_read_nor_written(tmp_path):
    save_complete({"step": 1}, tmp_path / "real.pt")
    before = (tmp_path / "real.pt").read_bytes()
    (tmp_path / "map.pt").symlink_to(tmp_path / "real.pt")
    with pytest.raises(InputError, match="it is a link"):
        load_complete(tmp_path / "map.pt")
    with pytest.raises(WriteError, match="it is a link"):
        save_complete({"step": 2}, tmp_path / "map.pt")
    assert (tmp_path / "real.pt").read_bytes() == before
    assert load_complete(tmp_path / "real.pt") == {"step": 1}  # the control
