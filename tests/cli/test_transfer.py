from __future__ import annotations

import sys

from viper import progress_bars
from viper.cli.transfer import transfer_bar
from viper.weights.pull import Progress


def steps():
    for done in (0, 500_000, 1_000_000):
        yield Progress("owner/name", "model.safetensors", done, 1_000_000)


def test_a_terminal_shows_file_and_bytes_and_stdout_stays_clean(monkeypatch, capsys):
    monkeypatch.setattr(progress_bars, "can_animate", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with transfer_bar() as show:
        for step in steps():
            show(step)
        sys.stdout.write("an answer\n")
    seen = capsys.readouterr()
    assert seen.out == "an answer\n"
    assert "model.safetensors" in seen.err
    assert "1.0/1.0 MB" in seen.err


def test_without_a_terminal_nothing_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(progress_bars, "can_animate", lambda: False)
    with transfer_bar() as show:
        for step in steps():
            show(step)
    assert capsys.readouterr() == ("", "")
