"""The shipped detector, matcher and depth model, on pictures that they were not trained on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from viper.builtin import depth, detector, matcher
from viper.builtin.graphs import GRAPHS
from viper.builtin.loading import SHIPPED
from viper.builtin.words import SPELLINGS
from viper.errors import ConfigError, UnservedError
from viper.images.boxes import iou
from viper.images.image import View
from viper.models.roles import DetectRequest


@pytest.fixture(scope="module")
def finds():
    return detector.load("", {})


@pytest.fixture(scope="module")
def matches():
    return matcher.load("", {})


@pytest.fixture(scope="module")
def ranges():
    return depth.load("", {})


def hits(found, wanted):
    """Return how many of the wanted boxes were found, each by a box of its own."""
    left = list(found)
    count = 0
    for box in wanted:
        best = max(left, key=lambda f: iou(f, box), default=None)
        if best is not None and iou(best, box) >= 0.5:
            left.remove(best)
            count += 1
    return count


@pytest.mark.parametrize(
    ("phrase", "conditions"),
    [
        ("thing", {}),
        ("cube", {"shape": "cube"}),
        ("spheres", {"shape": "sphere"}),
        ("the large ball", {"shape": "sphere", "size": "large"}),
        ("small metal thing", {"size": "small", "material": "metal"}),
        ("shiny block", {"shape": "cube", "material": "metal"}),
        ("object that is red", {"color": "red"}),
    ],
)
def test_the_detector_finds_what_a_phrase_names_and_nothing_else(
    finds, pictures, phrase, conditions
):
    wanted = right = extra = 0
    for shown in pictures:
        (detections,) = finds.detect([DetectRequest(shown.whole, (phrase,))])
        boxes = [
            tuple(map(float, thing["bbox_xyxy"]))
            for thing in shown.objects
            if all(thing[name] == value for name, value in conditions.items())
        ]
        found = hits([d.box_xyxy for d in detections], boxes)
        wanted, right, extra = wanted + len(boxes), right + found, extra + len(detections) - found
        assert all(d.phrase == phrase and 0.1 <= d.score <= 1 for d in detections)
        assert [d.score for d in detections] == sorted((d.score for d in detections), reverse=True)
    assert wanted >= 3
    assert right >= 0.9 * wanted
    assert extra <= 0.1 * wanted + 1


def test_several_phrases_and_pictures_are_served_in_order(finds, pictures):
    one, two = pictures[:2]
    alone = [finds.detect([DetectRequest(p.whole, ("cube", "thing"))])[0] for p in (one, two)]
    together = finds.detect([DetectRequest(p.whole, ("cube", "thing")) for p in (one, two)])
    assert together == alone
    assert {d.phrase for d in together[0] + together[1]} == {"cube", "thing"}


def test_boxes_are_in_the_frame_of_the_view_and_only_its_things_are_found(finds, pictures):
    shown = pictures[0]
    (everything,) = finds.detect([DetectRequest(shown.whole, ("thing",))])
    first = max(everything, key=lambda d: d.score)
    x1, y1, x2, y2 = first.box_xyxy
    view = View(shown.image, (max(0, x1 - 4), max(0, y1 - 4), x2 + 4, y2 + 4))
    (inside,) = finds.detect([DetectRequest(view, ("thing",))])
    left, top, _, _ = view.bounds
    moved = [(a + left, b + top, c + left, d + top) for a, b, c, d in (d.box_xyxy for d in inside)]
    assert first.box_xyxy in [pytest.approx(box) for box in moved]
    assert len(inside) < len(everything)


@pytest.mark.parametrize("phrase", ["dog", "red dog", "cube on the left", "cone"])
def test_what_the_models_do_not_know_is_refused_with_what_to_do(finds, pictures, phrase):
    with pytest.raises(UnservedError, match=r"do not know .* viper models pull small"):
        finds.detect([DetectRequest(pictures[0].whole, (phrase,))])


@pytest.mark.parametrize("attribute", ["color", "shape", "material", "size"])
def test_the_matcher_tells_the_attributes_of_things(matches, pictures, attribute):
    kinds = {
        "color": tuple(SPELLINGS)[:8],
        "shape": ("cube", "sphere", "cylinder"),
        "material": ("rubber", "metal"),
        "size": ("small", "large"),
    }
    options = kinds[attribute]
    texts = np.stack(matches.embed_texts(options))
    right = asked = 0
    for shown in pictures:
        views = [shown.view(number) for number in range(len(shown.objects))]
        chosen = (np.stack(matches.embed_images(views)) @ texts.T).argmax(axis=1)
        right += sum(options[c] == t[attribute] for c, t in zip(chosen, shown.objects, strict=True))
        asked += len(views)
    assert right >= 0.93 * asked


def test_words_for_the_same_lie_together_and_strange_words_lose(matches, pictures):
    texts = ["red", "blue", "black", "wooden thing"]
    thing, shown = next(
        (n, s) for s in pictures for n, t in enumerate(s.objects) if t["color"] in ("red", "blue")
    )
    (image,) = matches.embed_images([shown.view(thing)])
    fits = [float(image @ text) for text in matches.embed_texts(texts)]
    assert texts[int(np.argmax(fits))] == shown.objects[thing]["color"]
    same = matches.embed_texts(["small shiny ball", "tiny metal sphere", "large rubber cube"])
    assert same[0] @ same[1] > 0.9 > same[0] @ same[2]


def test_vectors_are_unit_vectors_whatever_stands_beside_them(matches, pictures):
    views = [pictures[1].view(0), pictures[0].view(0), pictures[1].view(1)]
    together = matches.embed_images(views)
    for view, vector in zip(views, together, strict=True):
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert np.allclose(vector, matches.embed_images([view])[0], atol=1e-5)
    assert matches.embed_images([]) == matches.embed_texts([]) == []
    assert matches.refusal("red cube") is None
    assert "'dog'" in (matches.refusal("dog") or "")


def test_the_depth_of_things_has_their_order(ranges, pictures):
    right = asked = 0
    for shown in pictures:
        views = [shown.view(number) for number in range(len(shown.objects))]
        depths = ranges.measure(views)
        true = [thing["pixel_coords"][2] for thing in shown.objects]
        for a, b in itertools.combinations(range(len(views)), 2):
            right += (depths[a] < depths[b]) == (true[a] < true[b])
            asked += 1
    assert right >= 0.96 * asked


@pytest.mark.parametrize("size", [(480, 320), (97, 61), (200, 300)])
def test_a_depth_map_has_the_size_of_its_picture_and_grows_with_distance(ranges, pictures, size):
    from PIL import Image

    from viper.images.decoding import open_image

    picture = Image.fromarray(pictures[0].image.pixels()).resize(size)
    (found,) = ranges.estimate([open_image(picture)])
    assert found.shape == (size[1], size[0])
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (
        found[: size[1] // 8].mean() > found[-size[1] // 8 :].mean()
    )  # the ground behind, in front


def test_a_picture_of_another_kind_is_doubted(finds, matches, ranges, pictures, strange):
    for backend in (finds, matches, ranges):
        assert all(backend.doubt(shown.image) is None for shown in pictures)
        assert "does not look like a picture of the small world" in (backend.doubt(strange) or "")


def test_what_the_backends_say_of_themselves(finds, matches, ranges):
    assert finds.has_distinct_detections
    assert finds.vocabulary is None
    assert matches.certainty is not None
    assert ranges.measure is not None
    assert finds.fingerprint == matches.fingerprint == ranges.fingerprint
    assert finds._viewer is matches._viewer  # what one has seen, the others need not look at again


def test_the_weights_fit_into_the_wheel():
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15_000_000
    assert not [path for path in files if path.suffix in (".pt", ".bin", ".pkl")]


@pytest.mark.parametrize("load", [detector.load, matcher.load, depth.load])
def test_a_folder_without_weights_or_with_others_is_refused(load, tmp_path):
    with pytest.raises(ConfigError, match=r"There is no file .*python -m viper\.builtin\.train"):
        load(str(tmp_path), {})
    for name in GRAPHS:
        (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match=r"cannot be read as an ONNX graph.*builtin:FOLDER"):
        load(str(tmp_path), {})
    for name in GRAPHS:  # each is a graph, but not the one that its name says
        (tmp_path / name).write_bytes((SHIPPED / GRAPHS[0]).read_bytes())
    with pytest.raises(ConfigError, match="no scales of matching"):
        load(str(tmp_path), {})
    with pytest.raises(ConfigError, match="threshold"):
        load("", {"threshold": "1"})
