"""The files of an ONNX graph: the graph, and the files beside it that hold its weights.

    with unchanged(*graph_files(path).values()):
        version = hash_graph(path)
        with staged_graph(path) as copy:
            session = onnxruntime.InferenceSession(copy)

A graph may name any file as the place of a weight, so its hash alone does not identify it. In the private
folder are links to the graph and to the files that it names, all of which are hashed. A file that the search
for names has not found, or that lies elsewhere, is not there, and onnxruntime refuses the graph: so the
search may be simple.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from viper.backends.file_hashes import hash_file, state_of
from viper.backends.staged_folder import link
from viper.errors import ConfigError

__all__ = ["graph_files", "hash_graph", "staged_graph"]

# An entry with the key "location" in the format of protocol buffers, and the length of its value.
_LOCATION = re.compile(rb"\n\x08location\x12([\x00-\x7f]|[\x80-\xff][\x01-\x7f])")
# Old exporters write one file per weight.
_MOST_FILES = 10_000


def graph_files(path: Path) -> dict[str, Path]:
    """Return the real paths of a graph and of the regular files below its folder that it names, by name.

    Raises:
        ConfigError: It names too many.
    """
    real = path.resolve()
    files = {path.name: real}
    for name in _names(real, state_of(real)):
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or str(place) in (".", path.name):
            continue
        with contextlib.suppress(OSError, ValueError):  # bytes of a weight that look like an entry
            target = (path.parent / place).resolve()
            if target.is_file() and target.is_relative_to(real.parent):
                files[str(place)] = target
    return files


def hash_graph(path: Path) -> str:
    """Return a hash of a graph and its weights; without weights in other files, that of the file."""
    files = graph_files(path)
    graph = hash_file(files.pop(path.name))
    if not files:
        return graph
    digest = hashlib.sha256(graph.encode())
    for name, real in sorted(files.items()):
        digest.update(os.fsencode(name) + f"\0{hash_file(real)}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def staged_graph(path: Path) -> Iterator[Path]:
    """Yield the path of a graph in a private folder with its weights, which exists during this block.

    Raises:
        ConfigError: It names too many files.
    """
    copy = Path(tempfile.mkdtemp(prefix="viper-graph-"))
    try:
        for name, real in graph_files(path).items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            link(real, copy / name)
        yield copy / path.name
    finally:
        shutil.rmtree(copy, ignore_errors=True)


@functools.lru_cache(maxsize=64)
def _names(path: Path, state: tuple[int, ...]) -> frozenset[str]:
    """Return all places of weights that a graph names; `state` makes a changed file another key."""
    names: set[str] = set()
    if path.stat().st_size == 0:  # cannot be mapped
        return frozenset()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for found in _LOCATION.finditer(content):
            length = found[1][0] if len(found[1]) == 1 else found[1][0] - 128 + found[1][1] * 128
            names.add(os.fsdecode(content[found.end() : found.end() + length]))
            if len(names) > _MOST_FILES:
                raise ConfigError(
                    f"'{path}' names more than {_MOST_FILES:,} files as places of weights. "
                    "Write its weights to one file."
                )
    return frozenset(names)
