"""Fixtures that every test may use."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from fakes.hub_server import HubServer

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")  # other processes must not make a property fail


@pytest.fixture(autouse=True)
def no_program_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the programs of the user's own questions."""
    monkeypatch.setenv("VIPER_MEMO", "off")


@pytest.fixture(autouse=True)
def no_plugins_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets what happens to be installed."""
    monkeypatch.setenv("VIPER_PLUGINS", "none")


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test takes what the user has set by variables; viper.toml of the working directory is left."""
    from viper.settings.schema import names, variable_of

    for name in ("VIPER_CONFIG", "VIPER_LLM", "VIPER_PRESETS", *map(variable_of, names())):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_log_of_the_test_before() -> Iterator[None]:
    """What a command line run in this process sends to stderr does not reach the next test.

    Before the test as well as behind it: a fixture of a whole module may have run one.
    """
    _quiet()
    yield
    _quiet()


def _quiet() -> None:
    log = logging.getLogger("viper")
    log.handlers = []
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder with real photographs; skips where there is none."""
    folder = os.environ.get("VIPER_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("VIPER_TEST_DATA names no folder with photographs")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window. Not for the whole session: its driver holds an event loop meanwhile."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium on this machine (Debian: chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def fake_engine():
    """Makes engines whose roles are served by the given objects."""
    from viper import Engine

    engines: list[Engine] = []

    def make(generator="grammar", *, options=None, **backends):
        for role, backend in backends.items():
            backend.name = f"fake:{role}"
        engine = Engine("none", generator, backends, **(options or {}))
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        assert engine.close(timeout_s=5)


@pytest.fixture
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the model hub."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub_cache: Path) -> Iterator[HubServer]:
    """A model hub on loopback, which this process asks without a token and without pauses."""
    from huggingface_hub import close_session

    from fakes.hub_server import HubServer

    close_session()
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("viper.weights.fetch.PAUSES_S", (0.0, 0.0))
    with HubServer() as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        yield server
        close_session()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB; skips where this process may not mount one."""
    from fakes.disks import mounted

    folder = tmp_path / "disk"
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(mounted(folder, 256 * 1024))
        except (PermissionError, FileNotFoundError) as error:
            pytest.skip(f"a small disk cannot be mounted here: {error}")
        yield folder


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the sample plugin."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "sample_plugin" / "src")
    from street_signs.module import MODULE  # type: ignore[import-not-found]

    yield MODULE
    for name in [name for name in sys.modules if name.partition(".")[0] == "street_signs"]:
        del sys.modules[name]
