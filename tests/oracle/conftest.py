from __future__ import annotations

import pytest

from fakes import true_scenes
from viper.oracle.scene_file import open_scenes


@pytest.fixture
def table(tmp_path):
    """The scenes of the picture "table.png"."""
    scenes = true_scenes.clevr(("table.png", true_scenes.TABLE))
    return open_scenes(true_scenes.write(tmp_path / "scenes.json", scenes))


@pytest.fixture(scope="session")
def graphs():
    """Scene graphs of a street, a kitchen and a beach."""
    return open_scenes(true_scenes.GRAPHS)
