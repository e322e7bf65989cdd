"""The sample plugin as a stranger installs it: built, installed by pip, used by the real command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "examples" / "shapes.png"
PROGRAM = """
def execute_command(image):
    image_patch = ImagePatch(image)
    masks = [part.bright_mask(0.3) for part in image_patch.bright_parts()]
    return [image_patch.read_text("de"), mask_overlap(masks[0], masks[1]) > 0.9]
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder of packages with the sample plugin in it."""
    folder = tmp_path_factory.mktemp("packages")
    source = folder / "source"
    shutil.copytree(ROOT / "tests" / "sample_plugin", source)  # building writes beside the sources
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--disable-pip-version-check",
            "--target",
            folder / "lib",
            source,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "lib"


@pytest.fixture
def viper(packages, tmp_path):
    """Run the command line in a process of its own; return (exit status, stdout, stderr)."""

    def run(*arguments, plugins=None, status=0):
        environment = {**os.environ, "PYTHONPATH": str(packages), "VIPER_MEMO": "off"}
        environment.pop("VIPER_PLUGINS", None)
        if plugins is not None:
            environment["VIPER_PLUGINS"] = plugins
        done = subprocess.run(
            [sys.executable, "-m", "viper", *map(str, arguments)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def test_it_is_listed_shown_and_passes_its_check(viper):
    listed = json.loads(viper("modules", "list", "--json").stdout)
    assert [(row["name"], row["distribution"]) for row in listed["modules"]] == [
        ("signs", "street-signs")
    ]
    assert {(row["kind"], row["name"]) for row in listed["others"]} == {
        ("backend", "detector.halves"),
        ("backend", "reader.shouting"),
        ("generator", "counting"),
        ("benchmark", "streets"),
    }
    assert (
        "image_patch.read_text(language: str = 'en') -> str"
        in viper("modules", "show", "signs").stdout
    )
    assert viper("modules", "check", "signs").stdout.endswith("All checks passed.\n")


def test_programs_call_it_and_checks_know_it(viper, program):
    assert viper("lint", program).stdout == ""
    assert "no attribute 'bright_" in viper("lint", program, plugins="none", status=1).stdout
    answer = json.loads(viper("run", program, PICTURE, "--models", "none", "--json").stdout)
    assert answer["answer"] == "de 480x320 156, yes"
    assert answer["models"] == {"reader": "signs"}
    assert answer["forwards"]["reader"] >= 1
    shouting = ("--backend", "reader=shouting:x", "--models", "none")
    assert viper("run", program, PICTURE, *shouting).stdout == "DE 480X320 156, yes\n"


@pytest.mark.slow
def test_its_other_plugins_are_used_by_name(viper, tmp_path):
    question = (PICTURE, "How many?", "--generator", "counting:cup")
    models = ("--models", "none", "--backend", "detector=halves", "--sandbox", "partial")
    assert viper("ask", *question, *models).stdout == "2\n"
    assert "streets" in viper("bench", "list").stdout


@pytest.mark.slow
def test_the_prompt_of_a_language_model_has_its_methods(viper, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    shown = viper(
        "generate", "What does the sign say?", "--generator", "openai:any", "--show-prompt"
    )
    assert "def read_text(self, language: str = 'en') -> str:" in shown.stdout


@pytest.mark.slow
def test_one_that_is_broken_warns_and_hinders_nobody(viper, packages, program, tmp_path):
    ruined = packages / "street_signs" / "module.py"
    text = ruined.read_text()
    ruined.write_text("import no_such_thing\n")
    try:
        counting = tmp_path / "counting.py"
        counting.write_text("def execute_command(image):\n    return 1 + 1\n")
        done = viper("run", counting, PICTURE, "--models", "none")
        assert done.stdout == "2\n"
        assert "viper: The module 'signs' of street-signs 1.2 cannot be loaded" in done.stderr
        assert "The module is skipped." in done.stderr
        assert viper("modules", "list").stdout.startswith("signs")
        assert viper("modules", "show", "signs", status=1).stdout == ""
    finally:
        ruined.write_text(text)
