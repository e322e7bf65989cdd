from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from fakes.views import image, view
from viper.errors import ConfigError, ModelError, UnservedError
from viper.images.image import View
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import DetectRequest

# Looked for, not imported: the backend must be the first to import it.
if find_spec("ultralytics") is None:
    pytest.skip("the extra ultralytics is not installed", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def sealed():
    """The backend first: it imports the library with settings in a temporary folder."""
    from viper.backends import ultralytics

    return ultralytics


@pytest.fixture(scope="module")
def files(tmp_path_factory, sealed):
    from fakes import tiny_yolo

    folder = tmp_path_factory.mktemp("yolo")
    kinds = ("closed", "end_to_end", "segmenting", "classifying", "world", "yoloe")
    paths = {kind: getattr(tiny_yolo, kind)(folder / f"{kind}.pt") for kind in kinds}
    return {**paths, "clip": tiny_yolo.clip(folder / "clip")}


def load(path, query=""):
    text = f"ultralytics:{path}?device=cpu&score_threshold=0.0{query}"
    return open_backend(BackendRef.parse("detector", text))


def load_open(files, kind):
    return load(files[kind], f"&text_encoder=transformers:{files['clip']}")


def ask(detector, one_view, *phrases):
    return detector.detect([DetectRequest(one_view, phrases)])[0]


def paired(left, right):
    """Return `right` in the order of `left`: each with the nearest box of its phrase.

    Sorted by rounded edges, two that lie next to a rounding edge would change places.
    """
    rest, chosen = list(right), []
    for one in left:

        def gap(other, one=one):
            return np.abs(np.subtract(one.box_xyxy, other.box_xyxy)).max() + abs(
                one.score - other.score
            )

        nearest = min((d for d in rest if d.phrase == one.phrase), key=gap)
        rest.remove(nearest)
        chosen.append(nearest)
    return chosen


def assert_same(left, right):
    assert sorted(d.phrase for d in left) == sorted(d.phrase for d in right)
    right = paired(left, right)
    boxes = [np.array([d.box_xyxy for d in side]).reshape(-1, 4) for side in (left, right)]
    np.testing.assert_allclose(*boxes, atol=1e-2)  # pixels
    scores = [np.array([d.score for d in side]) for side in (left, right)]
    np.testing.assert_allclose(*scores, atol=1e-4)


@pytest.mark.parametrize("kind", ["closed", "end_to_end", "segmenting"])
def test_a_closed_model_reports_its_classes_inside_the_crop(files, kind):
    detector = load(files[kind])
    assert detector.vocabulary == ("mug", "dog", "cat")
    found = ask(detector, view(50, 40))
    assert found
    for detection in found:
        assert detection.phrase in detector.vocabulary
        x1, y1, x2, y2 = detection.box_xyxy
        assert 0 <= x1 < x2 <= 50
        assert 0 <= y1 < y2 <= 40


@pytest.mark.parametrize("kind", ["closed", "segmenting"])
def test_boxes_are_those_of_the_library(files, kind, tmp_path, monkeypatch):
    from ultralytics import YOLO

    monkeypatch.chdir(tmp_path)
    one_view = view(64, 48)  # is padded but not resized, which the library does with OpenCV
    model = YOLO(files[kind])
    (expected,) = model.predict(
        one_view.pixels()[..., ::-1],  # it takes BGR
        imgsz=64,
        rect=False,
        conf=0.0001,
        iou=0.7,
        max_det=3000,
        device="cpu",
        verbose=False,
        save=False,
    )
    mine = ask(load(files[kind]), one_view)
    rows = expected.boxes.data.tolist()  # x1, y1, x2, y2, score, class
    assert rows
    for *box, score, number in rows:
        twin = min(mine, key=lambda d: np.abs(np.subtract(d.box_xyxy, box)).max())
        np.testing.assert_allclose(twin.box_xyxy, box, atol=1e-2)
        assert twin.score == pytest.approx(score, abs=1e-4)
        assert twin.phrase == expected.names[int(number)]


@pytest.mark.parametrize("kind", ["closed", "end_to_end", "world", "yoloe"])
def test_a_batch_gives_what_its_requests_give_one_by_one(files, kind):
    is_open = kind in ("world", "yoloe")
    detector = load_open(files, kind) if is_open else load(files[kind])
    asked = [("dog",), ("a red mug", "cat"), ("cat",)] if is_open else [(), (), ()]
    views = [view(50, 40, 1), view(30, 60, 2), view(50, 40, 3)]
    requests = [DetectRequest(*pair) for pair in zip(views, asked, strict=True)]
    together = detector.detect(requests)
    assert len(together) == 3
    for result, request in zip(together, requests, strict=True):
        assert_same(result, detector.detect([request])[0])
    assert detector.detect([]) == []


@pytest.mark.parametrize("kind", ["world", "yoloe"])
def test_any_phrase_may_be_asked_of_an_open_model(files, kind):
    detector = load_open(files, kind)
    assert detector.vocabulary is None
    found = ask(detector, view(50, 40), "a red mug", "dog")
    by_phrase = {
        phrase: [d.score for d in found if d.phrase == phrase] for phrase in ("a red mug", "dog")
    }
    assert len(by_phrase["dog"]) == len(by_phrase["a red mug"]) > 0
    assert by_phrase["dog"] != by_phrase["a red mug"]


def test_yolo_world_scores_are_those_of_its_network_for_the_given_text_features(files, sealed):
    from viper.backends.ultralytics_network import read_checkpoint

    model = read_checkpoint(files["world"], trust=False)
    detector = load_open(files, "world")
    encoder = open_backend(
        BackendRef.parse("matcher", f"transformers:{files['clip']}?templates=plain&device=cpu")
    )
    features = torch.from_numpy(encoder.embed_texts(["dog"])[0]).reshape(1, 1, -1)
    one_view = view(64, 64)  # fits the input exactly
    picture = torch.from_numpy(one_view.pixels().copy()).permute(2, 0, 1)[None].float() / 255
    model.model[-1].nc = 1
    with torch.no_grad():
        output = model.predict(picture, txt_feats=features)[0][0]  # (4 + 1, N)
    expected = output[4].sort(descending=True).values.numpy()
    found = ask(detector, one_view, "dog")
    np.testing.assert_allclose([d.score for d in found], expected[: len(found)], atol=1e-5)


@pytest.mark.parametrize("phrases", [(), ("",), ("dog", " ")], ids=str)
def test_an_open_model_refuses_a_request_without_a_phrase(files, phrases):
    with pytest.raises(UnservedError, match="at least one"):
        ask(load_open(files, "world"), view(50, 40), *phrases)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3)], ids=str)
