"""Runs that Viper 0.1 recorded, and the files that it left, are read today and mean what they meant.

`recorded_0_1/` holds traces of every kind of run, two caches, a memo and two files of settings, all written
by 0.1. What is expected stands in the old files themselves, read here as plain JSON and TOML, so that a newer
format may say more, but nothing else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fakes import runs
from fakes.generators import ScriptedGenerator
from viper import Engine
from viper.cli import cli
from viper.engine.options import OLD_NAMES
from viper.replay import replay
from viper.replay.again import ALWAYS_FROM_RECORD, FROM_0_1
from viper.trace.read import read_trace
from viper_sandbox import Limits

FOLDER = Path(__file__).parent / "recorded_0_1"
PLUGIN = Path(__file__).parents[1] / "sample_plugin" / "src"
EXAMPLES = Path(__file__).parents[2] / "examples"

RUNS = sorted(path.stem for path in FOLDER.glob("*.json"))
LIMITS = {"failed_limit_calls": Limits(calls=5)}
"""Limits other than the usual that a run was made with."""

OTHERWISE = {
    "failed_import": ["turns[0].failure.message", "turns[0].findings[0].message", "failure.message"],
    "geometry": ["turns[0].printed"],
    "llm_repaired": [
        "turns[0].failure.line", "turns[0].failure.message", "turns[0].findings[0]",
    ],
}  # fmt: skip
"""Runs of programs that 0.1 would run otherwise, and what a replay says of them: messages say what to write
instead of an import, an import that is never used is dropped, and whole coordinates are whole numbers."""

UNREPEATABLE = {"timeout", "memory", "generator", "budget", "input", "config", "cancelled"}
"""Kinds of failures that a replay may take from the record."""

KINDS = {
    "syntax", "policy", "check", "runtime", "timeout", "memory", "limit", "model", "generator",
    "input", "config", "budget", "cancelled",
}  # fmt: skip


@pytest.fixture
def signs(monkeypatch, tmp_path):
    """The sample plugin, as if it were installed."""
    metadata = tmp_path / "street_signs-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: street-signs\nVersion: 1.2\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(
        "[viper.modules]\nsigns = street_signs.module:MODULE\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("VIPER_PLUGINS", "street-signs")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "street_signs"]:
        del sys.modules[name]


# -- what a file says, and what came of it


def recorded(name):
    """Return the JSON value of an old file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def said(value):
    """Return what an old file says of its run: all but times, costs and versions."""
    return {
        **{key: value[key] for key in ("question", "task", "choices", "models", "generator")},
        **{key: value[key] for key in ("answer", "patches", "failure", "unverified", "votes")},
        "image": value["image"],
        "chosen": value["chosen"],
        "programs": [
            {
                **{
                    key: attempt[key] for key in ("generator", "memo", "notes", "source", "printed")
                },
                **{key: attempt[key] for key in ("failure", "findings", "call_sites")},
                **{key: attempt[key] for key in ("returned", "unverified")},
                "calls": [
                    {
                        **{key: call[key] for key in ("line", "method", "role", "model")},
                        **{key: call[key] for key in ("box_xyxy", "arguments", "result")},
                        **{key: call[key] for key in ("score", "failure", "notes", "cached")},
                    }
                    for call in attempt["calls"]
                ],
            }
            for attempt in value["attempts"]
        ],
    }


def told(answer):
    """Return the same of an answer, by its public values."""
    trace, summary = answer.trace, answer.to_json()
    image = trace.image
    return plain(
        {
            "question": trace.question,
            "task": trace.task,
            "choices": trace.choices,
            "models": trace.models,
            "generator": trace.generator,
            "answer": answer.text,
            "patches": summary["patches"],
            "failure": failure(answer.failure),
            "unverified": answer.unverified,
            "votes": summary["votes"],
            "image": {
                "name": image.name,
                "content_hash": image.content_hash,
                "width": image.width,
                "height": image.height,
            },
            "chosen": trace.chosen if trace.attempts else None,
            "programs": [program(attempt) for attempt in trace.attempts],
        }
    )


