"""The measured level as a finding: what it means, and what would close the gaps."""

from __future__ import annotations

from viper.doctor.sandbox import MEANINGS, sandbox_check
from viper_sandbox import Act, LevelReport


def test_a_full_sandbox_is_ok_and_needs_no_fix():
    found = sandbox_check(LevelReport("full", (Act("open a file", True, "EACCES"),)))
    assert (found.level, found.fix) == ("ok", "")
    assert found.found == (
        f"The sandbox is full: the kernel refuses every forbidden act. {MEANINGS['full']}"
    )


def test_a_partial_sandbox_is_a_warning_with_what_would_close_it():
    acts = (Act("open a file", True, "EACCES"), Act("run another program", False, "got through"))
    report = LevelReport("partial", acts, (("seccomp", "this is plan9"),))
    found = sandbox_check(report)
    assert (found.level, found.fix) == ("warning", report.remedy)
    assert report.remedy not in found.found
    assert "a confined program could run another program" in found.found
    assert found.found.endswith(MEANINGS["partial"])


def test_no_sandbox_is_a_problem():
    found = sandbox_check(LevelReport("none", (), trouble="plan9 has no processes"))
    assert found.level == "problem"
    assert "plan9 has no processes" in found.found
    assert found.fix.startswith("Use Linux")


def test_the_cause_that_was_found_is_shown():
    cause = "The interpreter /usr/bin/python3 ended with status 127: libpython3.so: cannot open"
    found = sandbox_check(LevelReport("none", (), trouble=cause))
    assert cause in found.found
    assert "on Linux, remove the cause that is named" in found.fix
