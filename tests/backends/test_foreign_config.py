"""What a stranger's model folder cannot have done, with the same folders loaded as the libraries would."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import socket
import sys
import threading

import pytest
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor, AutoTokenizer

from fakes import tiny_detectors, tiny_models
from viper.backends.foreign_config import check_open_clip, check_transformers
from viper.backends.model_source import ModelSource
from viper.backends.sealed_loading import NoCodeError, sealed
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError
from viper.models.registry import BackendRef, open_backend

CODE = """
import os
from transformers import {base}
os.makedirs({marker!r}, exist_ok=True)
class {name}({base}):
    pass
"""


@pytest.fixture(autouse=True)
def modules_of_its_own(tmp_path, monkeypatch):
    """The library copies a model's code to a folder before it imports it."""
    monkeypatch.setattr(
        "transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules")
    )
    monkeypatch.setattr("sys.path", [*sys.path])


def put(path, **entries):
    """Add entries to a JSON file, dotted ones inside of tables."""
    table = json.loads(path.read_text()) if path.is_file() else {}
    for place, value in entries.items():
        *tables, key = place.split("__")
        inner = table
        for name in tables:
            inner = inner.setdefault(name, {})
        inner[key] = value
    path.write_text(json.dumps(table))


def tokenizer_with_code(folder, marker):
    """Give a folder a tokenizer whose class is in a file beside it."""
    tiny_models.clip(folder.parent / "of_clip")
    for file in (folder.parent / "of_clip").glob("*token*"):
        (folder / file.name).write_bytes(file.read_bytes())
    text = CODE.format(base="CLIPTokenizer", name="Mine", marker=str(marker))
    (folder / "mine.py").write_text(text)
    put(
        folder / "tokenizer_config.json",
        tokenizer_class="Mine",
        auto_map={"AutoTokenizer": ["mine.Mine", "mine.Mine"]},
    )


@pytest.fixture
def clip_folder(tmp_path):
    pytest.importorskip("open_clip", reason="needs the extra open-clip")
    return tiny_models.open_clip(tmp_path / "open_clip")


def load_clip(folder):
    return open_backend(BackendRef.parse("matcher", f"open_clip:{folder}?device=cpu"))


def hostile(folder, marker, **more):
    """Make a folder of open_clip one that asks for the code beside its tokenizer to be run."""
    tokenizer_with_code(folder, marker)
    path = folder / "open_clip_config.json"
    put(path, model_cfg__text_cfg__hf_tokenizer_name="mine", **more)
    return path


TRUST = {"model_cfg__text_cfg__tokenizer_kwargs": {"trust_remote_code": True}}


def test_a_folder_of_open_clip_cannot_have_its_code_trusted(clip_folder, tmp_path):
    hostile(clip_folder, tmp_path / "ran", **TRUST)
    with pytest.raises(ConfigError, match=r"tokenizer_kwargs\.trust_remote_code is not an entry"):
        load_clip(clip_folder)
    assert not (tmp_path / "ran").exists()


def test_control_the_library_alone_runs_the_code_of_that_folder(clip_folder, tmp_path):
    import open_clip

    hostile(clip_folder, tmp_path / "ran", **TRUST)
    open_clip.get_tokenizer(f"local-dir:{clip_folder}")
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("trusting", [False, True], ids=["plain", "past the first wall"])
def test_code_beside_the_tokenizer_of_open_clip_is_not_run(
    clip_folder, tmp_path, monkeypatch, trusting
):
    path = hostile(clip_folder, tmp_path / "ran", **(TRUST if trusting else {}))
    if trusting:
        model = json.loads(path.read_text())["model_cfg"]
        monkeypatch.setattr(
            "viper.backends.open_clip_matcher.check_open_clip", lambda folder, displayed: model
        )
    with contextlib.suppress(ConfigError):  # whether it can do without does not matter
        load_clip(clip_folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        ("model_cfg__text_cfg__hf_model_name", "org/other", "text_cfg.hf_model_name is not an entry"),
        ("model_cfg__text_cfg__tokenizer_kwargs", {"cache_dir": "x"}, "tokenizer_kwargs.cache_dir"),
        ("model_cfg__text_cfg__tokenizer_kwargs", {"bpe_path": "x"}, "tokenizer_kwargs.bpe_path"),
        ("model_cfg__text_cfg__tokenizer_kwargs", "x", "tokenizer_kwargs must be a table"),
        ("model_cfg__text_cfg__width", {"a": 1}, "text_cfg.width must be a number"),
        ("model_cfg__vision_cfg__timm_model_name", "hf-hub:org/x", "timm_model_name must be a name"),
        ("model_cfg__vision_cfg__timm_model_name", "local-dir:./x", "timm_model_name must be a name"),
        ("model_cfg__vision_cfg__timm_model_pretrained", True, "would fetch other weights"),
        ("model_cfg__vision_cfg__checkpoint_path", "x.pt", "vision_cfg.checkpoint_path"),
        ("model_cfg__pretrained_hf", True, "model_cfg.pretrained_hf"),
        ("model_cfg__vision_cfg", [], "vision_cfg must be"),
        ("model_cfg", 3, "has no table 'model_cfg'"),
    ],
)  # fmt: skip
def test_an_entry_of_open_clip_that_is_not_on_the_list_is_refused(
    clip_folder, place, value, complaint
):
    put(clip_folder / "open_clip_config.json", **{place: value})
    with pytest.raises(ConfigError, match=complaint):
        load_clip(clip_folder)