def test_crops_of_extreme_shape_are_served(files, size):
    for detection in ask(load(files["closed"]), view(*size)):
        assert detection.box_xyxy[2] <= size[0]
        assert detection.box_xyxy[3] <= size[1]


def test_boxes_are_in_the_frame_of_the_crop(files):
    whole = image(80, 60)
    crop = whole.pixels()[10:50, 20:70]
    detector = load(files["closed"])
    cut_out = type(whole)("other", (50, 40), load=lambda: crop)
    inside = ask(detector, View(whole, (20.0, 10.0, 70.0, 50.0)))
    assert_same(inside, ask(detector, View(cut_out, (0.0, 0.0, 50.0, 40.0))))


def test_without_a_text_encoder_yolo_world_has_the_classes_of_its_file(files):
    detector = load(files["world"], "&text_encoder=none")
    assert detector.vocabulary == ("mug", "dog", "cat")
    assert {d.phrase for d in ask(detector, view(50, 40))} <= {"mug", "dog", "cat"}


def test_yoloe_without_classes_of_its_own_needs_a_text_encoder(files):
    with pytest.raises(ConfigError, match="open_clip:MobileCLIP-B"):
        load(files["yoloe"], "&text_encoder=none")


def test_a_prompt_free_yoloe_has_the_classes_that_were_set_into_it(files, tmp_path, sealed):
    from viper.backends.ultralytics_network import read_checkpoint

    model = read_checkpoint(files["yoloe"], trust=False)
    model.set_classes(["sky", "sea"], torch.nn.functional.normalize(torch.randn(1, 2, 512), dim=-1))
    model.model[-1].fuse(model.pe)
    del model.pe
    torch.save({"model": model, "train_args": {"imgsz": 64}}, tmp_path / "fused.pt")
    with pytest.raises(ConfigError, match=r"add trust=true"):
        load(tmp_path / "fused.pt")  # its layers are not those of its description
    detector = load(tmp_path / "fused.pt", "&trust=true")
    assert detector.vocabulary == ("sky", "sea")
    assert {d.phrase for d in ask(detector, view(50, 40))} <= {"sky", "sea"}