def program(attempt):
    return {
        "generator": attempt.generator,
        "memo": attempt.from_program_cache,
        "notes": attempt.notes,
        "source": attempt.source,
        "printed": attempt.printed,
        "failure": failure(attempt.failure),
        "findings": [failure(finding) for finding in attempt.findings],
        "call_sites": [
            {"line": s.line, "method": s.method, "literals": s.literals, "repeats": s.repeats}
            for s in attempt.call_sites
        ],
        "returned": attempt.returned,
        "unverified": attempt.unverified,
        "calls": [
            {
                "line": call.line,
                "method": call.method,
                "role": call.role,
                "model": call.model,
                "box_xyxy": call.box_xyxy,
                "arguments": call.arguments,
                "result": call.result,
                "score": None if call.score is None else round(call.score, 4),
                "failure": None
                if call.failure is None
                else {"kind": call.failure_kind, "message": call.failure},
                "notes": call.notes,
                "cached": call.cached,
            }
            for call in attempt.calls
        ],
    }


def failure(value):
    """Return a failure or finding as its object."""
    return value and {"kind": value.kind, "line": value.line, "message": value.message}


def plain(value):
    """Return a value as it would come from a JSON file of 0.1."""
    return in_old_words(json.loads(json.dumps(value)))


def in_old_words(value):
    """Return what a run says with the keys of 0.1, less what 0.1 did not say of patches and objects."""
    match value:
        case {"type": "patch", "image": 0, **rest}:
            rest.pop("evidence", None)
            return rest
        case {"type": "object", "class": kind, "attributes": attributes, "id": token}:
            return {"handle": kind, "attributes": attributes, "object": token}
        case {"type": "dict", "items": items}:
            return {key: in_old_words(item) for key, item in items}
        case dict():
            return {key: in_old_words(item) for key, item in value.items()}
        case list():
            return [in_old_words(item) for item in value]
        case _:
            return value


def as_version_2(value):
    """Return a trace with the keys of 0.1; it may have more."""
    value = in_old_words(value)
    for turn in value["turns"]:
        turn["memo"] = turn["from_program_cache"]
        for call in turn["calls"]:
            call |= {"failure": call["error"], "ahead": call["prefetched"]}
    means = {role: round(n / value["forwards"][role], 2) for role, n in value["requests"].items()}
    value |= {"attempts": value["turns"], "lookahead": value["prefetch"], "mean_batch": means}
    (value["image"],) = value["images"]
    if "embedded" in value:
        images = value["embedded"]["images"]
        value["embedded"] |= {"picture": images[0]} if images else {}
    return value


