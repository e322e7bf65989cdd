"""No verb takes a gigabyte of memory for any file that the reader accepts: the largest ones of each shape."""

from __future__ import annotations

import json

import pytest

from fakes import hostile_traces
from fakes.peak_memory import run_measured
from viper.errors import InputError
from viper.trace import large_images, read
from viper.trace.read import read_trace, trace_of

MOST_MEGABYTES = 1_000
VALUES, TEXT_BYTES = 1_450_000, 31_000_000
EMOJI = "\U0001f600"

VERB = """
sys.argv[0] = "viper"
runpy.run_module("viper", run_name="__main__")
"""


def items(one, values):
    """The text of a list of as many items as may be, given how many values each has."""
    yield "["
    for _ in range(VALUES // values // 1000):
        yield (one + ",") * 1000
    yield "0]"


def texts():
    width = TEXT_BYTES // VALUES - 7
    yield "["
    for start in range(0, VALUES, 1000):
        yield "".join(f'"{EMOJI}{start + i:a>{width}}",' for i in range(1000))
    yield "0]"


def objects():
    attributes = ",".join(f'"k{i}\u0100":{i}' for i in range(990))
    one = '{"type":"object","class":"c","id":"i","attributes":{' + attributes + "}}"
    yield "[" + ",".join([one] * (VALUES // 996)) + "]"


def image():
    yield '"data:image/png;base64,'
    for _ in range(240):
        yield "A" * 1_000_000
    yield '"'


PATCH = '{"type":"patch","image":0,"box_xyxy":[1.5,2.5,3.5,4.5],"score":0.25,"category":"c"}'
OLD_PATCH = '{"box_xyxy":[1.5,2.5,3.5,4.5],"score":0.25,"category":"c"}'
HOLE = "@@"

# Version, where, and the text that stands there.
SHAPES = {
    "numbers": (4, "returned", lambda: items("0", 1)),
    "lists": (4, "returned", lambda: items("[]", 2)),
    "dicts": (4, "returned", lambda: items('{"type":"dict","items":[["a",0]]}', 7)),
    "patches": (4, "returned", lambda: items(PATCH, 10)),
    "keys": (4, "returned", objects),
    "texts": (4, "returned", texts),
    "one text": (4, "printed", lambda: ['"', EMOJI, "a" * TEXT_BYTES, '"']),
    "markup": (4, "printed", lambda: ['"', "<" * TEXT_BYTES, '"']),
    "accents": (4, "printed", lambda: ['"', "é" * (TEXT_BYTES // 2), '"']),
    "escapes": (4, "printed", lambda: ['"', "\\u0001" * (TEXT_BYTES // 6), '"']),
    "escapes beside commas": (
        4,
        "printed",
        lambda: ['"', "," * 1_600_000, r"\n" * (TEXT_BYTES // 2 - 1_000_000), '"'],
    ),
    "an image": (4, "image", image),
    "dicts of version 3": (3, "returned", lambda: items('{"a":0}', 7)),
    "empty dicts of version 3": (3, "returned", lambda: items("{}", 5)),
    "dicts of version 2": (2, "returned", lambda: items('{"a":0}', 7)),
    "patches of version 2": (2, "returned", lambda: items(OLD_PATCH, 19)),
}


def recorded(version):
    """A recorded run, in a form in which versions 3 and 4 do not differ."""
    value = json.loads((hostile_traces.FOLDER / "floats.json").read_text(encoding="utf-8"))
    return value if version == 2 else trace_of(value).to_json() | {"version": version}


def written(path, version, place, parts, question="q"):
    """Write a trace with a large part, without holding it: what this process takes, its children inherit."""
    value = recorded(version)
    value["question"] = question
    turns = "attempts" if version == 2 else "turns"
    if place == "image":
        value["embedded"] = {"images": [HOLE], "crops": []}
    else:
        value[turns][0][place] = HOLE
    before, after = json.dumps(value, separators=(",", ":")).split(json.dumps(HOLE))
    with path.open("w", encoding="utf-8") as file:
        for part in (before, *parts(), after):
            file.write(part)
    return path


def megabytes_of(*arguments, folder):
    """Run a verb; return its peak of memory."""
    with (folder / "out").open("wb") as out, (folder / "messages").open("wb") as messages:
        status, megabytes = run_measured(VERB, arguments, stdout=out, stderr=messages)
    told = (folder / "messages").read_text(encoding="utf-8")
    assert status in (0, 1), told[-1_000:]
    assert "Traceback" not in told
    assert "cannot be used" not in told, told[-1_000:]
    return megabytes


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "verb", ["show", "show --json", "diff", "replay", "replay --json", "page", "again"]
)
def test_every_verb_takes_bounded_memory_for_the_largest_file_of_each_shape(verb, shape, tmp_path):
    run = written(tmp_path / "run.json", *SHAPES[shape])
    match verb:
        case "diff":
            other = written(tmp_path / "other.json", *SHAPES[shape], question="other")
            arguments = ["trace", "diff", run, other]
        case "page" | "again":
            to = tmp_path / ("page.html" if verb == "page" else "again.json")
            arguments = ["replay", run, "--trace", to]
        case "replay" | "replay --json":
            arguments = [*verb.split(), run]
        case _:
            arguments = ["trace", *verb.split(), run]
    assert megabytes_of(*arguments, folder=tmp_path) < MOST_MEGABYTES


@pytest.mark.slow
def test_the_measure_notices_a_reader_that_keeps_more(tmp_path):
    run = written(tmp_path / "run.json", *SHAPES["an image"])
    code = f"import json; text = open({str(run)!r}).read(); value = json.loads(text); json.dumps(value)"
    status, megabytes = run_measured(code, [])
    assert status == 0
    assert megabytes > 700, "three copies of 240 MB, for a plain reader"


# -- the limits themselves, on small files

OLD_VALUES = {
    "dicts": [{"a": 0}] * 400,
    "empty dicts": [{}] * 400,
    "dicts in dicts": [{"a": {"a": {"a": 0}}}] * 150,
    "dicts of many keys": [{f"k{i}": i for i in range(50)}] * 10,
    "dicts in lists": [[{"a": []}]] * 300,
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", OLD_VALUES)
def test_a_trace_that_grows_when_it_is_upgraded_is_counted_as_what_it_becomes(
    name, version, tmp_path, monkeypatch
):
    value = recorded(version)
    value["attempts" if version == 2 else "turns"][0]["returned"] = OLD_VALUES[name]
    path = tmp_path / "run.json"
    path.write_text(json.dumps(value))
    upgraded = json.dumps(read_trace(path).to_json())  # the control: so many values may be
    becomes = sum(map(upgraded.count, "[{,"))
    own = sum(map(path.read_text().count, "[{,"))
    assert own < becomes
    monkeypatch.setattr(read, "_MAX_PARTS", (own + becomes) // 2)
    with pytest.raises(InputError, match="values"):
        read_trace(path)
    monkeypatch.setattr(read, "_check_upgraded_parts", lambda value: None)
    assert read_trace(path)  # the control: without the count it passes


LARGE_IMAGE = "data:image/png;base64," + "A" * 2_000_000


def changed(**more):
    return recorded(4) | more


@pytest.mark.parametrize(
    "embedded",
    [{"images": [LARGE_IMAGE], "crops": []},
     {"images": [LARGE_IMAGE, LARGE_IMAGE + "B"], "crops": []},
     {"images": ["data:image/png;base64,AA=="], "crops": []},
     {"images": [], "crops": [{"image": 0, "box_xyxy": [0, 0, 1, 1],
                               "data": LARGE_IMAGE.replace("png", "jpeg")}]}],
    ids=["one", "two", "a small one", "a crop"],
)  # fmt: skip
def test_large_images_are_read_as_they_were_written(embedded, tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(changed(embedded=embedded)))
    assert read_trace(path).to_json()["embedded"] == embedded


OUTSIDE = {
    "a question": {"question": LARGE_IMAGE},
    "an answer": {"answer": LARGE_IMAGE},
    "a note": {"unverified": [LARGE_IMAGE]},
    "a choice": {"choices": [LARGE_IMAGE], "embedded": {"images": [LARGE_IMAGE], "crops": []}},
    "a key": {"models": {LARGE_IMAGE: "x"}},
    "a mark of another": {
        "question": LARGE_IMAGE,
        "embedded": {"images": ["data:image/png;base64,#1"], "crops": []},
    },
}


@pytest.mark.parametrize("change", OUTSIDE.values(), ids=OUTSIDE)
def test_an_image_outside_of_embedded_is_refused(change, tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(changed(**change)))
    with pytest.raises(InputError, match="holds an image outside of embedded"):
        read_trace(path)
    monkeypatch.setattr(read, "with_images", lambda trace, images: trace)
    assert "base64,#" in json.dumps(read_trace(path).to_json())  # the control: a mark is left


@pytest.mark.parametrize(
    "text",
    ["a" * 600, "é" * 300, EMOJI * 150, "\\u0001" * 100, "data:image/png;base64," + "A" * 578],
    ids=["ascii", "accents", "emoji", "escapes", "a small image"],
)
def test_what_is_beside_large_images_is_bounded(text, tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    value = changed(question=HOLE, embedded={"images": [LARGE_IMAGE], "crops": []})
    path.write_text(json.dumps(value).replace(HOLE, text), encoding="utf-8")
    size = len(path.read_bytes()) - len(LARGE_IMAGE)
    monkeypatch.setattr(read, "_MAX_TEXT_BYTES", size - 500)
    assert read.is_too_large(path.read_bytes())
    with pytest.raises(InputError, match="bytes beside its images"):
        read_trace(path)
    monkeypatch.setattr(read, "_MAX_TEXT_BYTES", size + 500)
    assert read_trace(path)  # the control
    assert not read.is_too_large(path.read_bytes())


def test_the_image_of_a_program_at_its_limits_is_not_large():
    assert (
        large_images.without_images(b'"data:image/png;base64,' + b"A" * 1_000_000 + b'"')[1] == {}
    )
