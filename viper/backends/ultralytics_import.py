"""Imports ultralytics without what it does to its surroundings.

On import and in use, ultralytics writes a settings folder into the user's home, asks the network
whether it is there, sends usage events, installs missing packages with pip, and sets environment
variables such as OMP_NUM_THREADS. Its switches for all that are read from the environment while it
is imported, so they are set for just that long. It also puts a function of its own in the place of
Pillow's `Image.open`, which goes looking for a package when a file is no picture: Pillow's is put back.

What stays for this process is only what protects it: no installing, no events, a quiet logger, and
settings in a temporary folder. If something else has imported ultralytics before, its choices stand.
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
    """Import ultralytics inside this block; the environment is put back at its end."""
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
    """Keep ultralytics from running pip in this block, also if its user has allowed it."""
    # A module as Any, because its constant is not declared to others.
    checks: Any = importlib.import_module("ultralytics.utils.checks")
    before = checks.AUTOINSTALL
    checks.AUTOINSTALL = False
    try:
        yield
    finally:
        checks.AUTOINSTALL = before
