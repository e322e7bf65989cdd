"""The site of docs/, built as `make docs` builds it, once for all workers of a test run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

DOCS = Path(__file__).parents[2] / "docs"


def build(factory: pytest.TempPathFactory) -> Path:
    """Build the site strictly: a page outside the navigation or a dead link is an error."""
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package)
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "docs-site"
    with FileLock(f"{folder}.lock"):
        if not (folder / "whole").exists():
            _build(folder)
            (folder / "whole").touch()
    return folder / "html"


def _build(folder: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going", "-n"]
    built = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert built.returncode == 0, built.stderr
