"""onnxruntime sends no usage events and writes nothing into the home folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_the_variable_is_set_before_the_library_reads_it():
    code = "import viper.backends.onnx_session, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    kept = {name: text for name, text in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for variables, expected in (({}, "1\n"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0\n")):
        done = subprocess.run(
            [sys.executable, "-c", code], env=kept | variables, capture_output=True, text=True, check=True
        )  # fmt: skip
        assert done.stdout == expected


@pytest.mark.slow
def test_an_answer_leaves_nothing_in_the_home_folder(tmp_path):
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": "", "VIPER_MEMO": "off"}
    done = subprocess.run(
        [sys.executable, "-m", "viper", "ask", "examples/shapes.png", "How many cubes are there?"],
        env=os.environ | variables, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "4\n"
    assert list(tmp_path.iterdir()) == []
