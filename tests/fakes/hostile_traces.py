"""Hostile trace files: real ones with one part that Viper would not have written.

`hostile(kind, seed)` returns the bytes of a file. Each kind of `KINDS` attacks one thing that readers rely
on; the same kind and seed give the same bytes.
"""

from __future__ import annotations

import copy
import functools
import json
import random
from pathlib import Path

from viper.trace.read import trace_of

FOLDER = Path(__file__).parents[1] / "replay" / "recorded_0_1"
NAMES = [
    "containers",
    "module_objects",
    "votes_scripted",
    "builtin_with_picture",
    "caught_value_errors",
]
NAMES += ["failed_check_many", "builtin_grounding", "failed_timeout_of_call", "unicode"]

SECRET = "never-opened"
"""Part of each path that a hostile trace names."""

TEXTS = [
    "<script>document.title='broken'</script>", "\"><img src=x onerror=\"document.title='broken'\">",
    "</script><script>document.title='broken'</script>", "\x1b]0;broken\x07", "\u202e\u2028\x9b", "",
    "[bold]x[/bold]", "{{7*7}}", f"/etc/{SECRET}", f"../{SECRET}", f"file:///{SECRET}", "a\r\nb", "\x00",
]  # fmt: skip
SCALARS = [
    None,
    True,
    False,
    -1,
    0,
    1,
    7,
    0.5,
    -0.0,
    2**63 - 1,
    -(2**63),
    1e308,
    "",
    "check",
    "vqa",
    "7",
]
PARTS = [
    [], {}, [1, 2, 3, 4], ["a", 1], [[["b"]]], {"a": 1}, {"type": "patch"}, {"type": ["patch"]},
    {"type": None},
    {"box_xyxy": [1, 2, 3]}, {"box_xyxy": 7, "score": "x", "category": []},
    {"type": "patch", "image": 0, "box_xyxy": "abcd", "score": 1, "category": "x"},
    {"type": "patch", "image": 0, "box_xyxy": [5, 5, 1, 1], "score": 2.5, "category": "x"},
    {"type": "patch", "image": True, "box_xyxy": [0, 0, True, 5], "score": True, "category": "x"},
    {"type": "dict"}, {"type": "dict", "items": 7}, {"type": "dict", "items": [["a"]]},
    {"type": "dict", "items": [[1, 2], [None, 3], [["k"], 4]]},
    {"type": "dict", "items": [["a", 1], ["a", 2]]},
    {"type": "dict", "items": [["model", f"etc/{SECRET}"], ["type", "patch"], ["box_xyxy", [1]]]},
    {"type": "object", "class": 1, "attributes": [], "id": None},
    {"type": "object", "class": "Mask", "attributes": {"a": {"type": "patch"}}, "id": "x"},
    {"model": f"etc/{SECRET}"}, {"kind": "model", "message": f"/etc/{SECRET}"}, {"handle": 1, "object": 2},
]  # fmt: skip


@functools.cache
def _originals():
    """Traces of version 2, as recorded, and of version 4."""
    old = [json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES]
    return [*old, *(trace_of(copy.deepcopy(value)).to_json() for value in old)]


def original(dice):
    return copy.deepcopy(dice.choice(_originals()))


def current(dice):
    """Return a trace of version 4 with at least one call."""
    values = [
        value for value in _originals()[len(NAMES) :] if any(t["calls"] for t in value["turns"])
    ]
    return copy.deepcopy(dice.choice(values))


def places(value, wanted=lambda item: True):
    """Return (holder, key) of each part of a JSON value that is wanted."""
    found, stack = [], [value]
    while stack:
        holder = stack.pop()
        for key, item in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if wanted(item):
                found.append((holder, key))
            if isinstance(item, (dict, list)):
                stack.append(item)
    return found


def _put(value, dice, made, wanted=lambda item: True):
    holder, key = dice.choice(places(value, wanted))
    holder[key] = made
    return value


def _number(item):
    return type(item) in (int, float)


def _text(item):
    return isinstance(item, str)


def _call(value, dice):
    return dice.choice([call for turn in value["turns"] for call in turn["calls"]])