def test_an_unknown_text_model_is_asked_for(files, tmp_path, sealed):
    from viper.backends.ultralytics_network import read_checkpoint

    model = read_checkpoint(files["yoloe"], trust=False)
    model.text_model = "future:x"
    torch.save({"model": model, "train_args": {}}, tmp_path / "future.pt")
    with pytest.raises(ConfigError, match=r"text model 'future:x'.*text_encoder="):
        load(tmp_path / "future.pt")


def test_a_text_encoder_of_another_size_is_refused(files, tmp_path):
    from fakes import tiny_models

    clip = tiny_models.clip(tmp_path / "clip")
    with pytest.raises(ConfigError, match="gives 16 numbers per phrase, but this model takes 512"):
        load(files["world"], f"&text_encoder=transformers:{clip}")


def test_a_text_encoder_that_is_not_there_is_named(files):
    with pytest.raises(ConfigError, match=r"text encoder of this world model .* '/no/clip'.*=none"):
        load(files["world"], "&text_encoder=transformers:/no/clip")


def test_a_closed_model_takes_no_text_encoder(files):
    with pytest.raises(ConfigError, match="takes no text_encoder"):
        load(files["closed"], f"&text_encoder=transformers:{files['clip']}")


def test_a_model_that_is_no_detector_is_refused(files):
    with pytest.raises(ConfigError, match="is a model for 'classify'"):
        load(files["classifying"])


class Payload:
    """A pickle that would write a file when it is loaded with trust."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    torch.save({"model": Payload(tmp_path / "ran")}, tmp_path / "evil.pt")
    with pytest.raises(ConfigError, match="If you trust its origin, add trust=true"):
        load(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_damaged_and_foreign_files_are_refused(tmp_path):
    (tmp_path / "text.pt").write_text("This is no checkpoint.")
    with pytest.raises(ConfigError, match="cannot be loaded as an ultralytics checkpoint"):
        load(tmp_path / "text.pt")
    torch.save({"model": {"weights": torch.zeros(1)}}, tmp_path / "dict.pt")
    with pytest.raises(ConfigError, match="contains a dict, not a network"):
        load(tmp_path / "dict.pt")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("", "has no model. Write ultralytics:FILE"),
        ("yolo11nn.pt", r"no official model has this name\. Did you mean 'yolo11n"),
        ("/no/such/yolo11n.pt", "There is no file '/no/such/yolo11n.pt'"),
        (".", "is a folder"),
    ],
)
def test_references_to_nothing_are_refused(reference, message):
    with pytest.raises(ConfigError, match=message):
        load(reference)


def test_an_official_model_that_cannot_be_downloaded_is_refused_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    asked = []

    def refuse(file, **kwargs):
        asked.append((file, kwargs))
        raise ConnectionError("no network here")

    monkeypatch.setattr("ultralytics.utils.downloads.attempt_download_asset", refuse)
    with pytest.raises(ConfigError, match=r"'yolo11n\.pt' cannot be downloaded: no network here"):
        load("yolo11n.pt")
    target = tmp_path / "ultralytics" / "yolo11n.pt"
    assert asked == [(target, {"retry": 0, "progress": False})]


def test_an_official_model_is_looked_for_where_it_was_downloaded(monkeypatch, tmp_path, files):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "ultralytics").mkdir()
    (tmp_path / "ultralytics" / "yolo11n.pt").write_bytes(files["closed"].read_bytes())
    assert load("yolo11n.pt").vocabulary == ("mug", "dog", "cat")


def test_the_fingerprint_names_the_file_the_encoder_and_the_settings(files):
    first = load(files["closed"]).fingerprint
    assert first == load(files["closed"]).fingerprint
    assert first != load(files["closed"], "&size=96").fingerprint
    assert "text_encoder=" in load_open(files, "world").fingerprint


IMPORT = """
from PIL import Image
pillow_open = Image.open
import os, pathlib, sys
home = pathlib.Path.home()
before = dict(os.environ)
import viper.backends.ultralytics
from ultralytics.utils import AUTOINSTALL, ONLINE
from ultralytics.utils.events import events
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
assert not AUTOINSTALL and not ONLINE and not events.enabled
assert Image.open is pillow_open
assert not list(home.iterdir()), list(home.iterdir())
"""


def test_importing_the_library_leaves_home_and_environment_alone(tmp_path):
    kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        env={**environment, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr == ""


@pytest.mark.parametrize("kind", ["closed", "end_to_end"])
def test_scores_that_are_no_numbers_are_an_error_and_not_an_empty_list(files, kind):
    detector = load(files[kind])
    with torch.no_grad():
        for parameter in detector.network.model.model[-1].parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(ModelError, match="NaN or infinity"):
        ask(detector, view(64, 64))
