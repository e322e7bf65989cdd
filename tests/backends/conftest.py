"""Small models on disk, built once for all tests of the detector backends."""

from __future__ import annotations

import pytest

from fakes import tiny_detectors

ZERO_SHOT = {
    "owlvit": tiny_detectors.owlvit,
    "owlv2": tiny_detectors.owlv2,
    "grounding_dino": tiny_detectors.grounding_dino,
    "mm_grounding_dino": tiny_detectors.mm_grounding_dino,
    "omdet_turbo": tiny_detectors.omdet_turbo,
}


@pytest.fixture(scope="session")
def detector_folders(tmp_path_factory):
    """Folders of tiny transformers detectors by family; yolos is the closed-vocabulary one."""
    root = tmp_path_factory.mktemp("detectors")
    builders = {**ZERO_SHOT, "yolos": tiny_detectors.yolos}
    return {name: build(root / name) for name, build in builders.items()}
