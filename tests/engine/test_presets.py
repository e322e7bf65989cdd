from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

from viper.engine import presets
from viper.engine.config import resolve_backends
from viper.engine.preset_file import read_preset_file
from viper.engine.presets import advice, choose, load_presets, missing_extra, missing_models
from viper.errors import ConfigError
from viper.models.registry import backends_for
from viper.models.roles import ROLES
from viper.weights.cache import repository_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PERMISSIVE = {"Apache-2.0", "MIT", "BSD-3-Clause"}
PHOTOGRAPHS = ("small", "base", "large")
MODELS = {model.repository: model for preset in load_presets().values() for model in preset.models}

# The loader of each role, as the backends call it.
_LOADERS = {
    "detector": "AutoModelForZeroShotObjectDetection",
    "matcher": "AutoModel",
    "depth": "AutoModelForDepthEstimation",
    "answerer": "AutoModelForImageTextToText",
}


def put_on_disk(repository, revision=COMMIT, *, without=(), branch=None):
    """Lay a model into the hub's cache as a pull would."""
    root = repository_folder(repository)
    commit = revision if revision != "main" else COMMIT
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True)
    names = {"config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"}
    for name in names - set(without):
        (folder / name).write_text("{}")
    if revision == "main" or branch:
        (root / "refs").mkdir()
        (root / "refs" / (branch or "main")).write_text(commit)
    return folder


@pytest.fixture
def own_presets(monkeypatch, tmp_path):
    def write(text):
        path = tmp_path / "own.toml"
        path.write_text(text)
        monkeypatch.setenv("VIPER_PRESETS", str(path))

    return write


# -- the shipped file


@pytest.mark.parametrize("name", load_presets())
def test_a_preset_names_only_known_roles_and_backends(name):
    preset = load_presets()[name]
    assert preset.description.endswith(".")
    for role, text in preset.backends.items():
        backend = text.partition(":")[0]
        assert backend == "stub" or backend in backends_for(role)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_presets_for_photographs_serve_every_role_of_vision(name):
    assert {model.role for model in load_presets()[name].models} == set(ROLES) - {"language"}


@pytest.mark.parametrize("repository", MODELS)
def test_every_model_is_free_to_use_and_known_by_its_commit(repository):
    model = MODELS[repository]
    assert model.licence in PERMISSIVE
    assert re.fullmatch(r"[0-9a-f]{40}", model.revision) or model.revision == "main"
    assert model.size_mb > 0


def test_the_small_preset_fits_into_two_gigabytes():
    small, base, large = (load_presets()[name].size_mb for name in PHOTOGRAPHS)
    assert small <= 2000 < base < large


@pytest.mark.parametrize("repository", MODELS)
def test_the_library_loads_the_class_in_the_models_role(repository):
    transformers = importlib.import_module("transformers")
    model = MODELS[repository]
    loader = getattr(transformers, _LOADERS[model.role])
    architecture = getattr(transformers, model.architecture)
    assert loader._model_mapping[architecture.config_class] is architecture


def test_a_preset_of_the_hub_becomes_references_with_its_commits():
    small = load_presets()["small"]
    model = small.models[0]
    assert str(small.reference("detector")) == (
        f"transformers:{model.repository}?revision={model.revision}"
    )
    base = load_presets()["base"]
    assert str(base.reference("detector")) == "transformers:iSEE-Laboratory/llmdet_base"


# -- what is on disk


def test_a_preset_whose_weights_are_missing_is_refused_with_the_command(hub_cache):
    with pytest.raises(
        ConfigError,
        match=r"'small' lacks weights .*: detector google/owl.*: viper models pull small",
    ):
        resolve_backends("small")


def test_only_roles_that_the_preset_still_serves_need_weights(hub_cache):
    small = load_presets()["small"]
    for model in small.models:
        if model.role != "depth":
            put_on_disk(model.repository, model.revision)
    with pytest.raises(ConfigError, match="on this machine: depth depth-anything/"):
        resolve_backends("small")
    resolved = resolve_backends("small", {"depth": "transformers:folder"})
    assert str(resolved["depth"]) == "transformers:folder"
    assert resolved["matcher"].reference == small.models[1].repository


def test_a_model_that_lies_there_in_part_counts_as_missing(hub_cache):
    small = load_presets()["small"]
    for model in small.models:
        lacking = ["tokenizer.json"] if model.role == "matcher" else []
        put_on_disk(model.repository, model.revision, without=lacking)
    assert [model.role for model in missing_models(small)] == ["matcher"]


def test_auto_is_small_once_its_weights_are_there_and_builtin_before(hub_cache):
    assert choose("auto").name == "builtin"
    assert re.fullmatch(
        r"--models auto uses the preset 'builtin'\. .* For 'small' \(about 1\.8 GB\): "
        r"viper models pull small",
        advice("auto") or "",
    )
    for model in load_presets()["small"].models:
        put_on_disk(model.repository, model.revision)
    assert choose("auto").name == "small"
    assert advice("auto") is None


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_auto_is_builtin_where_the_libraries_of_small_are_missing(hub_cache, monkeypatch, package):
    small = load_presets()["small"]
    for model in small.models:
        put_on_disk(model.repository, model.revision)
    assert missing_extra(small) is None
    monkeypatch.setitem(sys.modules, package, None)
    assert missing_extra(small) == "torch"
    assert missing_extra(load_presets()["builtin"]) is None
    assert choose("auto").name == "builtin"
    assert (advice("auto") or "").endswith(
        "pip install 'viper-vision[torch]' && viper models pull small"
    )


