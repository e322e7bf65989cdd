"""Fixtures that every test may use."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")  # other processes must not make a property fail


@pytest.fixture(autouse=True)
def no_memo_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what the user's own questions have left."""
    monkeypatch.setenv("VIPER_MEMO", "off")


@pytest.fixture(autouse=True)
def no_log_of_the_test_before() -> Iterator[None]:
    """What a command line run in this process sends to stderr does not reach the next test."""
    log = logging.getLogger("viper")
    handlers, level = log.handlers, log.level
    yield
    log.handlers = handlers
    log.setLevel(level)


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder with real photographs; skips where there is none."""
    folder = os.environ.get("VIPER_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("VIPER_TEST_DATA names no folder with photographs")
    return Path(folder)


@pytest.fixture
def fake_engine(monkeypatch):
    """Makes engines whose roles are served by the given objects."""
    from viper import Engine
    from viper.vision import registry
    from viper.vision.registry import BackendEntry

    engines: list[Engine] = []
    roles = ("detector", "matcher", "depth", "answerer", "language")
    known = {(role, "fake"): BackendEntry("fakes:none") for role in roles}
    monkeypatch.setattr(registry, "_BUILT_IN", known)

    def make(generator="grammar", *, options=None, **backends):
        engine = Engine(
            generator=generator,
            backends={role: f"fake:{role}" for role in backends},
            opener=lambda ref: backends[ref.role],
            **(options or {}),
        )
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        assert engine.close(timeout_s=5)
