"""Creates a new module: a small distribution that works, to start from."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

from viper.errors import ConfigError
from viper.modules.stub import read_stub

__all__ = ["new_module"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 24
_PATHS = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "init.py.txt": "src/{package}/__init__.py",
    "api.pyi.txt": "src/{package}/api.pyi",
    "model.py.txt": "src/{package}/model.py",
    "module.py.txt": "src/{package}/module.py",
    "test.py.txt": "tests/test_{package}.py",
}


def new_module(name: str, parent: Path) -> list[Path]:
    """Write the distribution `viper-NAME` into a new folder.

    Args:
        name: Name of the module: lower-case letters and digits, parts joined by "-".
        parent: Folder in which `viper-NAME` is created.

    Returns:
        The files that were written; the first is in the new folder itself.

    Raises:
        ConfigError: The name cannot be used, or the folder exists or cannot be written.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigError(
            f"A new module's name must be at most {_LONGEST} lower-case letters and digits, parts joined "
            f"by '-', as in street-signs, but got {name!r:.80}."
        )
    package = name.replace("-", "_")
    if keyword.iskeyword(package):
        raise ConfigError(f"{name!r} is a Python keyword; choose another name.")
    words = {"NAME": name, "PACKAGE": package}
    source = files("viper.modules") / "template"
    texts = {
        file.format(package=package): _filled((source / template).read_text("utf-8"), words)
        for template, file in _PATHS.items()
    }
    try:
        read_stub(texts[f"src/{package}/api.pyi"], "api.pyi", [f"{package}_model"])
    except ConfigError as error:
        raise ConfigError(f"The name {name!r} is taken: {error}") from error
    folder = parent / f"viper-{name}"
    try:
        folder.mkdir(parents=True)
        for file, text in texts.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise ConfigError(f"{str(folder)!r} exists already; nothing was written.") from error
    except OSError as error:
        raise ConfigError(f"{str(folder)!r} cannot be written: {error.strerror}.") from error
    return [folder / file for file in texts]


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: words[mark[1]], text)
