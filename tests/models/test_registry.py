from __future__ import annotations

import importlib
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest

from viper.errors import ConfigError, MissingExtraError
from viper.models import registry
from viper.models.registry import BackendEntry, BackendRef, backends_for, open_backend, parse_role


def test_a_reference_is_read_with_its_options():
    ref = BackendRef.parse("detector", "onnx:folder/yolox nano.onnx?score_threshold=0.3&device=cpu")
    assert (ref.name, ref.reference) == ("onnx", "folder/yolox nano.onnx")
    assert dict(ref.options) == {"score_threshold": "0.3", "device": "cpu"}
    assert str(ref) == "onnx:folder/yolox nano.onnx?score_threshold=0.3&device=cpu"


def test_a_reference_may_hold_colons():
    assert BackendRef.parse("matcher", "open_clip:hf-hub:org/name").reference == "hf-hub:org/name"


def test_an_unknown_backend_is_refused_with_near_names():
    with pytest.raises(
        ConfigError, match=r"Unknown detector backend 'onxn'.*Did you mean 'onnx'\?.*transformers"
    ):
        BackendRef.parse("detector", "onxn:x.onnx")


@pytest.mark.parametrize(
    ("role", "text", "message"),
    [
        (
            "detector",
            "yolox_nano.onnx",
            "'yolox_nano.onnx' does not say which backend reads it. "
            "Write detector=onnx:yolox_nano.onnx.",
        ),
        (
            "matcher",
            "yolox_nano.onnx",
            "'yolox_nano.onnx' serves no matcher. Write detector=onnx:yolox_nano.onnx.",
        ),
        ("depth", " ", "No backend is named for the role 'depth'. Known for this role: builtin, "),
    ],
)
def test_a_reference_without_a_backend_says_what_to_write(role, text, message):
    with pytest.raises(ConfigError) as refused:
        BackendRef.parse(role, text)
    assert str(refused.value).startswith(message)


def test_a_file_of_an_unknown_kind_lists_the_backends(tmp_path):
    path = tmp_path / "yolo.bin"
    path.touch()
    with pytest.raises(ConfigError, match=r"Write detector=NAME:.*yolo\.bin\. Known .* onnx, "):
        BackendRef.parse("detector", str(path))


def test_a_backend_of_another_role_is_refused():
    with pytest.raises(ConfigError, match="Unknown depth backend 'onnx'"):
        BackendRef.parse("depth", "onnx:x.onnx")


def test_an_unknown_role_is_refused_with_near_names():
    with pytest.raises(ConfigError, match=r"Unknown role 'detectr'. Did you mean 'detector'\?"):
        parse_role("detectr")


@pytest.mark.parametrize("role", ["detector", "matcher", "depth", "answerer", "language"])
def test_every_role_can_be_served(role):
    assert backends_for(role)


def test_a_missing_library_names_the_install_command(monkeypatch):
    module = types.ModuleType("fake_backend")
    monkeypatch.setitem(sys.modules, "fake_backend", module)
    entry = BackendEntry("viper_no_such_library.x:load", "onnx", "viper_no_such_library")
    monkeypatch.setattr(registry, "_BUILT_IN", {("detector", "onnx"): entry})
    with pytest.raises(MissingExtraError, match=r"pip install 'viper-vision\[onnx\]'"):
        open_backend(BackendRef("detector", "onnx", "x.onnx"))


def test_modules_of_backends_are_imported_one_at_a_time(monkeypatch):
    """Libraries that import their parts lazily break when two threads do so."""
    inside, most = [], []
    real = importlib.import_module

    def slow(name):
        if not name.startswith("fake_backend"):
            return real(name)
        inside.append(name)
        most.append(len(inside))
        time.sleep(0.05)
        inside.remove(name)
        return types.SimpleNamespace(load=lambda reference, options: name)

    monkeypatch.setattr(importlib, "import_module", slow)
    roles = ("detector", "matcher", "depth")
    entries = {(role, "fake"): BackendEntry(f"fake_backend_{role}:load") for role in roles}
    monkeypatch.setattr(registry, "_BUILT_IN", entries)
    with ThreadPoolExecutor(3) as threads:
        opened = threads.map(open_backend, [BackendRef(role, "fake", "") for role in roles])
        assert list(opened) == [f"fake_backend_{role}" for role in roles]
    assert most == [1, 1, 1]


COLD_START = """
import sys
from viper import Engine

folder = sys.argv[1]
with Engine(
    "none",
    generator="grammar",
    backends={
        "matcher": f"transformers:{folder}/clip?device=cpu",
        "depth": f"transformers:{folder}/dpt?device=cpu",
    },
) as engine:
    engine.preload()
    print(sorted(engine.fingerprints()))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_roles_of_transformers_load_at_once_in_a_new_process(tmp_path):
    pytest.importorskip("transformers")
    from fakes import tiny_models

    tiny_models.clip(tmp_path / "clip")
    tiny_models.dpt(tmp_path / "dpt")
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", COLD_START, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stdout) == (0, "['depth', 'matcher']\n"), done.stderr


def test_every_factory_exists():
    for role in ("detector", "matcher", "depth", "answerer", "language"):
        for name, entry in backends_for(role).items():
            module, _, function = entry.factory.partition(":")
            if not entry.is_installed:
                continue
            assert callable(getattr(importlib.import_module(module), function)), (role, name)
