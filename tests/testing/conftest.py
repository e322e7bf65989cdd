"""The sample plugin, as the tests of modules load it."""

from __future__ import annotations

from modules.conftest import signs

__all__ = ["signs"]
