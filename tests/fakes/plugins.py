"""Lets distributions that are not installed bring plugins."""

from __future__ import annotations

from viper import plugins


def plug(monkeypatch, *entries):
    """Let distributions bring entry points: (group, name, value, distribution) each."""
    found = tuple(
        plugins.Plugin(group, name, value, distribution, "1.0")
        for group, name, value, distribution in entries
    )
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    monkeypatch.setattr(plugins, "installed", lambda path: found)
