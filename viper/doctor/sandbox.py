"""Check the sandbox level of this machine: measured, not read from a list of kernel features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viper.doctor.check_result import CheckLevel, CheckResult

if TYPE_CHECKING:
    from viper_sandbox import LevelReport

__all__ = ["MEANINGS", "measure_sandbox", "sandbox_check"]

MEANINGS = {
    "full": "The kernel refuses every forbidden act. Programs of the grammar, of language models and "
    "of strangers run here.",
    "partial": "Some forbidden act gets through. Programs of the grammar run here. Programs of a "
    "language model or a stranger are refused unless you accept the risk with --sandbox partial: such "
    "a program could do what got through.",
    "none": "No program runs here: viper ask and viper run fail with kind sandbox. viper generate still "
    "writes programs.",
}
"""What each level means for the user."""

_NO_SANDBOX_FIX = (
    "Use Linux, for example WSL 2 on Windows; on Linux, remove the cause that is named. docs/security.md "
    "says what to expect on each system."
)

_LEVELS: dict[str, CheckLevel] = {"full": "ok", "partial": "warning", "none": "problem"}


async def measure_sandbox() -> LevelReport:
    """Let a confined process attempt every forbidden act, and report what the kernel did."""
    from viper_sandbox import Jail

    async with Jail() as jail:
        return await jail.level()


def sandbox_check(report: LevelReport) -> CheckResult:
    """Check a measured sandbox level."""
    fix = _NO_SANDBOX_FIX if report.level == "none" else report.remedy
    found = report.sentence.removesuffix(report.remedy).strip()
    return CheckResult(
        "sandbox", _LEVELS[report.level], "sandbox", f"{found} {MEANINGS[report.level]}", fix
    )
