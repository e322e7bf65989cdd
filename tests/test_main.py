"""The command before it has loaded."""

from __future__ import annotations

import os
import subprocess
import sys


def start(folder, code, *arguments):
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{os.pathsep.join(sys.path)}"}
    return subprocess.run(
        [sys.executable, *code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_ctrl_c_while_the_command_loads_is_one_line(tmp_path):
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    ended = start(tmp_path, ["-m", "viper"], "--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "viper: interrupted.\n")
    # The control: whoever imports the package has to see it.
    assert "Traceback" in start(tmp_path, ["-c", "import viper.cli"]).stderr


def test_the_script_and_the_module_are_the_same_command(tmp_path):
    script = ["-c", "from viper.__main__ import main; main()"]
    shown = [start(tmp_path, code, "--version") for code in (script, ["-m", "viper"])]
    assert [one.returncode for one in shown] == [0, 0]
    assert shown[0].stdout == shown[1].stdout != ""
