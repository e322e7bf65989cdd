"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")  # other processes must not make a property fail


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder with real photographs; skips where there is none."""
    folder = os.environ.get("VIPER_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("VIPER_TEST_DATA names no folder with photographs")
    return Path(folder)
