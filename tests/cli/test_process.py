"""What a whole process does: import cost, exit status, streams."""

from __future__ import annotations

import subprocess
import sys
import time


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, **options
    )


def test_help_imports_no_library_of_models_and_no_verb_of_its_own():
    code = (
        "import sys\n"
        "sys.argv = ['viper', '--help']\n"
        "from viper.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'numpy', 'PIL', 'openai', 'onnxruntime', 'asyncio'}\n"
        "heavy |= {'pydantic', 'viper.cli.ask', 'viper.cli.models', 'viper.cli.serve'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert "Answer questions about images" in done.stdout
    for verb in (
        "ask",
        "run",
        "lint",
        "generate",
        "models",
        "world",
        "train",
        "serve",
        "doctor",
        "bench",
    ):
        assert f"\n  {verb} " in done.stdout


def test_help_takes_less_than_three_times_the_import_of_click_and_rich():
    def fastest(code):
        times = []
        for _ in range(5):
            started = time.perf_counter()
            assert python(code).returncode == 0
            times.append(time.perf_counter() - started)
        return min(times)

    help_ = fastest(
        "import sys; sys.argv = ['viper', '--help']; from viper.cli import main; main()"
    )
    assert help_ < 3 * fastest("import click, rich")


def test_importing_viper_imports_nothing_heavy():
    done = python(
        "import viper, sys; heavy = {'torch', 'numpy', 'PIL', 'transformers', 'RestrictedPython'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    assert done.returncode == 0, done.stderr


def test_the_command_is_installed_and_reports_its_version():
    done = subprocess.run(
        [sys.executable, "-m", "viper", "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("viper, version 0.2.0")
