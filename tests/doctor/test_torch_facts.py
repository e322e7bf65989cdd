"""Torch is asked in a process of its own: its facts come back, and it can neither hang nor crash us."""

from __future__ import annotations

import json
import time

import pytest

from viper.doctor.torch_facts import Device, TorchFacts, TorchProbe


@pytest.fixture
def script(tmp_path):
    """Returns a question to a script of this text."""

    def ask(text, timeout_s=30.0):
        path = tmp_path / "probe.py"
        path.write_text(text)
        return TorchProbe(path, timeout_s)

    return ask


def test_facts_come_back_as_they_were_printed(script):
    device = {"name": "cuda:0 GPU", "total_bytes": 100, "free_bytes": 60}
    facts = {"version": "2.11.0", "build": "CUDA 12.8", "devices": [device], "error": ""}
    reported = script(f"print({json.dumps(facts)!r})").wait()
    assert reported == TorchFacts("2.11.0", "CUDA 12.8", (Device("cuda:0 GPU", 100, 60),))


def test_a_process_that_hangs_is_ended(script):
    started = time.monotonic()
    question = script("import time; time.sleep(60)", timeout_s=0.3)
    assert question.wait().error == "the probe process did not reply within 0.3 s"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("import os; os._exit(3)", "the probe process exited with status 3"),
        ("print('hello')", "the probe process sent an invalid reply: "),
        ("print('{}')", "the probe process sent an invalid reply: 'devices'"),
    ],
    ids=["crash", "no JSON", "other JSON"],
)
def test_what_goes_wrong_is_reported(script, text, trouble):
    facts = script(text).wait()
    assert facts.version is None
    assert facts.error.startswith(trouble)


def test_an_interpreter_that_cannot_start_is_reported(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    question = TorchProbe()
    question.cancel()
    assert question.wait().error.startswith("the probe process could not be started: ")


def test_no_secret_reaches_the_process(script, monkeypatch):
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "MY_PASSWORD"):
        monkeypatch.setenv(name, "hunter2")
    facts = {"version": "1", "build": "", "devices": []}
    code = (
        "import json, os\n"
        "secret = [n for n, v in os.environ.items() if v == 'hunter2']\n"
        f"print(json.dumps({facts!r} | {{'error': repr(secret)}}))"
    )
    assert script(code).wait().error == "[]"


def test_a_file_in_the_working_directory_is_not_imported(script, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    (here / "not_torch.py").write_text("print('{}')")
    monkeypatch.chdir(here)
    assert script("import not_torch").wait().error == "the probe process exited with status 1"
