from __future__ import annotations

from types import SimpleNamespace

import pytest

from viper import progress_bars as progress
from viper.progress_bars import StepBars


def test_without_a_terminal_the_beginning_and_end_of_each_step_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with StepBars() as bars:
        for step in range(1, 6):
            bars.update(f"training: loss {step}", step, 5)
        bars.update("measuring", 1, 9)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "training: loss 1 (1 of 5)",
        "training: loss 5 (5 of 5)",
        "measuring (1 of 9)",
    ]


def test_without_a_terminal_a_long_step_prints_its_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = iter(range(0, 1000, 20))
    # A clock of the module's own: other threads go by the real one.
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: float(next(now_s))))
    with StepBars() as bars:
        for step in range(1, 8):
            bars.update("drawing", step, 100)
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) < 7
