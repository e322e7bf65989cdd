"""Imports ultralytics without its side effects.

On import and in use, ultralytics writes a settings folder into the user's home, probes the network,
sends usage events, installs missing packages with pip, and sets environment variables such as
OMP_NUM_THREADS. It reads its switches for that from the environment during the import, so they are
set for just that long. It also replaces Pillow's `Image.open` by a function that looks for a package when
a file is not an image; Pillow's function is restored.

What remains in this process is only protective: no installing, no events, a quiet logger, and
settings in a temporary folder. If ultralytics was imported before, it is left as it is.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["no_installs", "sealed_import"]


@contextlib.contextmanager
def sealed_import() -> Iterator[None]:
    """Import ultralytics inside this block; the environment is restored at its end."""
    if "ultralytics" in sys.modules:
        yield
        return
    environment = dict(os.environ)
    printing = np.get_printoptions()
    pillow_open = Image.open
    if "YOLO_CONFIG_DIR" not in environment:
        # Kept until the process ends, because the library may save its settings again.
        folder = tempfile.mkdtemp(prefix="viper-ultralytics-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["YOLO_CONFIG_DIR"] = folder
    os.environ.update(YOLO_AUTOINSTALL="false", YOLO_OFFLINE="true", YOLO_VERBOSE="false")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        np.set_printoptions(**printing)
        Image.open = pillow_open


@contextlib.contextmanager
def no_installs() -> Iterator[None]:
    """Keep ultralytics from running pip in this block, even if the user has allowed it."""
    # Any, because the module does not declare this constant.
    checks: Any = importlib.import_module("ultralytics.utils.checks")
    before = checks.AUTOINSTALL
    checks.AUTOINSTALL = False
    try:
        yield
    finally:
        checks.AUTOINSTALL = before
