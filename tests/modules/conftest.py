"""The sample plugin without installing it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "sample_plugin" / "src"


@pytest.fixture
def signs(monkeypatch):
    """The module of the sample plugin."""
    monkeypatch.syspath_prepend(SOURCES)
    from street_signs.module import MODULE

    yield MODULE
    for name in [name for name in sys.modules if name.partition(".")[0] == "street_signs"]:
        del sys.modules[name]
