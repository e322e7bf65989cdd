"""The wheel, installed where the checkout cannot help it.

The new environment gets the wheel alone; its dependencies it sees through a path to those of the
environment that runs the tests. Installing them for real would unpack 5 GB of torch for nothing
that is tested here. Such a path runs none of the `.pth` files that lie there, so that an editable
install of the checkout stays out of sight; the first test makes sure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "viper": ROOT / "viper",
    "viper_sandbox": ROOT / "sandbox" / "viper_sandbox",
    "viper_benchmarks": ROOT / "benchmarks" / "viper_benchmarks",
    "viper/_data/api_spec": ROOT / "api_spec",
    "viper/_data/prompts": ROOT / "prompts",
}


def run(
    *command: str | Path, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment or dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    arguments = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    run(sys.executable, *arguments, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; returns its folder of programs."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    scheme = {"base": str(folder), "platbase": str(folder)}
    programs = Path(sysconfig.get_path("scripts", "venv", scheme))
    python = programs / "python"
    install = ("-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    run(sys.executable, *install, cwd=folder)
    # Only now: pip would take what is seen through the path for installed already.
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    seen = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(seen)), encoding="utf-8")
    return programs


@pytest.fixture
def environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIPER_", "PYTEST", "VIRTUAL_ENV"))
    }


def test_the_checkout_is_out_of_sight(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import sys, viper, viper_sandbox, viper_benchmarks, numpy\n"
        "print(viper.__file__, viper_sandbox.__file__, viper_benchmarks.__file__, *sys.path, sep='\\n')"
    )
    done = run(installed / "python", "-c", code, cwd=tmp_path, environment=environment)
    *modules, path = done.stdout.split("\n", maxsplit=3)
    for module in modules:
        assert Path(module).is_relative_to(installed.parent)
    assert not {str(ROOT), str(ROOT / "sandbox"), str(ROOT / "benchmarks")} & set(path.splitlines())


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    expected = {
        f"{target}/{file.relative_to(source).as_posix()}"
        for target, source in PACKAGES.items()
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - metadata == expected
    assert "viper/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in metadata)
    assert any(name.startswith("viper/_data/api_spec/") for name in names)


def test_the_shipped_prompts_are_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert any(name.startswith("viper/_data/prompts/") for name in archive.namelist())


def test_the_contract_is_read_from_the_wheel(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "from viper.programs.api_spec import load_spec; from viper.storage.resources import data_folder\n"
        "print(load_spec().callables[0].signature)\n"
        "print(*(data_folder(kind) for kind in ('api_spec', 'prompts')), sep='\\n')"
    )
    done = run(installed / "python", "-c", code, cwd=tmp_path, environment=environment)
    signature, *folders = done.stdout.splitlines()
    assert signature == "find(object_name: str) -> list[ImagePatch]"
    for folder in folders:
        assert Path(folder).is_dir()
        assert Path(folder).is_relative_to(installed.parent)


def test_the_command_explains_itself(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    done = run(installed / "viper", "--help", cwd=tmp_path, environment=environment)
    assert "Usage: viper" in done.stdout
    assert done.stderr == ""


def test_the_command_runs_a_program(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (90, 60), "white").save(tmp_path / "white.png")
    (tmp_path / "count.py").write_text(
        'def execute_command(image):\n    return len(ImagePatch(image).find("cube"))\n',
        encoding="utf-8",
    )
    # The level of the sandbox is the machine's matter, and tested elsewhere.
    command = ("run", "count.py", "white.png", "--models", "stub", "--sandbox", "partial")
    done = run(installed / "viper", *command, cwd=tmp_path, environment=environment)
    assert done.stdout == "3\n"


def test_the_wheel_answers_from_its_own_models(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    picture = ROOT / "examples" / "shapes.png"
    question = "How many metal things are left of the purple cube?"
    command = ("ask", picture, question, "--models", "builtin", "--sandbox", "partial")
    done = run(installed / "viper", *command, cwd=tmp_path, environment=environment)
    assert done.stdout == "5\n"
