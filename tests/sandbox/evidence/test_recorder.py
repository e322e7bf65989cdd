"""What a recorder keeps, and what it does not."""

import gc
import weakref

import pytest

from fakes.street import API, SIZE, answer_call
from viper_sandbox import PatchRef
from viper_sandbox.evidence.flow import ITEM, SEEN, VALUE
from viper_sandbox.evidence.recorder import MOST_LOOKS, MOST_PATCHES, EvidenceRecorder
from viper_sandbox.patch import ImagePatch
from viper_sandbox.program_session import ProgramSession


@pytest.fixture
def image():
    whole = PatchRef(0, (0.0, 0.0, *map(float, SIZE)))
    return ProgramSession(API, whole, SIZE, answer_call).image


def found(image, number):
    ref = PatchRef(0, (float(number), 0.0, float(number) + 1, 9.0), "cup")
    return ImagePatch._make(image._session, ref)


def test_patches_that_were_found_are_kept_wherever_they_are_in_a_value(image):
    recorder = EvidenceRecorder(1)
    value = [found(image, 0), ("cup", found(image, 1)), {"a": found(image, 2)}, 7]
    assert recorder.names()[VALUE](0, value) is value
    assert len(recorder.patches[0]) == 3


def test_the_whole_image_and_its_crops_are_not_kept(image):
    recorder = EvidenceRecorder(1)
    recorder.names()[SEEN](0, image)
    recorder.names()[SEEN](0, image.crop(1, 1, 5, 5))
    assert recorder.patches == [{}]


@pytest.mark.parametrize("mark", [SEEN, VALUE])
def test_no_other_object_is_held(image, mark):
    class Held:
        pass

    recorder, held = EvidenceRecorder(1), Held()
    gone = weakref.ref(held)
    recorder.names()[mark](0, held)
    recorder.names()[mark](0, [held])
    del held
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [(True, True), (1, True), (0.0, True), ("x", True), (False, False), (None, False), (0, False),
     ("", False), ([], False)],
)  # fmt: skip
def test_an_item_is_kept_unless_its_element_says_no(image, value, is_kept):
    recorder = EvidenceRecorder(1)
    assert recorder.names()[ITEM](0, value, found(image, 0)) is value
    assert bool(recorder.patches[0]) is is_kept


def test_a_record_that_is_full_says_so_and_grows_no_more(image):
    recorder = EvidenceRecorder(1)
    for number in range(MOST_PATCHES + 50):
        recorder.names()[SEEN](0, found(image, number % 290 + number / 1_000))
    assert len(recorder.patches[0]) == MOST_PATCHES
    assert not recorder.is_complete


def test_large_values_are_looked_at_up_to_a_bound(image):
    recorder = EvidenceRecorder(1)
    large = [found(image, 0)] * (MOST_LOOKS // 2)
    for _ in range(10):
        recorder.names()[VALUE](0, large)
    assert not recorder.is_complete
    assert recorder.names()[VALUE](0, large) is large


def test_a_list_that_holds_itself_is_no_trouble(image):
    loop: list = [found(image, 0)]
    loop.append(loop)
    recorder = EvidenceRecorder(1)
    recorder.names()[VALUE](0, loop)
    assert len(recorder.patches[0]) == 1