def test_all_configurations_that_open_clip_ships_and_a_folder_can_hold_are_accepted(tmp_path):
    open_clip = pytest.importorskip("open_clip", reason="needs the extra open-clip")
    accepted, refused = [], []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        config["vision_cfg"]["timm_model_pretrained"] = False  # what the library makes of it
        (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
        try:
            check_open_clip(tmp_path)
            accepted.append(name)
        except ConfigError as error:
            refused.append((config["text_cfg"].get("hf_model_name"), str(error)))
    assert all(other is not None and "hf_model_name" in said for other, said in refused)
    assert len(accepted) > 100


@pytest.fixture
def folder(tmp_path):
    return tiny_models.clip(tmp_path / "clip")


def loaded(folder, loader=AutoModel):
    return load_pretrained(loader, ModelSource(str(folder), folder), what="matcher")


@pytest.mark.parametrize(
    ("file", "place", "value", "complaint"),
    [
        ("config.json", "_attn_implementation", "org/kernel", "names a kernel"),
        ("config.json", "attn_implementation", {"text_config": "a/b:c"}, "names a kernel"),
        ("config.json", "vision_config___attn_implementation", "org/kernel@main", "names a kernel"),
        ("config.json", "trust_remote_code", True, "would have code run"),
        ("tokenizer_config.json", "trust_remote_code", True, "would have code run"),
        ("generation_config.json", "custom_generate", "org/repo", "would have code run"),
        ("config.json", "vision_config__model_args", {"checkpoint_path": "x.pt"}, "files opened"),
        ("config.json", "vision_config__model_args", {"pretrained_cfg": {"file": "x"}}, "files opened"),
        ("config.json", "vision_config__architecture", "hf-hub:org/x", "name of timm's own list"),
        ("config.json", "backbone", "local-dir:./x", "files of another model"),
        ("config.json", "backbone_config__backbone", "./x", "files of another model"),
        ("config.json", "transformers_weights", "../x.bin", "weights outside"),
        ("config.json", "quantization_config", {"quant_method": "torchao"}, "has the method 'torchao'"),
        ("model.safetensors.index.json", "weight_map", {"a": "../x.safetensors"}, "weights outside"),
        ("preprocessor_config.json", "use_kernels", True, "would have code run"),
    ],
)  # fmt: skip
def test_an_entry_that_fetches_or_runs_something_is_refused(folder, file, place, value, complaint):
    put(folder / file, **{place: value})
    with pytest.raises(ConfigError, match=complaint):
        loaded(folder)


def test_an_adapter_which_names_another_model_is_refused(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/other"}')
    with pytest.raises(ConfigError, match="holds an adapter"):
        loaded(folder)


def test_configurations_as_the_library_writes_them_are_accepted(tmp_path):
    for make in (tiny_models.clip, tiny_models.siglip, tiny_models.depth_anything):
        check_transformers(make(tmp_path / make.__name__))


@pytest.mark.parametrize("kind", ["config", "tokenizer"])
def test_code_beside_a_model_of_transformers_is_not_run(folder, tmp_path, kind):
    loader, name = (
        (AutoConfig, "AutoConfig") if kind == "config" else (AutoTokenizer, "AutoTokenizer")
    )
    if kind == "config":
        text = CODE.format(base="CLIPConfig", name="Mine", marker=str(tmp_path / "ran"))
        (folder / "mine.py").write_text(text)
        put(folder / "config.json", model_type="mine", auto_map={name: "mine.Mine"})
        with pytest.raises(
            ConfigError, match="needs Python code from its own files, which is never"
        ):
            loaded(folder, loader)
    else:
        tokenizer_with_code(folder, tmp_path / "ran")
        with contextlib.suppress(ConfigError):  # whether it can do without does not matter
            loaded(folder, loader)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(NoCodeError), sealed():  # even where the library is told to trust it
        loader.from_pretrained(folder, trust_remote_code=True)
    assert not (tmp_path / "ran").exists()
    loader.from_pretrained(folder, trust_remote_code=True)
    assert (tmp_path / "ran").exists()  # control


# Role and builder of a model, file and entry that name code, the base of its class, and who would run it.
CODE_OF_LOADERS = {
    "matcher, config": ("matcher", tiny_models.clip, "config.json", "CLIPConfig", AutoConfig),
    "matcher, images": (
        "matcher", tiny_models.clip, "preprocessor_config.json", "CLIPImageProcessor", AutoImageProcessor
    ),
    "depth, config": ("depth", tiny_models.depth_anything, "config.json", "DPTConfig", AutoConfig),
    "depth, images": (
        "depth", tiny_models.depth_anything, "preprocessor_config.json", "DPTImageProcessor",
        AutoImageProcessor
    ),
    "detector, config": ("detector", tiny_detectors.yolos, "config.json", "YolosConfig", AutoConfig),
    "detector, images": (
        "detector", tiny_detectors.yolos, "preprocessor_config.json", "YolosImageProcessor",
        AutoImageProcessor
    ),
    "answerer, config": ("answerer", tiny_models.smolvlm, "config.json", "SmolVLMConfig", AutoConfig),
    "answerer, processor": (
        "answerer", tiny_models.smolvlm, "processor_config.json", "SmolVLMProcessor", AutoProcessor
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CODE_OF_LOADERS)
def test_code_that_a_model_of_any_role_names_is_not_run(tmp_path, name):
    role, make, file, base, loader = CODE_OF_LOADERS[name]
    folder = make(tmp_path / "model")
    text = CODE.format(base=base, name="Mine", marker=str(tmp_path / "ran"))
    (folder / "mine.py").write_text(text)
    entries = {
        "config.json": {"model_type": "mine"},
        "preprocessor_config.json": {"image_processor_type": "Mine"},
        "processor_config.json": {"processor_class": "Mine"},
    }
    put(folder / file, auto_map={loader.__name__: "mine.Mine"}, **entries[file])
    with contextlib.suppress(ConfigError):  # whether it can do without does not matter
        open_backend(BackendRef.parse(role, f"transformers:{folder}?device=cpu"))
    assert not (tmp_path / "ran").exists()
    with contextlib.suppress(Exception):  # whether its class can be made does not matter
        loader.from_pretrained(folder, trust_remote_code=True)
    assert (tmp_path / "ran").exists()  # the control


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_pickled_weights_of_transformers_run_nothing(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    torch.save({"logit_scale": Payload(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        loaded(folder)
    assert not (tmp_path / "ran").exists()
    torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert (tmp_path / "ran").exists()  # control


def test_pickled_weights_of_open_clip_run_nothing(clip_folder, tmp_path):
    (clip_folder / "open_clip_model.safetensors").unlink()
    file = clip_folder / "open_clip_pytorch_model.bin"
    torch.save({"logit_scale": Payload(tmp_path / "ran")}, file)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_clip(clip_folder)
    assert not (tmp_path / "ran").exists()
    torch.load(file, weights_only=False)
    assert (tmp_path / "ran").exists()  # control


def test_a_sealed_block_runs_no_pickle_however_it_is_asked(tmp_path):
    file = tmp_path / "weights.bin"
    torch.save({"a": Payload(tmp_path / "ran")}, file)
    raw = pickle.dumps(Payload(tmp_path / "ran"))
    before = torch.load, pickle.loads, torch.jit.load
    with sealed():
        with pytest.raises(Exception, match=r"its pickle calls posix\.mkdir"):
            torch.load(file, None, pickle, weights_only=False)
        with pytest.raises(NoCodeError):
            pickle.loads(raw)
        with pytest.raises(NoCodeError):
            torch.jit.load(file)
    assert not (tmp_path / "ran").exists()
    assert (torch.load, pickle.loads, torch.jit.load) == before
    pickle.loads(raw)
    assert (tmp_path / "ran").exists()  # control


def test_a_sealed_block_makes_no_connection():
    import httpx

    with socket.create_server(("127.0.0.1", 0)) as server:
        where = server.getsockname()
        with sealed():
            with pytest.raises(ConnectionError, match="request network access"):
                socket.create_connection(where, timeout=5)
            with pytest.raises(ConnectionError, match="request network access"):
                httpx.get(f"http://{where[0]}:{where[1]}/")
        socket.create_connection(where, timeout=5).close()  # control
    assert "connect" not in vars(socket.socket)


def test_other_threads_are_left_alone(tmp_path):
    raw, done, go = pickle.dumps([1]), [], threading.Event()

    def work():
        go.wait(10)
        done.append(pickle.loads(raw))

    thread = threading.Thread(target=work)
    thread.start()
    with sealed():
        go.set()
        thread.join()
    assert done == [[1]]


def test_a_sealed_block_asks_nothing_of_the_hub_and_does_not_wait_for_it(hub, monkeypatch):
    place = (
        f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"  # made of the endpoint at import
    )
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", place)
    hub.add("org/other", {"config.json": b"{}"})
    waits = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", waits.append)
    with sealed(), pytest.raises(Exception, match=r"cached|connect|network"):
        AutoConfig.from_pretrained("org/other")
    assert not hub.requests
    assert not [wait for wait in waits if wait >= 1]  # the client's pause before it tries again
    with contextlib.suppress(Exception):
        AutoConfig.from_pretrained("org/other")
    assert hub.requests  # control


@pytest.mark.parametrize("entry", ["hf_tokenizer_name", "hf_model_name"])
def test_another_model_of_the_librarys_own_list_is_fetched_only_when_asked_for(
    hub, clip_folder, monkeypatch, entry
):
    import open_clip

    hub.add("org/other", {"config.json": b"{}", "tokenizer.json": b"{}"})
    config = json.loads((clip_folder / "open_clip_config.json").read_text())["model_cfg"]
    config["text_cfg"][entry] = "org/other"
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", config)
    text = f"open_clip:tiny?device=cpu&pretrained={clip_folder / 'open_clip_model.safetensors'}"
    with pytest.raises(ConfigError, match="cannot be loaded"):
        open_backend(BackendRef.parse("matcher", text))
    assert not hub.requests
    doors = []

    def note(**kwargs):
        doors.append(kwargs)
        raise ConnectionError("noted")

    monkeypatch.setattr("viper.backends.open_clip_matcher.sealed", note)
    for query in ("", "&download=true"):
        with pytest.raises(ConfigError, match="noted"):
            open_backend(BackendRef.parse("matcher", text + query))
    assert doors == [{"network": False}, {"network": True}]


def test_a_folder_of_limber_has_nothing_fetched_and_no_code_run(tmp_path):
    from viper.limber.references import matcher_of

    ref = matcher_of(tmp_path, "open_clip:hf-hub:a/b?download=true&trust=1&dtype=float32")
    assert str(ref) == "open_clip:hf-hub:a/b?dtype=float32"


VOCABULARIES = {
    "a large file": ("vocab.json", lambda: '{"a": 0}' + " " * 20_000_000),
    "a long word": ("vocab.json", lambda: json.dumps({"x" * 1001: 0})),
    "a long added word": ("added_tokens.json", lambda: json.dumps({"x" * 1001: 0})),
    "a word twice": ("vocab.json", lambda: '{"a": 0, "a": 1}'),
    "deep": ("vocab.json", lambda: "[" * 100_000),
    "a long text": ("vocab.txt", lambda: "a\n" * 10_000_001),
    "long merges": ("merges.txt", lambda: "a b\n" * 5_000_001),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_hostile_vocabulary_is_refused_before_a_library_reads_it(tmp_path, name):
    file, content = VOCABULARIES[name]
    (tmp_path / file).write_text('{"a": 0, "b": 1}' if file.endswith("json") else "a b\n")
    check_transformers(tmp_path)  # control
    (tmp_path / file).write_text(content())
    with pytest.raises(ConfigError, match="cannot be loaded"):
        check_transformers(tmp_path)