def _values(value):
    """Return (holder, key) of each value of a program."""
    turns = value["turns"]
    calls = [call for turn in turns for call in turn["calls"]]
    return [(turn, "returned") for turn in turns] + [(call, "result") for call in calls]


def swap_of_types(dice):
    return _put(original(dice), dice, copy.deepcopy(dice.choice([*SCALARS, *PARTS])))


def number_that_is_huge(dice):
    huge = dice.choice([2**63, 2**64, 2**63 - 1, -(2**63), 1e308, -1e308, 10**30, 5e-324])
    return _put(original(dice), dice, huge, _number)


def number_of_thousands_of_digits(dice):
    return _put(original(dice), dice, "@@", _number), {
        '"@@"': "9" * dice.choice([400, 5_000, 100_000])
    }


def number_that_is_none(dice):
    return _put(original(dice), dice, "@@", _number), {
        '"@@"': dice.choice(["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
    }


def boolean_for_a_number(dice):
    return _put(original(dice), dice, dice.choice([True, False]), _number)


def size_that_is_none(dice):
    value = current(dice)
    image = dice.choice(value["images"])
    image[dice.choice(["width", "height"])] = dice.choice(
        [0, -1, 1, 2**40, 2**63 - 1, 3.5, "8", True]
    )
    return value


def nesting(dice):
    value, depth = current(dice), dice.choice([10, 33, 60, 104, 2_000])
    shape = dice.choice(["list", "dict", "tagged"])
    holder, key = dice.choice(_values(value))
    holder[key] = "@@"
    ends = {
        "list": ("[", "]"),
        "dict": ('{"a":', "}"),
        "tagged": ('{"type":"dict","items":[["a",', "]]}"),
    }
    begin, end = ends[shape]
    return value, {'"@@"': begin * depth + "1" + end * depth}


def key_twice(dice):
    value = original(dice)
    name = dice.choice(sorted(value))
    return value, {f'"{name}":': f'"{name}": {json.dumps(dice.choice(SCALARS))}, "{name}":'}


def surrogate(dice):
    return _put(original(dice), dice, "@@", _text), {
        '"@@"': dice.choice(['"\\ud800"', '"a\\udfffb"'])
    }


def text_that_acts(dice):
    value, text = original(dice), dice.choice(TEXTS)
    for _ in range(dice.choice([1, 5])):
        _put(value, dice, text, _text)
    return value


def text_of_a_megabyte(dice):
    made = dice.choice(
        ["a" * 1_000_000, "x y\n" * 250_000, '\\"' * 500_000, "é" * 500_000, "\x1b" * 200_000]
    )
    return _put(original(dice), dice, made, _text)


def index_of_nothing(dice):
    value = current(dice)
    wrong = dice.choice([-1, 1, 99, 2**62, None, True, [0]])
    dice.choice(
        [lambda: value.update(chosen=wrong), lambda: _call(value, dice).update(image=wrong),
         lambda: value.update(patches=[{"type": "patch", "image": wrong, "box_xyxy": [0, 0, 1, 1], "score": 1,
                                        "category": "x", "evidence": None}]),
         lambda: value.update(turns=value["turns"] * 3), lambda: value.update(turns=[])]
    )()  # fmt: skip
    return value


def count_that_is_gigantic(dice):
    value, count = current(dice), dice.choice([2**62, 10**9, -(2**62)])
    call = _call(value, dice)
    dice.choice(
        [lambda: value.update(votes={"n": count, "answers": {"a": count}, "failed": count}),
         lambda: call.update(forwards=count, batch_size=count, prefetched=count),
         lambda: call.update(line=count), lambda: value.update(total_ms=float(count)),
         lambda: value["turns"][0]["usage"].update(prompt_tokens=count, completion_tokens=count),
         lambda: value.update(forwards={"detector": count}, requests={"detector": -count})]
    )()  # fmt: skip
    return value


def part_that_is_missing(dice):
    value = original(dice)
    holder, key = dice.choice(places(value))
    del holder[key]
    return value


def part_that_is_unknown(dice):
    value = original(dice)
    holder, _ = dice.choice([place for place in places(value) if isinstance(place[0], dict)])
    holder[dice.choice(["x", "", "type", "__class__", "toJSON", "\x1b"])] = dice.choice(SCALARS)
    return value


def version_that_is_unknown(dice):
    value = original(dice)
    value["version"] = dice.choice([0, 1, 2, 3, 4, 5, 2**70, -3, 3.0, "4", None, [], True])
    return value


def box_off_the_image(dice):
    value = current(dice)
    box = dice.choice(
        [[-5, -5, 1e9, 1e9], [1e308] * 4, [50, 50, 1, 1], [-1e308, -1, 1e308, 1], [0, 0, 0, 0]]
    )
    for holder, key in places(value, lambda item: isinstance(item, list) and len(item) == 4):
        if key == "box_xyxy" and dice.random() < 0.7:
            holder[key] = box
    return value


def value_that_looks_like_the_hosts(dice):
    value = current(dice)
    holder, key = dice.choice(_values(value))
    holder[key] = copy.deepcopy(dice.choice(PARTS))
    return value


def many_of_one(dice):
    value = current(dice)
    turn = dice.choice([turn for turn in value["turns"] if turn["calls"]])
    number = dice.choice([300, 2_000])
    dice.choice(
        [lambda: turn.update(calls=turn["calls"][:1] * number), lambda: turn.update(notes=["n"] * number),
         lambda: turn.update(findings=[{"kind": "check", "line": 1, "message": "m"}] * number),
         lambda: turn.update(source="x = 1\n" * number * 10), lambda: turn.update(returned=[1] * number * 10),
         lambda: value.update(choices=["c"] * number), lambda: value.update(unverified=["u"] * number),
         lambda: value.update(models={f"r{i}": "m" for i in range(number)}),
         lambda: value.update(patches=value["patches"][:1] * number)]
    )()  # fmt: skip
    return value


def path_for_a_name(dice):
    value = current(dice)
    path = dice.choice(
        [
            f"/etc/{SECRET}",
            f"../{SECRET}",
            f"a/{SECRET}",
            f"{SECRET}\x00.png",
            f"\\\\host\\{SECRET}",
        ]
    )
    value["images"][0]["name"] = path
    value["models"] = dict.fromkeys(("detector", "matcher"), f"onnx:{path}")
    value["generator"] = value["turns"][0]["generator"] = f"local:{path}"
    for turn in value["turns"]:
        for call in turn["calls"]:
            call["model"] = f"onnx:{path}"
    return value


def image_that_is_none(dice):
    value = current(dice)
    data = dice.choice(
        ["", "AAAA", "####", "A" * 100_000, "iVBORw0KGgo=" * 50, f"file:///{SECRET}"]
    )
    kind = dice.choice(["png", "jpeg", "svg+xml"])
    crop = {"image": 0, "box_xyxy": [0, 0, 1, 1], "data": f"data:image/{kind};base64,{data}"}
    value["embedded"] = {
        "images": [f"data:image/{kind};base64,{data}"],
        "crops": [crop] * dice.choice([1, 400]),
    }
    return value


def bytes_that_are_cut(dice):
    text = json.dumps(original(dice)).encode()
    at = dice.randrange(len(text))
    return dice.choice(
        [text[:at], text[:at] + b"\xff" + text[at:], text + text, text[at:], b"\xef\xbb\xbf" + text]
    )


KINDS = [
    swap_of_types, number_that_is_huge, number_of_thousands_of_digits, number_that_is_none,
    boolean_for_a_number, size_that_is_none, nesting, key_twice, surrogate, text_that_acts,
    text_of_a_megabyte, index_of_nothing,
    count_that_is_gigantic, part_that_is_missing, part_that_is_unknown, version_that_is_unknown,
    box_off_the_image, value_that_looks_like_the_hosts, many_of_one, path_for_a_name, image_that_is_none,
    bytes_that_are_cut,
]  # fmt: skip


def hostile(kind, seed):
    """Return the bytes of a hostile file."""
    made = kind(random.Random(f"{kind.__name__} {seed}"))
    if isinstance(made, bytes):
        return made
    value, changes = made if isinstance(made, tuple) else (made, {})
    text = json.dumps(value)
    for old, new in changes.items():
        text = text.replace(old, new, 1)
    return text.encode()
