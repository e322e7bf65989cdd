"""What tells the results of one model from those of another."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from fakes.backends import FakeDetector, FakeMatcher, blank_image, whole
from viper.models.registry import BackendRef
from viper.models.roles import DetectRequest
from viper.scheduling.futures import results_of
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.operation import DETECT, EMBED_TEXTS, request_key
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.result_store import ResultStore

FOLDER = "clip@0123456789abcdef?dtype=float32&templates=plain"
"""What two libraries say of one folder of weights."""


def of_text(pool, text="red cup"):
    """Ask the matcher; return the vector, and whether it was remembered."""

    async def ask():
        await pool.backend("matcher")
        key = pool.key(EMBED_TEXTS, text)
        submitted = pool.submit(
            EMBED_TEXTS,
            {key: text},
            owner=pool.new_owner(),
            from_disk=await pool.from_disk(EMBED_TEXTS, [key]),
        )
        (served,) = await results_of(list(submitted.futures.values()))
        return served.value, not submitted.fresh

    return asyncio.run(ask())


class Constant(FakeMatcher):
    """Every text is the same vector."""

    def __init__(self, value, fingerprint=FOLDER):
        super().__init__(fingerprint=fingerprint)
        self.value = value

    def embed_texts(self, texts):
        return [np.full(4, self.value, dtype=np.float32) for _ in texts]


@pytest.fixture
def opened():
    """Makes schedulers with one matcher each, and closes them."""
    made = []

    def make(name, value, folder, fingerprint=FOLDER):
        cache = ResultCache(10**6, ResultStore(folder))
        ref = BackendRef("matcher", name, "clip")
        made.append(
            ModelPool({"matcher": ref}, opener=lambda _: Constant(value, fingerprint), cache=cache)
        )
        return made[-1]

    yield make
    for pool in made:
        assert pool.close(5)


def test_two_libraries_that_load_one_folder_share_no_result(opened, tmp_path):
    first = opened("transformers", 1.0, tmp_path)
    assert of_text(first)[0][0] == 1.0
    assert first.close(5)
    other = opened("open_clip", 2.0, tmp_path)
    vector, remembered = of_text(other)
    assert (vector[0], remembered) == (2.0, False)
    assert other.close(5)
    again = opened("transformers", 3.0, tmp_path)  # the control: it finds what the first has left
    vector, remembered = of_text(again)
    assert (vector[0], remembered) == (1.0, True)


def test_two_roles_of_one_folder_share_no_key():
    backends = {"detector": FakeDetector({}), "matcher": FakeMatcher()}
    for backend in backends.values():
        backend.fingerprint = FOLDER
    refs = {role: BackendRef(role, "transformers", "clip") for role in backends}
    pool = ModelPool(refs, opener=lambda ref: backends[ref.role])
    asyncio.run(pool.preload())
    request = DetectRequest(whole(blank_image()), ("cup",))
    as_matcher = DETECT._replace(role="matcher")
    assert pool.key(DETECT, request) != pool.key(as_matcher, request)
    assert pool.fingerprints() == {"detector": FOLDER, "matcher": FOLDER}
    assert pool.close(5)


def test_a_cache_of_before_opens_and_its_results_are_computed_anew(opened, tmp_path):
    store = ResultStore(tmp_path)
    store.put(request_key(EMBED_TEXTS, FOLDER, "red cup"), np.zeros(4, dtype=np.float32))
    store.close()
    vector, remembered = of_text(opened("transformers", 1.0, tmp_path))
    assert (vector[0], remembered) == (1.0, False)