def test_auto_does_not_mix_the_small_world_with_backends_of_ones_own(hub_cache):
    resolved = resolve_backends("auto", {"detector": "onnx:yolox.onnx"})
    assert {role: str(ref) for role, ref in resolved.items()} == {
        "detector": "onnx:yolox.onnx",
        "matcher": "colors",
    }
    assert advice("auto", own_backends=True) is None
    assert set(resolve_backends("builtin", {"detector": "onnx:x.onnx"})) == {
        "detector",
        "matcher",
        "depth",
        "answerer",
    }
    for model in load_presets()["small"].models:
        put_on_disk(model.repository, model.revision)
    mixed = resolve_backends("auto", {"detector": "onnx:yolox.onnx"})
    assert str(mixed["detector"]) == "onnx:yolox.onnx"
    assert mixed["matcher"].name == "transformers"


def test_the_builtin_preset_needs_nothing_from_the_hub(hub_cache):
    builtin = load_presets()["builtin"]
    assert builtin.models == ()
    assert set(builtin.backends) == set(ROLES) - {"language"}
    assert {str(ref) for ref in resolve_backends("builtin").values()} == {"builtin"}


@pytest.mark.parametrize("name", ["small", "none", "truth:scenes.json", "nonsense"])
def test_only_a_preset_that_chooses_has_advice(hub_cache, name):
    assert advice(name) is None


def test_an_unknown_preset_is_refused_with_near_names():
    with pytest.raises(
        ConfigError, match=r"Unknown preset 'smal'. Did you mean 'small'\? Presets:"
    ):
        choose("smal")


# -- files of one's own


def test_a_file_of_ones_own_adds_and_replaces_presets(own_presets, hub_cache):
    own_presets(
        """
        [presets.mine]
        description = "Mine."
        matcher = "transformers:me/matcher"
        depth = "transformers:depth-anything/Depth-Anything-V2-Small-hf"
        [presets.small]
        description = "Another small one."
        [hub."me/matcher"]
        revision = "main"
        size_mb = 3
        licence = "MIT"
        class = "CLIPModel"
        """
    )
    presets = load_presets()
    assert presets["small"].models == ()
    assert presets["large"].models
    assert presets["mine"].size_mb == 3 + 99
    put_on_disk("me/matcher", "main")
    assert [model.role for model in missing_models(presets["mine"])] == ["depth"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x =", r"own\.toml is not TOML: "),
        ("[preset.x]", r"In .*own\.toml, preset: is an unknown key\. Did you mean 'presets'"),
        ("presets = 1", r"presets: should be a valid dictionary, but is 1"),
        ("[presets.x]", r"presets\.x\.description: Field required"),
        ('[presets.x]\ndescription = "x"\ndetektor = "stub"', r"x\.detektor: is an unknown key.*'detector'"),
        ('[presets.x]\ndescription = "x"\ndepth = 1', r"x\.depth: should be a valid string, but is 1"),
        ('[presets.x]\ndescription = "x"\ndepth = "transformers:a/b"', r"depth names 'a/b', which \[hub\]"),
        ('[presets.x]\ndescription = "x"\nfirst_of = "small"', r"first_of: should be a valid list"),
        ('[presets.x]\ndescription = "x"\nfirst_of = ["none"]\nbeside_own_backends = "nope"',
         r"presets\.x: cannot choose 'nope'"),
        ('[presets.x]\ndescription = "x"\nfirst_of = ["nope"]', r"presets\.x: cannot choose 'nope'"),
        ('[presets.x]\ndescription = "x"\nfirst_of = ["auto"]', r"presets\.x: cannot choose 'auto'"),
        ('[hub."a/b"]\n[presets.x]\ndescription = "x"\ndepth = "transformers:a/b"', r"a/b\.revision: Field"),
    ],
)  # fmt: skip
def test_a_fault_in_a_file_is_told_with_its_place(own_presets, text, complaint):
    own_presets(text)
    with pytest.raises(ConfigError, match=complaint):
        load_presets()


def test_a_file_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("VIPER_PRESETS", "/no/such/file.toml")
    with pytest.raises(ConfigError, match=r"VIPER_PRESETS='/no/such/file\.toml' cannot be read"):
        load_presets()


def test_the_shipped_file_passes_the_checks_of_a_users_file():
    shipped = Path(presets.__file__).with_name("presets.toml").read_bytes()
    checked = read_preset_file(shipped, "presets.toml")
    assert checked == tomllib.loads(shipped.decode())
    assert set(checked["presets"]) == set(presets.load_presets())
