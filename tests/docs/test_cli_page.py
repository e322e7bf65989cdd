"""The page on the command line is what the commands say."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from docs.tooling.cli_page import to_markdown
from viper.cli import cli

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def commands(command: click.Command, path: str = "viper") -> dict[str, click.Command]:
    """Return every verb and sub-verb by the words that call it."""
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            found |= commands(child, f"{path} {name}")
    return found


def test_the_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == to_markdown(), "run: make reference"


COMMANDS = commands(cli)


@pytest.fixture(scope="module")
def page() -> str:
    return to_markdown()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_verb_has_a_section_with_all_its_options(page, path):
    section = re.search(rf"^##+ {re.escape(path)}\n(.*?)(?=^##|\Z)", page, re.S | re.M)
    assert section is not None
    if (shared := re.search(r"Options: those of `(.+)`", section[1])) is not None:
        assert f"## {shared[1]}\n" in page
        path = shared[1]
        section = re.search(rf"^##+ {re.escape(path)}\n(.*?)(?=^##|\Z)", page, re.S | re.M)
        assert section is not None
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            on_page = any(
                f"`{name}" in section[1] or f" {name}" in section[1] for name in parameter.opts
            )
            assert on_page is not parameter.hidden


def test_help_becomes_markdown():
    @click.command()
    @click.argument("image")
    @click.option("--many", metavar="N", type=click.IntRange(min=1), default=3, show_default=True)
    @click.option("--secret", hidden=True)
    def look(image: str, many: int, secret: str) -> None:
        """Look at IMAGE,
        as --many times as [you] like <here>.

        \b
        look a.png      once
            --many 2
        """

    page = to_markdown(look, "look")
    assert "```text\nlook [OPTIONS] IMAGE\n```" in page
    assert "Look at IMAGE, as `--many` times as \\[you\\] like \\<here\\>." in page
    assert "```text\nlook a.png      once\n    --many 2\n```" in page
    assert "- `--many N`: \\[default: 3; x\\>=1\\]" in page
    assert "secret" not in page


def test_thirty_options_that_two_verbs_share_are_listed_once():
    shared = [click.Option([f"--option-{number}"], help="One.") for number in range(30)]
    own = [click.Option(["--one"], help="One.")]
    group = click.Group(
        "group",
        commands={
            "a": click.Command("a", params=list(shared)),
            "b": click.Command("b", params=list(shared)),
            "c": click.Command("c", params=list(own)),
            "d": click.Command("d", params=list(own)),
        },
    )
    page = to_markdown(group, "group")
    assert page.count("- `--option-7 TEXT`: One.") == 1
    assert "Options: those of `group a`." in page.partition("## group b")[2]
    assert page.count("- `--one TEXT`: One.") == 2