def lost(old, new, path="run"):
    """Yield where a new value lacks what an old one has; it may have more keys."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old:
            if key in new:
                yield from lost(old[key], new[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from lost(first, second, f"{path}[{number}]")
    elif (old, type(old)) != (new, type(new)):
        yield path


def repeated(name):
    return replay(read_trace(FOLDER / f"{name}.json"), limits=LIMITS.get(name))


# -- runs


def test_every_kind_of_failure_and_of_run_is_among_the_records():
    values = list(map(recorded, RUNS))
    failures = [value["failure"] for value in values]
    failures += [attempt["failure"] for value in values for attempt in value["attempts"]]
    assert {found["kind"] for found in failures if found} == KINDS
    calls = [c for value in values for attempt in value["attempts"] for c in attempt["calls"]]
    assert {call["method"].rpartition(".")[2] for call in calls} >= {
        "find", "exists", "verify_property", "best_text_match", "best_image_match", "simple_query",
        "compute_depth", "llm_query", "process_guesses", "read_text", "bright_mask", "mask_overlap",
    }  # fmt: skip
    assert any(call["ahead"] for call in calls)
    assert any(call["cached"] for call in calls)
    assert any(attempt["memo"] for value in values for attempt in value["attempts"])
    assert {value["version"] for value in values} == {2}
    assert {value["viper"] for value in values} == {"0.1.0"}


@pytest.mark.parametrize("name", [name for name in RUNS if name not in OTHERWISE])
def test_a_run_of_0_1_comes_out_again_as_it_was(name, request):
    if name.startswith(("module", "failed_module")):
        request.getfixturevalue("signs")
    value = recorded(name)
    replayed = repeated(name)
    assert told(replayed.answer) == said(value)
    assert [str(difference) for difference in replayed.differences] == []
    may_be_taken = {(a["failure"] or {}).get("kind") for a in value["attempts"]}
    may_be_taken.add((value["failure"] or {}).get("kind"))
    *copied, always = replayed.from_record
    copied = [sentence for sentence in copied if sentence != FROM_0_1]
    assert always == ALWAYS_FROM_RECORD
    assert (
        not copied or may_be_taken & UNREPEATABLE or any("order in which" in why for why in copied)
    )
    again = replayed.answer.trace.to_json()
    kept = {key: item for key, item in value.items() if key not in ("version", "embedded")}
    assert list(lost(kept, as_version_2(json.loads(json.dumps(again))))) == []


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_program_that_means_something_else_by_now_differs_in_that_alone(name):
    replayed = repeated(name)
    assert [difference.path for difference in replayed.differences] == OTHERWISE[name]
    assert replayed.answer.text == recorded(name)["answer"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("containers", lambda value: value["attempts"][0]["calls"][0]["result"].pop()),
        ("printed", lambda value: value["attempts"][0].update(printed="b 2\n")),
        ("votes_scripted", lambda value: value["votes"].update(answers={"8": 3, "3": 1})),
        ("builtin_grounding", lambda value: value["patches"][0].update(score=0.1)),
        ("failed_runtime", lambda value: value["attempts"][0]["failure"].update(line=1)),
    ],
)
def test_a_record_that_does_not_happen_again_is_noticed(tmp_path, name, change):
    value = recorded(name)
    change(value)
    (tmp_path / "run.json").write_text(json.dumps(value), encoding="utf-8")
    replayed = replay(read_trace(tmp_path / "run.json"))
    assert told(replayed.answer) != said(value)
    assert not replayed.identical


@pytest.mark.parametrize(
    "name", ["builtin_color_with_crops", "builtin_with_picture", "llm_priced", "unicode"]
)
def test_the_command_line_replays_a_run_of_0_1_and_hands_its_pictures_on(tmp_path, name):
    value, again = recorded(name), tmp_path / "again.json"
    result = CliRunner().invoke(
        cli, ["replay", str(FOLDER / f"{name}.json"), "--json", "--trace", str(again)]
    )
    assert result.exit_code == 0, result.output
    told_by_json = json.loads(result.stdout)
    assert (told_by_json["identical"], told_by_json["answer"]) == (True, value["answer"])
    del value["version"]
    written = as_version_2(json.loads(again.read_text(encoding="utf-8")))
    assert list(lost(value, written)) == []


def test_no_model_is_loaded_to_run_the_built_in_models_answers_again():
    code = """
