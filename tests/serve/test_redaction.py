"""Clients see no paths, addresses or options of models."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.asgi import call, form
from fakes.serving import PNG
from fakes.watched_files import watching
from viper.errors import ConfigError, ModelError
from viper.images.values import to_json_value
from viper.programs.program import Failure
from viper.serve.redaction import redact_message, redact_reference, redacted_step, redacted_trace
from viper.trace import AttemptStep, CallStep, ProgramStep
from viper.trace.read import trace_of

FOLDER = Path(__file__).parents[1] / "replay" / "recorded_0_1"


def recorded(name="containers"):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("builtin", "builtin"),
        ("grammar", "grammar"),
        ("owl:google/owlv2-base-patch16", "owl:google/owlv2-base-patch16"),
        ("onnx:/home/me/models/yolox.onnx", "onnx:yolox.onnx"),
        ("onnx:~/yolox.onnx?device=cpu", "onnx:yolox.onnx"),
        ("onnx:../yolox.onnx", "onnx:yolox.onnx"),
        ("openai:gpt-5-mini?base_url=http://10.0.0.7/v1&input_usd=3", "openai:gpt-5-mini"),
        ("auto:openai:gpt-5-mini", "auto:openai:gpt-5-mini"),
        ("local:/data/models/writer", "local:writer"),
        ("auto:local:/data/models/writer", "auto:local:writer"),
        ("truth:C:\\\\data\\\\scenes.json", "truth:scenes.json"),
    ],
)
def test_references_lose_folders_and_options(reference, shown):
    assert redact_reference(reference) == shown


def test_a_relative_file_that_exists_loses_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.onnx").touch()
    redact_reference.cache_clear()
    assert redact_reference("onnx:models/a.onnx") == "onnx:a.onnx"
    redact_reference.cache_clear()


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("There is no file '/home/me/a.onnx'.", "There is no file '…/a.onnx'."),
        ("No answer from http://10.0.0.7:8000/v1: refused", "No answer from (address withheld) refused"),
        ("~/models/a.onnx is damaged", "…/a.onnx is damaged"),
        ("a cat and/or a dog, 3/4 of them", "a cat and/or a dog, 3/4 of them"),
        ("The detector 'google/owlv2' knows 80 classes.", "The detector 'google/owlv2' knows 80 classes."),
    ],
)  # fmt: skip
def test_messages_lose_paths_and_addresses(message, shown):
    assert redact_message(message) == shown


@pytest.mark.parametrize(
    "text",
    ["a." * 490_000, "a:" * 490_000, "1://" * 250_000, "-" * 1_000_000, "/a" * 500_000, "~/" * 500_000],
    ids=["dots", "colons", "schemes", "dashes", "folders", "home"],
)  # fmt: skip
def test_a_message_of_a_megabyte_is_redacted_in_linear_time(text):
    started_s = time.process_time()
    redact_message(text)
    redact_reference(f"x{text}")
    assert time.process_time() - started_s < 5  # a quadratic pattern takes minutes


@pytest.mark.parametrize(
    "text",
    ["see...http://10.0.0.7/v1", "-svn+ssh://host/x", "1http://host", "_http://host", "a.b.c://host", "(x://y)z://"],
)  # fmt: skip
def test_an_address_is_found_whatever_stands_before_it(text):
    assert "//" not in redact_message(text).replace("z://", "")


def test_only_messages_of_the_host_are_changed():
    own = {"kind": "runtime", "line": 1, "message": "ValueError: /a/b"}
    hosts = {"kind": "model", "line": None, "message": "/a/b is gone"}
    trace = trace_of(recorded())
    turn = replace(
        trace.turns[0], failure=Failure(**hosts), returned="/x/y", generator="local:/m/w"
    )
    made = redacted_trace(replace(trace, failure=Failure(**own), turns=(turn,))).to_json()
    assert made["failure"] == own
    shown = {key: made["turns"][0][key] for key in ("failure", "returned", "generator")}
    assert shown == {
        "failure": {"kind": "model", "line": None, "message": "…"},
        "returned": "/x/y",
        "generator": "local:w",
    }


def test_the_failure_of_a_model_reveals_no_path(make, fake_engine):
    class Broken:
        fingerprint = "broken"
        vocabulary = None

        def detect(self, requests):
            raise ModelError("/home/me/weights.bin is damaged; ask http://10.0.0.7/")

    app, _ = make(fake_engine(detector=Broken()))
    sent = form({"question": "How many cups are there?", "trace": "true"}, file=PNG)
    reply = call(app, "POST", "/v1/ask", **sent)
    assert (reply.status, reply.json()["failure"]["kind"]) == (200, "model")
    assert "/home" not in reply.body.decode()
    assert "10.0.0.7" not in reply.body.decode()
    assert "weights.bin is damaged" in reply.json()["failure"]["message"]


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("budget", 503, "The server's budget for language models is spent."),
        ("config", 503, "The server cannot load a model or generator; its log says why."),
        ("input", 422, "…"),
        ("timeout", 200, None),
        ("sandbox", 200, None),
    ],
)
def test_failures_of_the_server_are_statuses(make, held, engine, kind, status, said, caplog):
    import dataclasses

    app, _ = make(held)

    class Failing:
        def __getattr__(self, name):
            return getattr(engine, name)

        async def arun(self, query, **options):
            answer = await engine.arun(query)
            failure = Failure(kind, "/home/a is wrong")
            trace = dataclasses.replace(answer.trace, failure=failure, answer=None)
            return dataclasses.replace(answer, failure=failure, trace=trace)

    app, _ = make(Failing())
    sent = form({"question": "How many cups are there?"}, file=PNG)
    reply = call(app, "POST", "/v1/ask", **sent)
    assert reply.status == status
    if said is None:
        assert reply.json()["failure"]["message"] == "…"
    else:
        assert (reply.error["kind"], reply.error["message"]) == (kind, said)


def test_a_model_that_cannot_be_loaded_is_the_servers_business(make, monkeypatch, caplog):
    from viper import Engine

    def opener(ref):
        raise ConfigError("/home/me/weights.bin is missing")

    with Engine("builtin", opener=opener) as engine:
        app, _ = make(engine)
        sent = form({"question": "How many cups are there?"}, file=PNG)
        reply = call(app, "POST", "/v1/ask", **sent)
    assert (reply.status, reply.error["kind"]) == (503, "config")
    assert "/home/me/weights.bin is missing" in caplog.text


SECRET = "etc/of-the-server"

LOOKALIKES = {
    "a model": {"model": SECRET},
    "models": {"models": {"detector": SECRET, "matcher": f"onnx:{SECRET}"}},
    "a generator": {"generator": f"local:{SECRET}", "source": "", "calls": []},
    "a call": {"method": "ImagePatch.find", "model": f"auto:local:{SECRET}", "error": None},
    "a failure": {"kind": "model", "line": 1, "message": f"/{SECRET} is gone"},
    "deep inside": [({"a": [{"model": SECRET}]},), {"b": {"generator": SECRET}}],
    "a tagged dict": {"type": "dict", "items": [["model", SECRET]]},
    "a patch": {"type": "patch", "image": 0, "box_xyxy": [1, 2], "model": SECRET},
}


@pytest.fixture
def looked_up():
    """Files of the attack that were looked for on disk."""
    redact_reference.cache_clear()
    with watching(SECRET.rpartition("/")[2]) as seen:
        yield seen
    redact_reference.cache_clear()


@pytest.mark.parametrize("name", LOOKALIKES)
@pytest.mark.parametrize("stream", [False, True], ids=["answer", "steps"])
def test_what_a_program_says_is_never_looked_up_on_disk(make, fake_engine, looked_up, name, stream):
    app, _ = make(fake_engine())
    program = f"def execute_command(image):\n    return [{LOOKALIKES[name]!r}]\n"
    fields = {"program": program, "trace": "true", **({"stream": "true"} if stream else {})}
    reply = call(app, "POST", "/v1/run", **form(fields, file=PNG))
    body = dict(reply.events())["answer"] if stream else reply.json()
    assert looked_up == []
    # It comes back as it was, whatever it looks like: no part of it was taken for the host's.
    returned = trace_of(body["trace"]).answering.returned
    assert returned == to_json_value([LOOKALIKES[name]])


def naive(value):
    """Redact whatever looks like a part of a trace, wherever it stands."""
    if isinstance(value, tuple | list):
        match value:
            case ["model" | "generator" as key, str(reference)]:
                return [key, redact_reference(reference)]
        return [naive(part) for part in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, part in value.items():
        if key in ("model", "generator") and isinstance(part, str):
            made[key] = redact_reference(part)
        elif key == "models":
            made[key] = {role: redact_reference(reference) for role, reference in part.items()}
        elif key == "message":
            made[key] = redact_message(part)
        else:
            made[key] = naive(part)
    return made


@pytest.mark.parametrize("name", LOOKALIKES)
def test_control_a_walk_that_redacts_what_looks_like_a_trace_is_noticed(looked_up, name):
    made = naive(LOOKALIKES[name])
    if name == "a failure":  # a message is changed, and nothing looked for
        assert made != LOOKALIKES[name]
    else:
        assert looked_up


def test_a_reference_of_the_host_is_looked_up(looked_up):
    trace = trace_of(recorded())
    call_ = replace(trace.calls[0], model=f"onnx:{SECRET}")
    turn = replace(trace.turns[0], calls=(call_,), generator=f"auto:local:{SECRET}")
    made = redacted_trace(replace(trace, turns=(turn,), models={"detector": SECRET}))
    assert len(looked_up) > 2
    assert made.models == {"detector": SECRET}  # of a hub: there is no such file


def test_a_prompt_loses_places_and_a_reply_stays_as_a_program_does():
    trace = trace_of(recorded())
    prompt = (
        "--- user\nHow many?\n\n--- user\nThis program failed: Load model from /srv/acme/x failed"
    )
    turn = replace(trace.turns[0], prompt=prompt, reply="# /a/b\nreturn 1")
    made = redacted_trace(replace(trace, turns=(turn,))).turns[0]
    assert made.prompt == prompt.partition("/srv")[0] + "…"
    assert made.reply == turn.reply
    long = replace(trace.turns[0], prompt="word " * 7_000)
    assert redacted_trace(replace(trace, turns=(long,))).turns[0].prompt == long.prompt


def test_reasons_of_doubts_are_messages_of_the_host_and_conditions_are_not():
    from viper.programs.program import Doubt

    doubts = (Doubt("on /srv/x", "'/srv/x' is unknown to /srv/y z"),)
    trace = trace_of(recorded())
    call_ = replace(trace.calls[0], doubts=doubts)
    turn = replace(trace.turns[0], doubts=doubts, calls=(call_,))
    made = redacted_trace(replace(trace, doubts=doubts, turns=(turn,)))
    expected = (Doubt("on /srv/x", "'…' is unknown to …"),)
    assert made.doubts == made.turns[0].doubts == made.turns[0].calls[0].doubts == expected


@pytest.mark.parametrize("step", ["program", "call", "attempt"])
def test_steps_are_redacted_in_the_fields_of_the_host(step):
    trace = trace_of(recorded())
    call_ = replace(trace.calls[0], model="onnx:/a/b.onnx", result="/a/b")
    turn = replace(trace.turns[0], calls=(call_,), generator="local:/m/w", printed="/a/b")
    steps = {
        "program": ProgramStep(0, "local:/m/w", "'/a/b'"),
        "call": CallStep(0, call_),
        "attempt": AttemptStep(0, turn),
    }
    text = json.dumps(redacted_step(steps[step]).to_json())
    assert "/a/b.onnx" not in text
    assert "/m/w" not in text
    assert "/a/b" in text
