"""No name of a folder reaches a client, however it is spelled and wherever it stands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from fakes.asgi import as_json, call, form
from fakes.serving import PNG, RUN
from viper.engine.config import EngineConfig
from viper.errors import ConfigError, GenerationError, InputError, ModelError, TimeoutExceededError
from viper.models.registry import BackendRef
from viper.programs.program import CheckReport, Finding
from viper.serve import redaction
from viper.serve.host_places import NO_PLACES, HostPlaces, host_places
from viper.serve.redaction import redact_message

FOLDERS = {
    "blanks": "ACME Secret Dir",
    "commas": "ACME, Secret",
    "colons": "ACME: Secret",
    "semicolons": "ACME;Secret; x",
    "brackets": "ACME (Secret) [x] {y}",
    "an apostrophe": "ACME's Secret",
    "quotation marks": 'ACME "Secret"',
    "both": 'ACME\'s "Secret" `x`',
    "letters with accents": "ACMÉ Secret ünïcode",
    "a line break": "ACME\nSecret",
    "a tabulator": "ACME\tSecret",
    "a backslash": "ACME\\Secret",
    "percent signs": "ACME%20Secret%2F",
    "marks of an address": "ACME?Secret#x&y=z",
    "dots and dashes": "..ACME--Secret..",
    "a sentence": "ACME. No Secret, and no/other",
}
WAYS = {
    "bare": lambda path: f"{path} is damaged",
    "at the end": lambda path: f"There is no {path}",
    "in quotation marks": lambda path: f"There is no file '{path}'.",
    "as Python writes it": lambda path: f"There is no file {path!r}.",
    "in ASCII": lambda path: f"There is no file {path!a}.",
    "as JSON": lambda path: f"There is no file {json.dumps(path)}.",
    "as bytes": lambda path: f"There is no file {os.fsencode(path)!r}.",
    "as an address": lambda path: f"file://{path} and file://{quote(path)} are gone",
    "by onnxruntime": lambda path: (
        f"[ONNXRuntimeError] : 7 : Load model from {path} failed:Protobuf"
    ),
    "as an exception": lambda path: str(FileNotFoundError(2, "No such file", path)),
    "in brackets": lambda path: f"the detector ({path}), the matcher [{path}]",
    "as an option": lambda path: f"detector={path},matcher={path};x",
    "on several lines": lambda path: f"one:\n  {path}\n  {path}/config.json\nand/or two",
    "behind a word": lambda path: f"from{path}",
    "with more behind it": lambda path: f"{path}/part of/it.json, and {path}.lock are gone",
}

HIDDEN = "(address withheld)"


def leaks(text):
    return "Secret" in text or "ACM" in text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "start", ["/srv/models of us", "models of us"], ids=["absolute", "relative"]
)
def test_known_paths_are_hidden_however_they_are_written(way, start):
    for name in FOLDERS.values():
        path = f"{start}/{name}/deep/weights.onnx"
        places = HostPlaces([path])
        message = WAYS[way](path)
        shown = redact_message(message, places)
        assert not leaks(shown), shown
        assert "models of us" not in shown
        assert start.startswith("/") or "models of" in redact_message(message)  # the control
        if way in ("bare", "at the end", "by onnxruntime"):
            assert "weights.onnx" in shown


@pytest.mark.parametrize(
    "way", ["bare", "as Python writes it", "in ASCII", "as JSON", "by onnxruntime"]
)
@pytest.mark.parametrize("home", ["known", "unknown"])
def test_paths_that_nobody_told_of_are_hidden(way, home):
    places = HostPlaces(folders=["/home/jo doe"]) if home == "known" else NO_PLACES
    for name in FOLDERS.values():
        if "\n" not in name:  # a line may end with a path
            path = f"/home/jo doe/{name}/deep/weights.onnx"
            shown = redact_message(WAYS[way](path), places)
            assert not leaks(shown), shown
            assert "jo doe" not in shown
            assert "weights.onnx" in shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("/srv/ACME/a.onnx needs 3/4 of it, and/or more", "…/a.onnx needs 3/4 of it, and/or more"),
        ("nothing known: a cat and/or a dog, 3/4 of them", None),
        ("'cup' is no phrase; use 'red cup', 'cup' or 'dog/cat'", None),
        ("/srv/ACMEX is another folder", "…"),
        ("The temporary folder /srv/tmp is full", "The temporary folder … is full"),
        (r"C:\Users\Jo Doe\ACME\a.onnx is damaged", "…/a.onnx is damaged"),
        (r"'C:\\Users\\Jo Doe\\a.onnx' is damaged", "'…/a.onnx' is damaged"),
        (r"\\server\share\ACME\a.onnx is damaged", "…/a.onnx is damaged"),
        ("~/My Models/a.onnx and ~jo/My Models/b.onnx", "…/b.onnx"),
        ("no answer from 10.0.0.7:8000", "no answer from (address withheld)"),
        ("no answer from gpu-box:9000, GPU-BOX", f"no answer from {HIDDEN}, {HIDDEN}"),
        ("http://gpu-box:9000/v1/x refused", "(address withheld) refused"),
        ("version 1.2.3 of 2024.01.02 needs 1.2.3.4.5", None),
    ],
)  # fmt: skip
def test_the_rest_of_a_message_stays(message, shown):
    places = HostPlaces(["/srv/ACME/a.onnx"], ["/srv/tmp"], ["http://gpu-box:9000/v1"])
    assert redact_message(message, places) == (message if shown is None else shown)


def test_what_is_known_comes_from_the_settings_and_the_process(tmp_path, monkeypatch):
    folder = tmp_path / "real ACME"
    folder.mkdir()
    link = tmp_path / "link ACME"
    link.symlink_to(folder)
    config = EngineConfig(
        generator=f"auto:local:{tmp_path}/writer, ACME/w?cache={tmp_path}/kept ACME",
        backends={
            "detector": BackendRef(
                "detector", "onnx", f"{link}/a.onnx", (("map", "/m ACME/b.json"),)
            ),
            "llm": BackendRef("llm", "openai", "x", (("base_url", "http://secret-host:1/v1"),)),
            "matcher": BackendRef("matcher", "clip", "org/model"),
        },
        cache="relative ACME/results",
    )
    places = host_places(config, {"HOME": "/home/ACME", "ALL_PROXY": "http://u:p@proxy-host:3128"})
    for path in (
        f"{tmp_path}/writer, ACME/w",
        f"{tmp_path}/kept ACME",
        f"{link}/a.onnx",
        f"{folder}/a.onnx",
        "/m ACME/b.json",
        "relative ACME/results",
        f"{Path.cwd()}/relative ACME/results",
        "/home/ACME/x y/z",
    ):
        assert not leaks(redact_message(f"x{path} is gone", places).replace("kept ACME", "")), path
    shown = redact_message("secret-host, proxy-host:3128 and org/model of openai", places)
    assert shown == "(address withheld), (address withheld) and org/model of openai"
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert host_places(config).hide("org/model") == "org/model"  # the working folder is gone


PATH = "/srv/My Secret Dir/customer, ACME/deep/x.onnx"
ERRORS = {
    "model": ModelError,
    "config": ConfigError,
    "timeout": TimeoutExceededError,
    "generator": GenerationError,
    "input": InputError,
}
EXITS = {
    "an answer with a trace": {"trace": "true"},
    "a stream with a trace": {"stream": "true", "trace": "true"},
}


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
@pytest.mark.parametrize("exit_", EXITS)
@pytest.mark.parametrize("kind", ERRORS)
def test_no_exit_of_the_server_shows_a_folder(make, fake_engine, monkeypatch, kind, exit_, guarded):
    class Broken:
        fingerprint = "broken"
        vocabulary = None

        def detect(self, requests):
            raise ERRORS[kind](f"Load model from {PATH} failed:Protobuf; see 10.1.2.3:80")

    if not guarded:
        monkeypatch.setattr(redaction, "redact_message", lambda text, places=None: text)
        monkeypatch.setattr("viper.serve.service.redact_message", lambda text, places=None: text)
        monkeypatch.setattr(redaction, "WITHHELD", {})
        monkeypatch.setattr("viper.serve.service.WITHHELD", {"config": PATH})
    app, _ = make(fake_engine(detector=Broken()))
    reply = call(app, "POST", "/v1/run", **form({"program": RUN, **EXITS[exit_]}, file=PNG))
    body = reply.body.decode()
    assert leaks(body) == (not guarded)
    assert ("customer" in body) == (not guarded)


@pytest.mark.parametrize("kind", ["sandbox", "model", "config"])
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_the_report_of_a_check_shows_no_folder(make, engine, monkeypatch, kind, guarded):
    class Checking:
        def __getattr__(self, name):
            return getattr(engine, name)

        async def acheck(self, program):
            return CheckReport(program, (Finding(kind, None, f"no child: {PATH} is gone"),))

    if not guarded:
        monkeypatch.setattr(
            "viper.serve.service.redact_findings", lambda findings, places: findings
        )
    app, _ = make(Checking())
    reply = call(app, "POST", "/v1/check", **as_json({"program": "x"}))
    assert reply.status == 200
    assert leaks(reply.body.decode()) == (not guarded)


def test_notes_of_models_are_messages_of_the_host():
    from dataclasses import replace

    from viper.serve.redaction import redacted_trace
    from viper.trace.read import trace_of

    recorded = Path(__file__).parents[1] / "replay" / "recorded_0_1" / "containers.json"
    trace = trace_of(json.loads(recorded.read_text(encoding="utf-8")))
    call_ = replace(trace.calls[0], notes=(f"{PATH} is old",))
    turn = replace(trace.turns[0], notes=(f"{PATH} is slow",), calls=(call_,), printed=PATH)
    made = json.dumps(redacted_trace(replace(trace, turns=(turn,))).to_json())
    assert made.count("ACME") == 1  # what the program printed
    assert "…/x.onnx is slow" in json.loads(made)["turns"][0]["notes"]


def test_the_operator_reads_in_the_log_what_clients_do_not(make, fake_engine, caplog):
    class Broken(SimpleNamespace):
        def detect(self, requests):
            raise ConfigError(f"{PATH} is damaged")

    app, _ = make(fake_engine(detector=Broken(fingerprint="b", vocabulary=None)))
    call(app, "POST", "/v1/run", **form({"program": RUN, "stream": "true"}, file=PNG))
    assert f"{PATH} is damaged" in caplog.text
