"""Creates a new module: a small distribution that works, to start from."""

from __future__ import annotations

import contextlib
import errno
import keyword
import os
import re
from importlib.resources import files
from pathlib import Path

from viper.errors import ConfigError, WriteError
from viper.modules.stub import read_stub
from viper.storage.below import remove_tree, rename
from viper.storage.files import make_folder, write_failure, write_file

__all__ = ["new_module"]

_NAME = re.compile(r"[a-z][a-z0-9]*+(?:-[a-z0-9]++)*+")
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
        ConfigError: The name cannot be used, or the folder exists.
        WriteError: The folder cannot be written; there is none then.
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
    if os.path.lexists(folder):
        raise ConfigError(f"{str(folder)!r} exists already; nothing was written.")
    make_folder(parent)
    # Written beside, so that the folder is complete when it appears.
    beside = parent / f".{folder.name}.part"
    try:
        remove_tree(beside, below=parent)  # of a run that was killed
    except OSError as error:
        raise WriteError(write_failure(beside, error)) from error
    try:
        for file, text in texts.items():
            make_folder((beside / file).parent, below=parent)
            write_file(beside / file, text, below=parent)
        rename(beside, folder, below=parent)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise ConfigError(f"{str(folder)!r} exists already; nothing was written.") from error
        raise WriteError(write_failure(folder, error)) from error
    finally:
        with contextlib.suppress(OSError):
            remove_tree(beside, below=parent)  # there only after a failure
    return [folder / file for file in texts]


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: words[mark[1]], text)
