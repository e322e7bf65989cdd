"""Where the images of a data file may lie: a file of somebody else could name any file of this machine.

What became of each would be told by the errors of its rows and by its score. So an image lies below the
folder of the data, or below the one that the user names with `--images`, and one message refuses all others:
what is on the disk has no part in it.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from viper.errors import InputError

__all__ = ["ImageFolders"]


class ImageFolders:
    """The folders in which images may lie.

    Args:
        data: The folder of the data; images are relative to it.
        more: A folder that the user named.
    """

    def __init__(self, data: Path, more: Path | None = None) -> None:
        self._data = data
        folders = [folder.absolute() for folder in ([data] if more is None else [data, more])]
        self._real = [*map(_real, folders)]
        self._written = [*folders, *(Path(os.path.normpath(one)) for one in folders), *self._real]
        # Most rows of a file share a few folders.
        self._real_folder = lru_cache(maxsize=256)(_real)

    def path(self, name: str) -> Path:
        """Return the path of an image.

        Raises:
            InputError: It is outside of the folders as it is written, or where its links lead.
        """
        path = self._data / name
        if ".." in Path(name).parts:
            # As written: whether the folders on the way exist is nothing that an error should tell.
            path = Path(os.path.normpath(self._real[0] / name))
        absolute = path.absolute()
        is_written_inside = _is_in(absolute, self._written)
        if not is_written_inside or not _is_in(self._without_links(absolute), self._real):
            raise InputError(
                "its image is outside of the folder of the data. If you trust the file, name the folder of "
                "its images with --images."
            )
        return path

    def _without_links(self, path: Path) -> Path:
        try:
            if path.is_symlink():
                return _real(path)
            return self._real_folder(path.parent) / path.name
        except (OSError, ValueError):  # a null character: no file has this name
            return path


def _is_in(path: Path, folders: list[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))
