from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from huggingface_hub.utils.tqdm import are_progress_bars_disabled
from transformers import AutoConfig, BertConfig
from transformers.utils import logging as library_logging

from viper.backends import torch_common
from viper.backends.placement import inference, resolve_device, resolve_dtype
from viper.backends.torch_common import fingerprint, load_pretrained, locate, quiet_libraries
from viper.errors import ConfigError, ModelError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path):
    BertConfig(num_hidden_layers=1).save_pretrained(tmp_path)
    return tmp_path


def cache_model(cache, reference, text='{"model_type": "bert", "num_hidden_layers": 1}'):
    """Put a model into the hub's cache, as a download would."""
    root = cache / f"models--{reference.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    (root / "snapshots" / COMMIT).mkdir(parents=True)
    (root / "snapshots" / COMMIT / "config.json").write_text(text)
    (root / "snapshots" / COMMIT / "model.safetensors").write_text("")
    return root / "snapshots" / COMMIT


def test_auto_device_is_one_that_is_there():
    assert torch.zeros(1, device=resolve_device("auto")).device.type in ("cuda", "mps", "cpu")
    assert resolve_device("CPU") == torch.device("cpu")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("gpu", "Unknown device 'gpu'. .*Known: auto, cpu, cuda"),
        ("cud", "mean 'cuda'"),
        ("cuda:99", "'cuda:99' is not available here"),
        ("cpu:1", "'cpu:1' is not available here"),
        ("meta", "'meta' is not available here"),
    ],
)
def test_devices_that_are_not_there_are_refused(option, message):
    with pytest.raises(ConfigError, match=message):
        resolve_device(option)


def test_the_automatic_number_format_depends_on_the_device():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert resolve_dtype("auto", cpu, on_gpu=torch.bfloat16) is torch.float32
    assert resolve_dtype("auto", gpu, on_gpu=torch.bfloat16) is torch.bfloat16
    assert resolve_dtype("float16", cpu) is torch.float16


def test_an_unknown_number_format_is_refused():
    with pytest.raises(ConfigError, match=r"Unknown dtype 'float3'. .*mean 'float32'"):
        resolve_dtype("float3", torch.device("cpu"))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("", "The detector has no model"),
        ("/no/such/folder", "There is no folder '/no/such/folder'"),
        ("./model", r"There is no folder '\./model'"),
        ("a/b/c", "There is no folder 'a/b/c'"),
    ],
)
def test_references_to_nothing_are_refused(reference, message):
    with pytest.raises(ConfigError, match=message):
        locate(reference, what="detector")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no detector: it has no config\.json"):
        locate(str(tmp_path), what="detector")


def test_a_file_is_refused(folder):
    with pytest.raises(ConfigError, match=r"is a file\. Give the folder"):
        locate(str(folder / "config.json"), what="detector")


def test_a_model_that_is_not_on_disk_is_named_with_the_command_and_no_network_is_asked(hub):
    hub.add("foo/bar", {"config.json": b"{}", "model.safetensors": b"x"})
    with pytest.raises(ConfigError) as caught:
        locate("foo/bar", what="detector")
    assert str(caught.value) == (
        "The detector 'foo/bar' is neither a folder here nor in the hub's cache. Give a folder, or "
        "fetch it with: viper models pull foo/bar"
    )
    with pytest.raises(
        ConfigError, match=r"at revision 'v2' .*: viper models pull foo/bar --revision v2"
    ):
        locate("foo/bar", what="detector", revision="v2")
    assert not hub.requests


def test_a_model_of_the_cache_is_loaded_by_its_commit(hub_cache):
    folder = cache_model(hub_cache, "foo/bar")
    source = locate("foo/bar", what="detector")
    assert (source.folder, source.commit) == (folder, COMMIT)
    assert locate("foo/bar", what="detector", revision=COMMIT) == source
    config = load_pretrained(AutoConfig, source, what="detector")
    assert config.model_type == "bert"
    assert fingerprint(source, {}) == f"foo/bar@{COMMIT[:16]}"


@pytest.mark.parametrize("revision", [None, "main"])
def test_a_folder_named_like_a_model_of_the_cache_is_not_loaded(
    hub_cache, tmp_path, monkeypatch, revision
):
    cache_model(hub_cache, "foo/bar")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "foo" / "bar"
    BertConfig(num_hidden_layers=1).save_pretrained(folder)
    found = locate("foo/bar", what="matcher", revision=revision)
    assert found.commit == COMMIT
    for explicit in ("./foo/bar", str(folder)):
        assert locate(explicit, what="matcher", revision=revision).commit is None
    hub_cache.rename(tmp_path / "gone")
    if revision is None:  # no such model on disk: as a user writes a folder
        assert locate("foo/bar", what="matcher").commit is None
    else:
        with pytest.raises(ConfigError, match="hub's cache"):
            locate("foo/bar", what="matcher", revision=revision)


