from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import pytest

from fakes.terminals import Shown, on_a_terminal
from viper.cli.spinner import spinner


def run_on_a_terminal(body: str, **environment: str) -> Shown:
    """Run code whose stderr is a terminal and whose stdout is a pipe."""
    code = "import sys, time\nfrom viper.cli.spinner import spinner\n" + textwrap.dedent(body)
    shown = on_a_terminal(["-c", code], seconds=20, **environment)
    assert shown.status == 0, shown.terminal
    return shown


WAIT = """
    with spinner("Loading detector [bold]onnx[/bold]") as update:
        print("the answer", flush=True)
        time.sleep(0.3)
        update("Loading\\nmatcher")
        time.sleep(0.3)
"""


def test_shows_text_and_seconds_on_a_terminal_and_wipes_them_away() -> None:
    seen = run_on_a_terminal(WAIT)
    assert "Loading detector [bold]onnx[/bold]" in re.sub(r"\x1b\[[\d;?]*\w", "", seen.terminal)
    assert "Loading matcher" in seen.terminal
    assert "0:00:00" in seen.terminal
    assert "\x1b[2K" in seen.terminal  # erases its line
    assert "\x1b[?25h" in seen.terminal  # shows the cursor again


def test_leaves_stdout_to_the_answer() -> None:
    seen = run_on_a_terminal(WAIT)
    assert seen.stdout == "the answer\n"
    assert "the answer" not in seen.terminal


def test_what_is_printed_on_stderr_meanwhile_stays_readable() -> None:
    seen = run_on_a_terminal(
        """
        with spinner("Loading"):
            time.sleep(0.2)
            print("a notice", file=sys.stderr)
            time.sleep(0.2)
        """
    )
    assert "a notice\r\n" in seen.terminal


def test_no_color_takes_the_colors_away_but_not_the_spinner() -> None:
    color = re.compile(r"\x1b\[[\d;]*3\d[\d;]*m")
    assert color.search(run_on_a_terminal(WAIT).terminal)
    plain = run_on_a_terminal(WAIT, NO_COLOR="1").terminal
    assert "Loading matcher" in plain
    assert not color.search(plain)


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "dumb", "FORCE_COLOR": "1"}])
def test_writes_nothing_on_a_dumb_terminal(environment: dict[str, str]) -> None:
    assert run_on_a_terminal(WAIT, **environment) == ("the answer\n", "", 0)


def test_writes_nothing_when_stderr_is_no_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with spinner("Loading") as update:
        update("Still loading")
    assert capfd.readouterr() == ("", "")


def test_a_missing_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with spinner("Loading") as update:
        update("Still loading")


def test_errors_pass_through_and_the_cursor_comes_back() -> None:
    seen = run_on_a_terminal(
        """
        try:
            with spinner("Loading"):
                time.sleep(0.2)
                raise OSError("no such model")
        except OSError as error:
            print(error)
        """
    )
    assert seen.stdout == "no such model\n"
    assert "\x1b[?25h" in seen.terminal


def test_a_terminal_without_unicode_gets_a_plain_spinner() -> None:
    seen = run_on_a_terminal(WAIT, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert "Loading matcher" in seen.terminal
    assert seen.terminal.isascii()


def test_rich_is_imported_only_to_show_something() -> None:
    code = (
        "import sys; from viper.cli.spinner import spinner\n"
        "with spinner('Loading'): pass\n"
        "sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0