import sys
from viper.replay import replay
from viper.trace.read import read_trace
assert all(replay(read_trace(path)).identical for path in sys.argv[1:])
print([name for name in ("torch", "transformers", "onnxruntime", "openai") if name in sys.modules])
"""
    paths = [str(FOLDER / f"{name}.json") for name in ("builtin_counting", "onnx_narrower_word")]
    paths += [str(FOLDER / f"{name}.json") for name in ("llm_votes", "services_answer")]
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


# -- what outlives a process


class Unasked:
    """A model that is known by its name and fails the test when it is asked for anything."""

    def __init__(self, fingerprint, **more):
        self.fingerprint = fingerprint
        self.__dict__.update(more)

    def __getattr__(self, name):
        if name in ("detect", "estimate", "answer", "complete"):
            return self._refuse
        raise AttributeError(name)

    def _refuse(self, requests):
        raise AssertionError(f"{self.fingerprint} is asked for {requests}")


BLACK = np.zeros((80, 100, 3), dtype=np.uint8)


def models_of_the_cache():
    return {
        "detector": Unasked("fake-detector", vocabulary=None),
        "depth": Unasked("fake-depth"),
        "answerer": Unasked("fake-answerer"),
    }


def test_what_models_computed_for_0_1_is_taken_from_its_cache(fake_engine, tmp_path):
    shutil.copytree(FOLDER / "cache", tmp_path / "cache")
    engine = fake_engine(options={"cache": tmp_path / "cache"}, **models_of_the_cache())
    answer = engine.run_program(recorded("cache_hit")["attempts"][0]["source"], BLACK)
    then = recorded("cache_hit")
    assert answer.text == then["answer"]
    assert plain([call.result for call in answer.trace.calls]) == [
        call["result"] for call in then["attempts"][0]["calls"]
    ]
    assert all(call.cached and call.forwards == 0 for call in answer.trace.calls)


def test_without_the_cache_the_same_models_are_asked(fake_engine, tmp_path):
    engine = fake_engine(options={"cache": tmp_path / "empty"}, **models_of_the_cache())
    answer = engine.run_program(recorded("cache_hit")["attempts"][0]["source"], BLACK)
    assert answer.failure.kind == "model"
    assert "fake-detector is asked for" in answer.failure.message


def test_what_the_built_in_models_computed_for_0_1_is_taken_from_its_cache(tmp_path):
    shutil.copytree(FOLDER / "cache_builtin", tmp_path / "cache")
    with Engine("builtin", cache=tmp_path / "cache") as engine:
        answer = engine.ask(EXAMPLES / "shapes.png", "What color is the large cube?")
    assert answer.text == "purple"
    assert {call.method for call in answer.trace.calls if not call.cached} == set()
    assert answer.trace.forwards == {}


def test_a_program_that_0_1_remembered_is_written_anew(fake_engine, tmp_path):
    """It was written for an API in which a program could not say what it did not find."""
    memo = tmp_path / "memo.sqlite"
    shutil.copy(FOLDER / "memo.sqlite", memo)
    then = recorded("memo_hit")
    generator = ScriptedGenerator([then["attempts"][0]["source"]])
    others = {role: Unasked(f"fake-{role}") for role in ("depth", "answerer", "language")}
    engine = fake_engine(generator, options={"memo": memo}, **runs.fakes(), **others)
    for is_known in (False, True):  # the file of 0.1 is used for what is written now
        answer = engine.ask(BLACK, "How many dogs are there?")
        assert (answer.text, answer.program) == (then["answer"], then["attempts"][0]["source"])
        assert answer.trace.attempts[0].from_program_cache is is_known
    assert len(generator.requests) == 1


def test_the_memo_of_0_1_is_listed(monkeypatch, tmp_path):
    shutil.copy(FOLDER / "memo.sqlite", tmp_path)
    monkeypatch.setenv("VIPER_MEMO", str(tmp_path / "memo.sqlite"))
    (entry,) = json.loads(CliRunner().invoke(cli, ["memo", "list", "--json"]).stdout)["entries"]
    assert entry["skeleton"] == "how many ‹noun plural› are there"
    assert (entry["generator"], entry["uses"]) == ("scripted", 1)


# -- settings


def settings_of(file):
    """Yield dotted name and value of each setting of a file."""
    for key, value in tomllib.loads(file.read_text(encoding="utf-8")).items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", item) for name, item in value.items())
        else:
            yield key, value


@pytest.mark.parametrize("file", ["viper.toml", "named.toml"])
def test_settings_of_0_1_count_as_they_did(monkeypatch, tmp_path, file):
    shutil.copy(FOLDER / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIPER_MEMO")
    monkeypatch.setenv("VIPER_CONFIG", file)
    result = CliRunner().invoke(cli, ["config", "show", "--json"])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)["settings"]
    then = dict(settings_of(FOLDER / file))
    assert {name: shown[name]["value"] for name in then} == then
    assert {shown[name]["origin"]["kind"] for name in then} == {"file"}
    renamed = {OLD_NAMES[name] for name in then if name in OLD_NAMES}
    others = {name: row for name, row in shown.items() if name not in {*then, *renamed}}
    assert {row["origin"]["kind"] for row in others.values()} <= {"default"}


@pytest.mark.parametrize("file", ["viper.toml", "named.toml"])
def test_what_only_a_named_file_may_say_is_refused_in_a_found_one(monkeypatch, tmp_path, file):
    """0.1 let a file that it found name model files and cache folders; `viper.toml` here has both."""
    shutil.copy(FOLDER / file, tmp_path / "viper.toml")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["config", "show", "--json"])
    assert result.exit_code == 1
    assert "VIPER_CONFIG" in result.stderr