def test_a_model_id_is_no_folder_even_if_the_cache_has_no_such_model(
    hub_cache, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "foo" / "bar"
    BertConfig(num_hidden_layers=1).save_pretrained(folder)
    assert locate("foo/bar", what="matcher").commit is None  # control
    with pytest.raises(ConfigError, match="hub's cache"):
        locate("foo/bar", what="matcher", is_model_id=True)


def test_a_model_of_the_cache_that_is_there_in_part_is_not_loaded(hub_cache):
    folder = cache_model(hub_cache, "foo/bar")
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        ConfigError, match=r"is only partly on disk: missing weights\. .*viper models pull foo/bar"
    ):
        locate("foo/bar", what="detector")


def test_a_model_of_another_library_is_refused(hub_cache):
    cache_model(hub_cache, "foo/bar")
    with pytest.raises(
        ConfigError, match=r"missing configuration, weights\..*pull foo/bar --library open_clip"
    ):
        locate("foo/bar", what="matcher", library="open_clip")


def test_a_model_is_fetched_first_when_the_reference_says_so(hub):
    commit = hub.add("foo/bar", {"config.json": b"{}", "model.safetensors": b"x"})
    source = locate("foo/bar", what="detector", download=True)
    assert source.commit == commit
    before = len(hub.requests)
    assert locate("foo/bar", what="detector", download=True) == source
    assert len(hub.requests) == before


def test_loaders_get_a_folder_and_never_the_network_or_foreign_code(folder):
    class Loader:
        @staticmethod
        def from_pretrained(where, **kwargs):
            return {path.name for path in Path(where).iterdir()}, kwargs

    names, kwargs = load_pretrained(Loader, str(folder), what="detector", dtype="x")
    assert names == {path.name for path in folder.iterdir()}
    assert kwargs == {"local_files_only": True, "trust_remote_code": False, "dtype": "x"}


def test_a_name_that_no_model_can_have_is_refused():
    with pytest.raises(ConfigError, match="nor the form of a model id"):
        locate("no such model", what="detector")


def test_errors_of_loaders_become_one_line(folder):
    class Loader:
        @staticmethod
        def from_pretrained(*_args, **_kwargs):
            raise KeyError("first\n   second")

    with pytest.raises(
        ConfigError, match=r"The detector '.*' cannot be loaded: 'first\\n"
    ) as caught:
        load_pretrained(Loader, str(folder), what="detector")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


def test_remote_code_is_never_run(folder):
    config = (folder / "config.json").read_text()
    patched = config.replace(
        '"model_type": "bert"', '"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}'
    )
    (folder / "config.json").write_text(patched)
    (folder / "mine.py").write_text("raise SystemExit('remote code ran')")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_pretrained(AutoConfig, str(folder), what="detector")


def test_a_folder_is_known_by_its_content(folder):
    settings = {"b": 1, "a": "x"}
    first = fingerprint(str(folder), settings)
    assert first.endswith("?a=x&b=1")
    (folder / "README.md").write_text("Words.")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "note.json").write_text("{}")
    assert fingerprint(str(folder), settings) == first
    (folder / "config.json").write_text("{}")
    assert fingerprint(str(folder), settings) != first


def test_libraries_are_quiet_only_inside_the_block(capfd):
    logger = library_logging.get_logger("transformers.some_module")
    before = (library_logging.get_verbosity(), are_progress_bars_disabled())
    hub_level = logging.getLogger("huggingface_hub").level
    with quiet_libraries():
        logger.warning("a notice")
        assert are_progress_bars_disabled()
        assert not library_logging.is_progress_bar_enabled()
    assert capfd.readouterr().err == ""
    assert (library_logging.get_verbosity(), are_progress_bars_disabled()) == before
    assert logging.getLogger("huggingface_hub").level == hub_level


def test_quiet_progress_bars_stay_quiet_when_the_user_wanted_that():
    library_logging.disable_progress_bar()
    try:
        with quiet_libraries():
            pass
        assert are_progress_bars_disabled()
    finally:
        library_logging.enable_progress_bar()


def test_a_lack_of_memory_is_a_failure_of_the_model():
    wanted = "The detector ran out of memory: 3 GiB wanted"
    with pytest.raises(ModelError, match=wanted), inference("detector"):
        raise torch.OutOfMemoryError("3 GiB wanted")


def test_no_gradients_are_kept():
    weight = torch.ones(1, requires_grad=True)
    with inference("detector"):
        assert not (weight * 2).requires_grad


def test_public_names_exist():
    assert all(hasattr(torch_common, name) for name in torch_common.__all__)
