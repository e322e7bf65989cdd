"""Run a part of the suite with the lowest versions that `pyproject.toml` allows: `make test-lowest`.

    python tests/lowest_versions.py FOLDER         makes a virtual environment in FOLDER, and tests with it
    python tests/lowest_versions.py --list         prints the requirements

The base and the extra `serve` are tested: what a stranger's text, image or request reaches. What the tests
themselves need is installed in any version. Python must be 3.11 or 3.12: numpy 1.26 has no wheels for others.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ["serve"]
TOOLS = ["pytest>=8.3", "pytest-timeout", "httpx", "hypothesis", "psutil", "syrupy", "jsonschema"]
TESTS = (
    "texts serve settings llm images storage sandbox/test_extract.py sandbox/test_check.py trace "
    "builtin/test_answerer.py builtin/test_questions.py cli/test_ask_builtin.py cli/test_serve.py "
    "cli/test_config.py generate/grammar/test_forms.py engine/test_engine.py test_patterns.py "
    "test_plugins.py"
).split()
# A requirement with a lower bound, and perhaps an upper one: name, version.
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)(?:,.*)?")
# Extras that consist of others.
_IS_OWN = re.compile(r"viper-vision\[")


def lowest_requirements(extras: Iterable[str] = EXTRAS) -> list[str]:
    """Return `name==version` for each requirement of the base and of extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return [lowest(requirement) for requirement in wanted if not _IS_OWN.match(requirement)]


def all_extras() -> list[str]:
    """Return the names of all extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["optional-dependencies"])


def lowest(requirement: str) -> str:
    """Return `name==version` for the lower bound of a requirement.

    Raises:
        SystemExit: It has none.
    """
    parts = _REQUIREMENT.fullmatch(requirement)
    if parts is None:
        raise SystemExit(f"pyproject.toml has {requirement!r} without a lower bound.")
    return f"{parts[1]}=={parts[2]}"


def main(folder: Path) -> int:
    """Make the environment if it is not there, and run the tests; return their status."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *lowest_requirements(), *TOOLS], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", ROOT], check=True)
    tests = [f"tests/{test}" for test in TESTS]
    command = [python, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        sys.stdout.write("\n".join(lowest_requirements()) + "\n")
    else:
        sys.exit(main(Path(sys.argv[1])))
