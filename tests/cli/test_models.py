"""`viper models`, and the way of a preset from the hub to an answer."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fakes import tiny_detectors, tiny_models
from fakes.hub_server import GATED, LISTING, Fault, sha256
from viper.cli import cli

TOKEN = "hf_plantedSecret0123456789"
WEIGHTS = bytes(range(256)) * 4000  # 1,024,000 bytes
FILES = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": WEIGHTS}
BUILDERS = {
    "detector": tiny_detectors.owlv2,
    "matcher": tiny_models.clip,
    "depth": tiny_models.depth_anything,
    "answerer": tiny_models.idefics3,
}


def viper(*arguments, stdin=None):
    result = CliRunner().invoke(cli, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def failed(result, status=1):
    """Check the form of a failure; return its line."""
    assert result.exit_code == status
    assert result.stdout == ""
    *_, line = result.stderr.splitlines()
    assert line.startswith("viper: ")
    return line


@pytest.fixture
def presets(monkeypatch, tmp_path):
    """Write a file of presets; roles to repositories of the preset `tiny`."""

    def write(roles, revisions=None):
        text = '[presets.tiny]\ndescription = "Tiny ones."\n'
        text += "".join(f'{role} = "transformers:{name}"\n' for role, name in roles.items())
        for name in dict.fromkeys(roles.values()):
            revision = (revisions or {}).get(name, "main")
            text += f'[hub."{name}"]\nrevision = "{revision}"\nsize_mb = 1\n'
            text += 'licence = "MIT"\nclass = "X"\n'
        path = tmp_path / "presets.toml"
        path.write_text(text)
        monkeypatch.setenv("VIPER_PRESETS", str(path))
        return path

    return write


def listed(name):
    told = json.loads(viper("models", "list", "--json").stdout)
    return next(preset for preset in told["presets"] if preset["name"] == name)


# -- list


def test_the_list_shows_what_presets_need_and_that_nothing_is_there(hub_cache):
    result = viper("models", "list")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "detector google/owlv2-base-patch16-ensemble 622 MB Apache-2.0 absent" in lines
    assert "small Photographs on a CPU. About 1.8 GB." in lines
    assert any(line.startswith("auto ") and line.endswith("Now: builtin.") for line in lines)
    assert "matcher builtin Apache-2.0 shipped" in lines
    assert any(re.fullmatch(r"builtin .* [0-9]+ MB, in the package\.", line) for line in lines)
    assert str(hub_cache) in lines[-1]


def test_the_list_as_json_says_the_same(hub_cache):
    told = json.loads(viper("models", "list", "--json").stdout)
    assert told["cache"] == str(hub_cache)
    names = [preset["name"] for preset in told["presets"]]
    assert names == ["auto", "builtin", "small", "base", "large", "colors"]
    assert 1 < listed("builtin")["shipped_mb"] <= 15
    assert listed("builtin")["complete"]
    small = listed("small")
    assert (small["complete"], small["size_mb"]) == (False, 1848)
    assert small["models"][1] == {
        "role": "matcher",
        "repository": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "revision": "1a25a446712ba5ee05982a381eed697ef9b435cf",
        "size_mb": 609,
        "licence": "MIT",
        "class": "CLIPModel",
        "on_disk": "absent",
        "missing": [],
        "folder": None,
    }


def test_a_broken_file_of_presets_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("VIPER_PRESETS", str(tmp_path / "none.toml"))
    assert "cannot be read" in failed(viper("models", "list"))


# -- from the hub to an answer


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {role: build(root / role) for role, build in BUILDERS.items()}


def test_a_preset_is_pulled_listed_and_answers_without_a_network(
    hub, presets, folders, monkeypatch, tmp_path
):
    names = {role: f"tiny/{role}" for role in folders}
    revisions = {names[role]: hub.add(names[role], folder) for role, folder in folders.items()}
    presets(names, revisions)
    picture = tmp_path / "picture.png"
    noise = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture)
    program = (
        "def execute_command(image):\n"
        "    found = image.find('red dog')\n"
        "    best = image.best_text_match(['a cat', 'a dog'])\n"
        "    said = image.simple_query('What is this?')\n"
        "    return [len(found) >= 0, best in ('a cat', 'a dog'), image.compute_depth() >= 0, said != '']\n"
    )
    asking = ("run", "-", str(picture), "--models", "tiny", "--json")

    refused = viper(*asking, stdin=program)
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["failure"]["kind"] == "config"
    assert "Fetch them with: viper models pull tiny" in refused.stderr
    assert not hub.requests

    result = viper("models", "pull", "tiny")
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 4
    assert "tiny/detector: 0." in result.stderr
    assert listed("tiny")["complete"]
    assert viper("models", "path", "tiny").stdout == result.stdout

    requests = len(hub.requests)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    again = viper("models", "pull", "tiny")
    assert (again.exit_code, again.stdout) == (0, result.stdout)
    answered = viper(*asking, stdin=program)
    assert answered.exit_code == 0, answered.stderr
    answer = json.loads(answered.stdout)
    assert answer["answer"] == "yes, yes, yes, yes"
    assert set(answer["forwards"]) == {"detector", "matcher", "depth", "answerer"}
    assert answer["models"]["depth"].startswith("transformers:tiny/depth")
    assert len(hub.requests) == requests


def test_a_role_of_a_preset_may_be_pulled_alone(hub, hub_cache, presets):
    presets({"depth": "tiny/depth", "matcher": "tiny/matcher"})
    hub.add("tiny/depth", FILES)
    result = viper("models", "pull", "tiny", "--role", "depth", "--json")
    assert list(json.loads(result.stdout)["folders"]) == ["tiny/depth"]
    states = {model["role"]: model["on_disk"] for model in listed("tiny")["models"]}
    assert states == {"matcher": "absent", "depth": "complete"}
    path = viper("models", "path", "tiny")
    assert path.exit_code == 1
    assert path.stdout.endswith(f"{hub.repositories['tiny/depth'].commit}\n")
    assert "not on disk: tiny/matcher. Fetch with: viper models pull tiny" in path.stderr


def test_a_repository_without_a_tokenizer_is_only_in_part_a_matcher(hub, hub_cache, presets):
    presets({"matcher": "tiny/matcher"})
    hub.add("tiny/matcher", FILES)
    assert viper("models", "pull", "tiny").exit_code == 0
    (model,) = listed("tiny")["models"]
    assert (model["on_disk"], model["missing"]) == ("partial", ["tokenizer"])
    assert "partial: lacks tokenizer" in viper("models", "list").stdout


@pytest.mark.parametrize("package", ["torch", "transformers", None])
def test_a_pull_says_before_it_begins_which_libraries_are_missing(
    hub, hub_cache, presets, folders, monkeypatch, package
):
    revision = hub.add("tiny/depth", folders["depth"])
    presets({"depth": "tiny/depth"}, {"tiny/depth": revision})
    if package is not None:
        monkeypatch.setitem(sys.modules, package, None)
    for target in ("tiny", "tiny/depth"):
        pulled = CliRunner().invoke(cli, ["models", "pull", target])
        assert pulled.exit_code == 0, pulled.output
        notice = f"viper: {target} runs in libraries that are not installed"
        assert (notice in pulled.stderr) == (package is not None)
        assert ("pip install 'viper-vision[torch]'" in pulled.stderr) == (package is not None)
        if package is not None:
            assert pulled.stderr.startswith(notice)


def test_a_repository_is_pulled_at_a_revision_and_removed(hub, hub_cache):
    commit = hub.add("owner/name", FILES)
    result = viper("models", "pull", "owner/name", "--revision", commit)
    assert result.stdout.strip().endswith(f"models--owner--name/snapshots/{commit}")
    kept = viper("models", "remove", "owner/name", stdin="n\n")
    assert kept.exit_code == 1
    assert viper("models", "path", "owner/name").exit_code == 0
    removed = viper("models", "remove", "owner/name", "--yes")
    assert (removed.exit_code, removed.stdout) == (0, "")
    assert not list(hub_cache.glob("models--*"))
    assert "is not on disk" in failed(viper("models", "remove", "owner/name", "--yes"))


def test_parts_are_removed_with_the_model(hub, hub_cache):
    hub.add("owner/name", FILES)
    hub.fail("model.safetensors", *[Fault(cut_after=1000)] + [Fault(cut_after=0)] * 3)
    failed(viper("models", "pull", "owner/name"))
    assert viper("models", "remove", "owner/name", "--yes").exit_code == 0
    assert not list(hub_cache.glob("models--*"))


# -- what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smal"], r"There is no preset 'smal'\. Did you mean 'small'\? Presets: auto, .*OWNER/NAME"),
        (["stub"], "The preset 'stub' needs no weights from the hub"),
        (["small", "--role", "language"], "The preset 'small' has no model for the role 'language'"),
        (["small", "--role", "detectr"], "Did you mean 'detector'"),
        (["small", "--revision", "x"], "--revision is for a repository"),
        (["owner/name", "--role", "depth"], "--role selects models of a preset"),
        (["owner/nothing"], "There is no repository 'owner/nothing'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_pulled_is_refused_in_one_line(hub, hub_cache, arguments, message):
    status = 1 if arguments == ["owner/nothing"] else 2
    assert re.search(message, failed(viper("models", "pull", *arguments), status))


@pytest.mark.parametrize("where", [LISTING, "model.safetensors"])
def test_a_gated_model_says_how_to_get_it_and_no_token_is_shown(hub, hub_cache, monkeypatch, where):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("owner/name", FILES)
    hub.fail(where, GATED, GATED)
    for debug in ([], ["--debug"]):
        result = viper("models", "pull", "owner/name", *debug)
        assert result.exit_code == 1
        assert "accept its terms in the browser" in result.stderr
        assert TOKEN not in result.output


# -- whole processes


@pytest.fixture
def environment(hub, hub_cache):
    home = hub_cache.parent / "home"
    return {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(hub_cache),
        "HF_TOKEN_PATH": str(home / "token"),
        "NO_PROXY": "*",
        "HF_TOKEN": TOKEN,
    }


def test_neither_list_nor_pull_imports_torch_or_transformers(hub, environment):
    hub.add("owner/name", FILES)
    code = (
        "import sys\n"
        "from viper.cli import cli\n"
        "cli(['models', 'list'], standalone_mode=False)\n"
        "cli(['models', 'pull', 'owner/name'], standalone_mode=False)\n"
        "heavy = {'torch', 'transformers', 'hf_xet'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(hub.repositories["owner/name"].commit)
    assert done.stderr == "viper: owner/name: 1 MB to fetch\n"


def test_ctrl_c_leaves_a_state_from_which_the_same_command_goes_on(hub, hub_cache, environment):
    hub.add("owner/name", FILES)
    hub.fail("model.safetensors", Fault(cut_after=400_000), Fault(delay_s=8))
    command = [sys.executable, "-m", "viper", "models", "pull", "owner/name"]
    part = hub_cache / "models--owner--name" / "blobs" / f"{sha256(WEIGHTS)}.incomplete"
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background of a shell ignores Ctrl-C, and so would its children.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size == 400_000):
            assert time.monotonic() < deadline, "nothing arrived"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith(
        "viper: interrupted; run the same command again to resume the download.\n"
    )
    assert part.stat().st_size == 400_000
    hub.heal()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert hub.fetched("model.safetensors")[-1].headers["range"] == "bytes=400000-"
    assert (hub_cache / done.stdout.strip() / "model.safetensors").read_bytes() == WEIGHTS
