"""Confinement of a child by the kernel, before it reads a single byte of a program.

What needs files or new descriptors is done once, in the zygote (`prepare`). The rest is done in each child
(`confine`), in this order: its own session, no descriptors except the socket, resource limits, namespaces, no
capabilities, death with the parent, Landlock, and last the system call filter, because it forbids all of the
above.

Each mechanism that this machine lacks is reported with the reason. The level is not derived from this list
but measured by attempting forbidden acts (see `probe`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from viper_sandbox import empty_root, identity, kernel, landlock, seccomp
from viper_sandbox.limits import Limits
from viper_sandbox.resource_limits import MIB, set_limits

__all__ = ["Confinement", "ConfinementPlan", "confine", "prepare"]

EXIT_ORPHAN = 71
"""Exit status of a child whose parent died before the child was confined."""

# Assumed if /proc is not mounted; larger than that of an idle child (40 MiB with glibc).
_USUAL_ADDRESS_SPACE_BYTES = 128 * MIB
_SWITCHED_OFF = "it was switched off"
_PRIVATE_NAMESPACES = {
    "IPC namespace": kernel.CLONE_NEWIPC,
    "UTS namespace": kernel.CLONE_NEWUTS,
}


@dataclass(frozen=True, slots=True)
class Confinement:
    """The mechanisms to use: all of them, except in tests."""

    identity: bool = True
    """Stop being root, and leave the session keyring."""
    namespaces: bool = True
    limits: bool = True
    landlock: bool = True
    seccomp: bool = True
    language: bool = True
    """The language layer: policy, check and guarded names. Without it, a program is plain Python, and only
    the mechanisms above confine it."""


@dataclass(frozen=True, slots=True)
class ConfinementPlan:
    """The preparations of the zygote for all of its children."""

    wanted: Confinement
    limits: Limits
    address_space_bytes: int
    """Size of the zygote, and of a child at its start."""
    ruleset_fd: int | None
    """The Landlock ruleset; None if there is none."""
    in_force: dict[str, str] = field(default_factory=dict)
    """Report of the mechanisms of the zygote; see `confine`."""


class _Report(dict[str, str]):
    """Mechanism → "" if it is in force, otherwise the reason, as a clause."""

    def attempt(self, name: str, act: Callable[[], None], *, wanted: bool = True) -> bool:
        if not wanted:
            self[name] = _SWITCHED_OFF
            return False
        try:
            act()
            self[name] = ""
        except (OSError, ValueError, ImportError, AttributeError) as error:
            strerror = getattr(error, "strerror", None)
            self[name] = strerror or str(error) or type(error).__name__
        return not self[name]


def prepare(wanted: Confinement, limits: Limits, control_fd: int) -> ConfinementPlan:
    """Prepare the confinement of all children, in the zygote, which continues in a new process.

    Afterwards the zygote may find no file any more: it must have loaded what its children need.

    Args:
        wanted: Mechanisms to use.
        limits: Bounds of memory and CPU time of a child.
        control_fd: Socket of the zygote, which no other process may hold open.

    Raises:
        SystemExit: The machine starts no more processes; the message says so.
    """
    _load()
    address_space_bytes = _address_space_bytes()
    report = _Report()
    if sys.platform == "linux" and wanted.identity:
        # Before the change of the user, so that children do not own the new one.
        report.attempt("session keyring", kernel.join_new_keyring)
    report.attempt("no root", identity.drop_root, wanted=wanted.identity)
    report.attempt("no new privileges", kernel.forbid_new_privileges)
    report.attempt("no tracing", kernel.forbid_tracing)  # children inherit these two
    # After the change of the user, which would reset it.
    report.attempt("death with parent", kernel.die_with_parent)
    if report.attempt(
        "user, PID and network namespace",
        lambda: identity.become_first_process(control_fd),
        wanted=wanted.namespaces,
    ):
        report.attempt("no more user namespaces", empty_root.forbid_user_namespaces)
        report.attempt("empty root", empty_root.enter)
    ruleset_fd = _prepare_landlock(report, wanted.landlock)
    return ConfinementPlan(wanted, limits, address_space_bytes, ruleset_fd, report)


def confine(plan: ConfinementPlan, keep_fd: int, parent_pid: int) -> dict[str, str]:
    """Give up everything that a program could misuse; this cannot be undone.

    Args:
        plan: What the zygote has prepared.
        keep_fd: The only descriptor that stays open.
        parent_pid: Process with which this one must die.

    Returns:
        For each mechanism "" if it is in force, otherwise the reason, as a clause.
    """
    wanted, report = plan.wanted, _Report(plan.in_force)
    # Not a session: the kernel shares the processor between sessions first (autogroup), so a niceness has
    # no effect beyond one.
    report.attempt("process group", lambda: os.setpgid(0, 0))
    report.attempt("descriptors", lambda: _close_all_but({keep_fd, plan.ruleset_fd}))
    _limit(report, plan)
    _enter_private_namespaces(report, wanted.namespaces)
    if wanted.namespaces or wanted.identity:
        report.attempt("no capabilities", kernel.drop_capabilities)
    report.attempt("death with parent", kernel.die_with_parent)
    if os.getppid() != parent_pid:  # it died before the line above took effect
        os._exit(EXIT_ORPHAN)
    ruleset_fd = plan.ruleset_fd
    if ruleset_fd is not None:
        report.attempt("Landlock", lambda: landlock.restrict_self(ruleset_fd))
        os.close(ruleset_fd)
    report.attempt("seccomp", seccomp.install, wanted=wanted.seccomp)
    return report


def _load() -> None:
    """Import modules that only some systems have, before this process loses the right to read them."""
    with contextlib.suppress(ImportError):
        import ctypes  # noqa: F401
        import resource  # noqa: F401
    if seccomp.unsupported_reason() is None:
        seccomp.build_filter(platform.machine(), 0)  # caches most of it
        seccomp.program_type()


def _prepare_landlock(report: _Report, wanted: bool) -> int | None:
    made: list[int] = []

    def make() -> None:
        abi = landlock.supported_abi()
        made.append(landlock.create_ruleset(abi))
        report.update(landlock.shortcomings(abi))

    report.attempt("Landlock", make, wanted=wanted)
    return made[0] if made else None


def _close_all_but(keep: set[int | None]) -> None:
    # Linux closes a range of any size in one call; other systems close one by one.
    end = 2**31 - 1 if sys.platform == "linux" else 1 << 16
    start = 0
    for fd in sorted(fd for fd in keep if fd is not None):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, end)


def _limit(report: _Report, plan: ConfinementPlan) -> None:
    """Set the resource limits, and report those that are not in force."""
    failed: dict[str, str] = {}

    def set_all() -> None:
        failed.update(set_limits(plan.limits, plan.address_space_bytes))

    report.attempt("limits", set_all, wanted=plan.wanted.limits)
    if failed:
        del report["limits"]
        report.update(failed)


def _enter_private_namespaces(report: _Report, wanted: bool) -> None:
    """Enter IPC and UTS namespaces of its own: no shared memory, no host name of the machine."""
    together = sum(_PRIVATE_NAMESPACES.values())
    if report.attempt("namespaces", lambda: kernel.unshare(together), wanted=wanted):
        return
    # One by one, to use those that work and report the others.
    for name, flag in _PRIVATE_NAMESPACES.items():
        report.attempt(name, functools.partial(kernel.unshare, flag), wanted=wanted)
    del report["namespaces"]


def _address_space_bytes() -> int:
    """Return the size of this process as RLIMIT_AS counts it."""
    import resource

    try:
        text = Path("/proc/self/statm").read_text(encoding="ascii")
    except OSError:
        return _USUAL_ADDRESS_SPACE_BYTES
    return int(text.split()[0]) * resource.getpagesize()
