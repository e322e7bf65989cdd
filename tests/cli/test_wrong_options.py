"""Exit status 2 for an option that is wrong, whichever backend finds out and when; 1 for what is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from viper.cli import cli

CALLS = {
    "detector": "image_patch.exists('cup')",
    "matcher": "image_patch.verify_property('cup', 'red')",
    "depth": "image_patch.compute_depth()",
    "answerer": "image_patch.simple_query('What is this?')",
}
MISSING_FILES = [
    "detector=onnx:no.onnx",
    "detector=ultralytics:no.pt",
    "detector=transformers:./no",
    "matcher=transformers:./no",
    "depth=transformers:./no",
    "answerer=transformers:./no",
    "matcher=open_clip:./no",
    "matcher=open_clip:ViT-B-32?pretrained=no.pt",
    "answerer=limber:no",
    *(f"{role}=truth:no.json" for role in CALLS),
    *(f"{role}=builtin:no" for role in CALLS),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with a picture, a file that is no model and a program for each role."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    Image.fromarray(np.full((40, 60, 3), 200, dtype=np.uint8)).save("a.png")
    (tmp_path / "text.onnx").write_text("no graph")
    for role, call in CALLS.items():
        (tmp_path / f"{role}.py").write_text(f"return {call}")
    return tmp_path


def viper(*arguments):
    result = CliRunner().invoke(cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run(backend):
    """Run the program that calls the role of a backend."""
    if "open_clip" in backend:
        pytest.importorskip("open_clip")
    if "ultralytics" in backend:
        pytest.importorskip("ultralytics")
    if any(name in backend for name in ("transformers", "limber")):
        pytest.importorskip("transformers")
    role = backend.partition("=")[0]
    return viper("run", f"{role}.py", "a.png", "--models", "none", "--backend", backend, "--json")


@pytest.mark.parametrize("backend", MISSING_FILES)
def test_a_file_that_is_not_there_is_a_wrong_option_of_every_backend(backend):
    result = run(backend)
    failure = json.loads(result.stdout)["failure"]
    assert (result.exit_code, failure["kind"]) == (2, "config")
    assert "no" in failure["message"]


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("detector=onnx:text.onnx", "cannot be read as an ONNX graph"),
        ("detector=onnx:text.onnx?sise=3", "Unknown option 'sise' of the onnx detector"),
        ("detector=text.onnx", "Write detector=onnx:text.onnx."),
        ("matcher=colors:x", "takes no reference"),
    ],
)
def test_what_a_backend_cannot_read_is_a_wrong_option(backend, message):
    result = run(backend)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("detector=transformers:me/no", "viper models pull me/no"),
        ("matcher=open_clip:hf-hub:me/no", "viper models pull me/no --library open_clip"),
        ("answerer=openai:m", "needs an API key"),
    ],
)
def test_what_is_missing_on_this_machine_is_no_wrong_option(backend, message):
    result = run(backend)
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_fault_of_the_program_is_no_wrong_option(folder):
    (folder / "wrong.py").write_text("image_patch.exists('cup')\nreturn 1 / 0")
    assert viper("run", "wrong.py", "a.png", "--models", "stub").exit_code == 1


def test_a_backend_without_its_name_or_role_is_told_what_to_write():
    for given in ("text.onnx", "onnx:text.onnx", "detector:onnx:text.onnx", "detector=text.onnx"):
        result = viper("ask", "a.png", "Is there a cup?", "--backend", given)
        assert result.exit_code == 2
        assert "Write detector=onnx:text.onnx." in result.stderr
    result = viper("ask", "a.png", "Is there a cup?", "--models", "text.onnx")
    assert result.exit_code == 2
    assert "--backend detector=onnx:text.onnx" in result.stderr


def test_settings_are_told_what_to_write(folder, monkeypatch):
    (folder / "mine.toml").write_text('[backends]\ndetector = "text.onnx"\n')
    ask = ("ask", "a.png", "Is there a cup?")
    monkeypatch.setenv("VIPER_CONFIG", "mine.toml")
    result = viper(*ask)
    assert (result.exit_code, "Write detector=onnx:text.onnx." in result.stderr) == (2, True)
    monkeypatch.delenv("VIPER_CONFIG")
    monkeypatch.setenv("VIPER_BACKENDS__DETECTOR", "text.onnx")
    result = viper(*ask)
    assert (result.exit_code, "Write detector=onnx:text.onnx." in result.stderr) == (2, True)
    monkeypatch.delenv("VIPER_BACKENDS__DETECTOR")
    (folder / "mine.toml").rename("viper.toml")
    assert "(--backend detector=onnx:text.onnx)" in viper(*ask).stderr


def test_every_verb_that_loads_models_ends_with_the_same_status(folder):
    backend = ("--backend", "detector=onnx:no.onnx")
    for arguments in (
        ("ask", "a.png", "Is there a cup?"),
        ("generate", "Is there a cup?"),
        ("serve", "--port", "0", "--preload"),
        ("bench", "jsonl", "--data", "questions.jsonl"),
    ):
        row = {"id": "1", "image": "a.png", "query": "Is there a cup?", "answer": "yes"}
        (folder / "questions.jsonl").write_text(json.dumps(row))
        result = viper(*arguments, *backend)
        assert (arguments[0], result.exit_code) == (arguments[0], 2)
        assert "There is no file 'no.onnx'" in result.stderr


@pytest.mark.parametrize("wrong", [("--models", "stubb"), ("--backend", "depth=deep:x")])
def test_a_changed_program_is_run_by_options_that_exist(wrong):
    assert viper("run", "depth.py", "a.png", "--models", "stub", "--trace", "a.json").exit_code == 0
    assert viper("replay", "a.json", "--edit", "depth.py", *wrong).exit_code == 2
