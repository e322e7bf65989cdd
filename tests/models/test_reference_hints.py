"""What to write for a file without its backend, and for a backend without its role."""

from __future__ import annotations

import pytest

from viper.models.reference_hints import either, with_backend, with_role

BACKENDS = {
    "detector": ("onnx", "transformers", "truth", "ultralytics"),
    "matcher": ("colors", "open_clip", "transformers", "truth"),
    "answerer": ("limber", "openai", "transformers"),
    "language": ("openai",),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()


@pytest.mark.parametrize(
    ("role", "text", "forms"),
    [
        ("detector", "yolox_nano.onnx", ["detector=onnx:yolox_nano.onnx"]),
        ("detector", "Yolo.ONNX?device=cpu", ["detector=onnx:Yolo.ONNX?device=cpu"]),
        ("detector", "~/a.onnx", ["detector=onnx:~/a.onnx"]),
        ("detector", "~nobody-of-this-name/a.onnx", ["detector=onnx:~nobody-of-this-name/a.onnx"]),
        ("detector", "weights/yolo11n.pt", ["detector=ultralytics:weights/yolo11n.pt"]),
        ("detector", "scenes.json", ["detector=truth:scenes.json"]),
        ("detector", "google/owlv2", ["detector=transformers:google/owlv2"]),
        ("detector", "onnx=a.onnx", ["detector=onnx:a.onnx"]),
        # Another role reads such a file.
        ("matcher", "yolox_nano.onnx", ["detector=onnx:yolox_nano.onnx"]),
        # Perhaps a name that is misspelled: near names help more.
        ("detector", "onxn:x.onnx", []),
        ("detector", "owl", []),
        ("language", "qwen/qwen3", []),
        ("detector", "", []),
        ("detector", "\0.onnx", ["detector=onnx:\0.onnx"]),
        ("detector", "a" * 10_000, []),
    ],
)
def test_a_file_or_model_without_a_backend_is_completed(role, text, forms):
    assert list(with_backend(role, text, BACKENDS)) == forms


@pytest.mark.parametrize(
    ("files", "role", "forms"),
    [
        (["config.json"], "detector", ["detector=transformers:m"]),
        (["open_clip_config.json"], "matcher", ["matcher=open_clip:m"]),
        (
            ["config.json", "open_clip_config.json"],
            "matcher",
            ["matcher=open_clip:m", "matcher=transformers:m"],
        ),
        (["limber.json"], "answerer", ["answerer=limber:m"]),
        (["other.bin"], "detector", ["detector=NAME:m"]),
    ],
)
def test_a_folder_is_known_by_its_files(folder, files, role, forms):
    make(folder, *(f"m/{file}" for file in files))
    assert list(with_backend(role, "m", BACKENDS)) == forms


def test_a_file_of_an_unknown_kind_lacks_a_name(folder):
    assert with_backend("detector", "yolo.bin", BACKENDS) == ()
    make(folder, "yolo.bin", "C:x.onnx")
    assert with_backend("detector", "yolo.bin", BACKENDS) == ("detector=NAME:yolo.bin",)
    assert with_backend("detector", "C:x.onnx", BACKENDS) == ("detector=onnx:C:x.onnx",)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("onnx:yolox_nano.onnx", ["detector=onnx:yolox_nano.onnx"]),
        ("onnx:a.onnx?device=cpu", ["detector=onnx:a.onnx?device=cpu"]),
        ("yolox_nano.onnx", ["detector=onnx:yolox_nano.onnx"]),
        ("detector:onnx:a.onnx", ["detector=onnx:a.onnx"]),
        ("openai:m", ["answerer=openai:m", "language=openai:m"]),
        ("onnx:", []),
        ("foo", []),
        ("foo:bar", []),
        ("", []),
    ],
)
def test_a_backend_without_a_role_is_completed_for_each_role(text, forms):
    assert list(with_role(text, BACKENDS)) == forms


def test_forms_are_said_as_a_choice():
    assert (either(["a"]), either(["a", "b"]), either("abc")) == ("a", "a or b", "a, b or c")
