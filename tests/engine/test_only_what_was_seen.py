"""No photograph gets an answer whose premises were not found, or whose conditions nobody tested.

What is in a photograph is asked of the detector by a program of its own; what a question takes for granted,
and what tests it, is written here by hand.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from viper import Engine
from viper.backends.coco import COCO_CLASSES
from viper.generate.grammar.vocabulary.words import plural

pytestmark = pytest.mark.photos


class Form(NamedTuple):
    question: str
    premises: tuple[str, ...] = ()
    """Classes that the question takes for granted."""
    tested_by: str = "boxes"
    """`boxes`, `colors` (with such a matcher only), or `nobody`."""
    further: tuple[str, ...] = ()
    """What may be absent, or unsure, although the premises were found."""


OPEN = ("neither is clearly left or right", "which of the two is above", "It depends on which")
FORMS = (
    Form("What color is the elephant?", ("elephant",), "colors"),
    Form("Is the knife below the cup?", ("knife", "cup"), further=OPEN),
    Form("Is anyone wearing a hat?", (), "nobody"),
    Form("How many people are wearing red shirts?", (), "nobody"),
    Form("Which is bigger, the apple or the banana?", ("apple", "banana")),
    Form("Which is closer to the camera, the car or the person?", ("car", "person"), "nobody"),
    Form("What is left of the dog?", ("dog",), further=("None of the 80 kinds", *OPEN)),
    Form("Is the red car the biggest?", ("car",), "colors", ("red car",)),
    Form("Do the cup and the bowl have the same color?", ("cup", "bowl"), "colors"),
    Form("Are the chairs the same color?", ("chair",), "colors", ("second chair",)),
    Form("Are all the cups red?", ("cup",), "colors"),
    Form("How many cups are on the couch?", ("couch",)),
    Form("Is there a person left of the car?", ("car",), further=OPEN),
    Form("Is the person in front of the bus?", ("person", "bus"), "nobody"),
    Form("Who is holding the umbrella?", ("umbrella",), "nobody"),
    Form("How many men are there?", (), "nobody"),
    Form("Is there a ball?", (), "nobody"),
    Form("How many signs are there?", (), "nobody"),
    Form("Where is the cat?", ("cat",)),
    Form("Is the person left or right of the car?", ("person", "car"), further=("person ", *OPEN)),
    Form("The dog is bigger than the person.", ("dog", "person"), further=OPEN),
    Form("Is the handbag open?", ("handbag",), "nobody"),
    Form("How many old people are there?", (), "nobody"),
    Form("What color is the handbag of the person?", ("handbag", "person"), "colors", ("handbag of",)),
)  # fmt: skip
SEEN = f"""
def execute_command(image):
    image_patch = ImagePatch(image)
    return [name for name in {COCO_CLASSES!r} if image_patch.exists(name)]
"""


@pytest.fixture(scope="module")
def detector(photos):
    pytest.importorskip("onnxruntime")
    return {"detector": f"onnx:{photos / 'weights' / 'yolox_nano.onnx'}"}


@pytest.fixture(scope="module", params=("boxes", "colors"))
def engine(request, detector):
    """An engine with the detector alone, or with a matcher of colors beside it."""
    matcher = {"matcher": "colors"} if request.param == "colors" else {}
    with Engine("none", backends={**detector, **matcher}) as engine:
        yield engine


def check(engine, photograph):
    """Ask every form about a photograph, strictly and with best effort; return how many were answered."""
    seen = engine.run_program(SEEN, photograph).value or []  # an empty list answers nothing
    served = {"boxes", "colors"} if "matcher" in engine.config.backends else {"boxes"}
    answered = 0
    for form in FORMS:
        missing = [name for name in form.premises if name not in seen]
        strict = engine.ask(photograph, form.question)
        what = f"{photograph.name}: {form.question} → {strict}"
        assert not strict.doubts, what
        if missing or form.tested_by not in served:
            assert strict.text is None, what
            assert strict.failure.kind in ("absent", "model"), what
        elif strict.text is None:
            # A matcher may see too little of a thing to tell its color.
            further = ("cannot be checked",) if strict.failure.kind == "model" else form.further
            assert strict.failure.kind in (
                "absent",
                "unsure",
                *(["model"] * ("colors" in served)),
            ), what
            assert any(words in strict.failure.message for words in further), what
        answered += strict.text is not None
        if strict.failure and strict.failure.kind == "absent":
            assert any(
                f"No {name} " in strict.failure.message for name in (*missing, *form.further)
            ) or any(name in strict.failure.message for name in form.further), what

        lenient = engine.ask(photograph, form.question, best_effort=True)
        what = f"{photograph.name}: {form.question} → {lenient}"
        if lenient.text is not None:
            assert bool(lenient.doubts) == (strict.text is None), what
            assert (lenient.text, lenient.outcome) == (strict.text, "answered") or lenient.doubts
    return answered


def photographs(photos):
    return sorted((photos / "coco128" / "images").glob("*.jpg"))


def test_a_few_photographs_get_answers_with_premises_only(photos, engine):
    assert sum(check(engine, path) for path in photographs(photos)[3:128:31]) > 0


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_sixty_photographs_get_answers_with_premises_only(photos, engine):
    answered = sum(check(engine, path) for path in photographs(photos)[:60])
    assert answered > 10  # it is not won by refusing


def test_what_the_detector_knows_is_counted_and_told_without_a_doubt(photos, engine):
    for path in photographs(photos)[5:128:61]:
        for name in COCO_CLASSES[::7]:
            article = "an" if name[0] in "aeiou" else "a"
            for question in (f"Is there {article} {name}?", f"How many {plural(name)} are there?"):
                answer = engine.ask(path, question)
                assert answer.outcome == "answered", (question, answer)
