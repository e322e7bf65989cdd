"""`viper trace`, in process."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import runs
from viper.cli import cli
from viper.cli import trace_text as trace_words
from viper.trace import compare as compare_module
from viper.trace.files import trace_text
from viper.trace.schema import schema_text


def viper(*arguments, **env):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def stored(tmp_path, fake_engine):
    """Writes runs to files: a name of a program, and what to change."""

    def store(file, name, change=lambda value: None, **options):
        answer = runs.run_of(fake_engine, runs.PROGRAMS[name], **options)
        value = json.loads(trace_text(answer.trace.to_json()))
        change(value)
        path = tmp_path / file
        path.write_text(trace_text(value))
        return path

    return store


def test_a_run_is_shown_with_each_call_under_its_line(stored):
    path = stored("run.json", "number", question="How many cups?")
    lines = viper("trace", "show", path, COLUMNS="300").stdout.splitlines()
    assert lines[:4] == [
        "question     How many cups?",
        "answer       8",
        "outcome      answered",
        lines[3],
    ]
    assert lines[3].startswith("boxes        cup 0.90 (0, 0, 8, 20); cup 0.89")
    at = lines.index("program 1 of 1 by file")
    assert lines[at + 2] == "   2      return len(ImagePatch(image).find('cup'))"
    assert lines[at + 3].startswith(
        "      → find('cup') on (0, 0, 100, 80) = 8 × [cup 0.90 (0, 0, 8, 20), cup 0.89"
    )
    assert "score 0.90 · fake:detector · 1 forward · " in lines[at + 3]
    assert "returned     8" in lines
    assert lines[-1].startswith("sums         1 call (0 cached) · forwards: detector 1 · ")


def test_a_failure_stands_at_its_line(stored):
    text = viper("trace", "show", stored("run.json", "runtime failure"), COLUMNS="200").stdout
    assert "   3      return image.find('cup')[50]\n" in text
    assert "      ✗ runtime: IndexError: list index out of range" in text
    assert text.index("find('cup') on") < text.index("✗ runtime")
    assert "findings" not in text
    text = viper("trace", "show", stored("run.json", "syntax"), COLUMNS="200").stdout
    assert "✗ syntax: " in text


def test_many_calls_of_a_line_are_cut_unless_all_are_wanted(stored):
    path = stored("run.json", "a hundred calls")
    text = viper("trace", "show", path, COLUMNS="200").stdout
    assert "… 92 more calls (--all shows them)" in text
    assert text.count("→ exists(") == 8
    assert viper("trace", "show", path, "--all", COLUMNS="200").stdout.count("→ exists(") == 100


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_lines_fit_the_width_of_the_terminal(stored, columns):
    path = stored("run.json", "dict, set and tuple")
    text = viper("trace", "show", path, COLUMNS=str(columns)).stdout
    assert max(map(len, text.splitlines())) <= columns


def test_hostile_text_cannot_act_on_the_terminal(stored):
    escape = "\x1b]0;pwned\x07\x1b[2J[bold red]x[/]\r\n\u202e"

    def change(value):
        value["question"] = value["viper"] = value["generator"] = value["answer"] = escape
        value["images"][0]["name"] = escape
        value["models"] = {escape: escape}
        value["votes"] = {"n": 1, "answers": {escape: 1}, "failed": 0}
        attempt = value["turns"][0]
        attempt["source"] = f"# {escape}\n".replace("\r", "") + attempt["source"]
        attempt["printed"] = attempt["generator"] = escape
        attempt["notes"] = attempt["unverified"] = [escape]
        attempt["returned"] = {"type": "dict", "items": [[escape, [escape]]]}
        attempt["findings"] = [{"kind": "check", "line": 1, "message": escape}]
        call = attempt["calls"][0]
        call["notes"] = call["arguments"] = [escape]
        call["method"] = call["model"] = call["result"] = escape

    path = stored("run.json", "number", change)
    other = stored("other.json", "number")
    for result in (
        viper("trace", "show", path),
        viper("trace", "diff", path, other),
        viper("trace", "diff", other, path, "--times"),
        viper("replay", path),
    ):
        both = result.stdout + result.stderr
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(both)
        assert "pwned" in both


def test_colours_are_for_terminals_and_not_with_no_color(stored):
    path = stored("run.json", "number")
    coloured = viper("trace", "show", path, FORCE_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b[" in coloured
    plain = viper("trace", "show", path, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")
    assert "\x1b[3" not in plain.stdout
    assert "\x1b[" not in viper("trace", "show", path).stdout


def test_json_is_what_ask_printed(stored):
    path = stored("run.json", "number")
    shown = json.loads(viper("trace", "show", path, "--json").stdout)
    assert (shown["answer"], shown["calls"]) == ("8", 1)


def test_equal_runs_are_said_to_be_the_same(stored):
    first, second = stored("a.json", "number"), stored("b.json", "number")
    result = viper("trace", "diff", first, second)
    assert (result.exit_code, result.stdout) == (0, "The runs are the same.\n")
    assert viper("trace", "diff", first, second, "--times").exit_code == 1
    told = json.loads(viper("trace", "diff", first, second, "--json").stdout)
    assert told == {"same": True, "fields": [], "programs": [], "calls": [], "measures": []}


def test_runs_that_differ_are_told_apart(stored):
    def change(value):
        value["turns"][0]["calls"][0]["result"].pop()
        value["turns"][0]["source"] += "# the end\n"

    first, second = stored("a.json", "number"), stored("b.json", "number", change)
    third = stored("c.json", "same call twice")
    result = viper("trace", "diff", first, second, COLUMNS="400")
    assert result.exit_code == 1
    assert "program 1\n    --- A\n    +++ B\n" in result.stdout
    assert "    +# the end\n" in result.stdout
    assert "line 2 find('cup') on (0, 0, 100, 80): 8 × [cup 0.90" in result.stdout
    assert " → 7 × [cup 0.90" in result.stdout
    text = viper("trace", "diff", first, third, COLUMNS="400").stdout
    assert "answer: '8' → '7'" in text
    assert "- line 2 find('cup') on (0, 0, 100, 80) = 8 × [" in text
    assert "+ line 3 find('dog') on (0, 0, 100, 80) = [dog 0.90" in text


def test_a_file_that_is_no_trace_is_one_line(stored, tmp_path):
    path = stored("run.json", "number")
    (tmp_path / "no.json").write_text("{}")
    for arguments in (["show", tmp_path / "no.json"], ["diff", path, tmp_path / "no.json"]):
        result = viper("trace", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        (line,) = result.stderr.splitlines()
        assert "It is not a Viper trace" in line


def test_the_schema_is_printed_as_it_is_published():
    result = viper("trace", "schema")
    assert (result.exit_code, result.stdout) == (0, schema_text())


SEPARATORS = ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def forged(separator):
    """A program with a comment that would pass for two lines of code."""
    lines = [
        "def execute_command(image):",
        "    # x",
        "    if image.exists('dog'):",
        "        return 'none'",
    ]
    return f"{lines[0]}\n{separator.join(lines[1:])}\n    return len(image.find('cup'))\n"


@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_a_comment_cannot_pass_for_lines_of_code(
    stored, fake_engine, tmp_path, separator, monkeypatch
):
    trace = runs.run_of(fake_engine, forged(separator)).trace
    path, other = tmp_path / "one.json", tmp_path / "two.json"
    path.write_text(trace_text(trace.to_json()))
    lines = viper("trace", "show", path, COLUMNS="300").stdout.split("\n")
    at = lines.index("program 1 of 1 by file")
    assert [line[:6] for line in lines[at + 1 : at + 5]] == ["   1  ", "   2  ", "   3  ", "      "]
    assert lines[at + 3] == "   3      return len(image.find('cup'))"
    assert lines[at + 4].startswith("      → find('cup')")
    # The same program with real line feeds is another program.
    value = trace.to_json()
    value["turns"][0]["source"] = forged("\n")
    other.write_text(trace_text(value))
    text = viper("trace", "diff", path, other, COLUMNS="300").stdout
    assert "\n    +        return 'none'\n" in text
    assert f"\n  \\ -    # x{ascii(separator)[1:-1]}    if image.exists" in text
    # The control: both programs have the same lines for `splitlines`.
    monkeypatch.setattr(trace_words, "lines_of", str.splitlines)
    monkeypatch.setattr(compare_module, "lines_of", str.splitlines)
    assert "   3      if image.exists" in viper("trace", "show", path, COLUMNS="300").stdout
    assert "return 'none'" not in viper("trace", "diff", path, other, COLUMNS="300").stdout


PAIRS = {
    "two control characters": ("# a\x01b", "# a\x02b"),
    "an escape and its text": ("# \u200b", r"# \u200b"),
    "a backslash beside a control character": ("# \\\x01", "# \\\\\x01"),
    "tab and spaces": ("if a:\tb", "if a:   b"),
    "a space at the end": ("a = 1", "a = 1 "),
    "the end of a long line": ("# " + "a" * 5_000, "# " + "a" * 4_999 + "b"),
    "zero width": ("a = 'ab'", "a = 'a\u200bb'"),
    "direction": ("a = 'ab'", "a = '\u202eba'"),
    "no line feed at the end": ("a = 1\n", "a = 1\n\n"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_programs_that_differ_never_look_the_same_in_a_diff(stored, name, monkeypatch):
    first, second = (
        stored(f"{i}.json", "number", lambda v, code=code: v["turns"][0].update(source=code))
        for i, code in enumerate(PAIRS[name])
    )

    def sides():
        text = viper("trace", "diff", first, second, COLUMNS="9000").stdout
        lines = text[text.index("    @@") :].split("\n")[1:]
        return [
            [line[:4] + line[5:] for line in lines if line[4:5] in (sign, " ")] for sign in "-+"
        ]

    removed, added = sides()
    assert removed != added
    assert all(line.isprintable() for line in removed + added)
    if name == "no line feed at the end":
        return
    # The control: lines that are cut and replaced look the same.
    monkeypatch.setattr(
        trace_words,
        "_diff_line",
        lambda line: f"    {line[0]}{trace_words._code(line[1:])}".rstrip(),
    )
    removed, added = sides()
    assert (removed == added) == (name not in VISIBLE)


VISIBLE = {
    "an escape and its text",
    "a backslash beside a control character",
    "zero width",
    "direction",
}
"""Pairs that would look the same only where escapes are not marked, or backslashes not doubled."""


@pytest.mark.parametrize("plain", [{"type": "dict", "items": ""}, {"type": "dict", "items": "abc"}])
def test_models_that_look_like_a_dict_of_a_program_are_compared(stored, plain):
    first, second, again = (
        stored(
            f"{number}.json",
            "number",
            lambda v, own=own: v.update(models={**plain, "detector": own}),
        )
        for number, own in enumerate(("good", "evil", "good"))
    )
    result = viper("trace", "diff", first, second)
    assert (result.exit_code, result.stdout) == (1, "models.detector: 'good' → 'evil'\n")
    assert viper("trace", "diff", first, again).stdout == "The runs are the same.\n"  # the control
    assert "Traceback" not in viper("replay", first).output


@pytest.mark.parametrize("attributes", [{"type": "patch"}, {"type": "dict"}, {"type": "object"}])
def test_attributes_that_look_like_a_value_of_a_program_are_displayed(stored, attributes):
    thing = {"type": "object", "class": "Mask", "attributes": attributes, "id": "1"}
    box = {"image": 0, "box_xyxy": [0, 0, 1, 1], "score": 0.5, "category": "cup"}

    def returned(value):
        return lambda trace: trace["turns"][0].update(returned=value)

    first = stored("1.json", "number", returned(thing))
    second = stored("2.json", "number", returned({"type": "patch", **box}))
    result = viper("trace", "diff", first, second)
    assert result.exit_code == 1
    assert (
        f"turns[0].returned.attributes: {{'type': '{attributes['type']}'}} → None" in result.stdout
    )
