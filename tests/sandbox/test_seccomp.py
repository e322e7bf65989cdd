"""The filter as a program: interpreted here, so that every machine's can be tested on any."""

import struct

import pytest

from viper_sandbox.seccomp import _MACHINES, build_filter

KILL, ALLOW, EACCES = 0x80000000, 0x7FFF0000, 0x00050000 | 13
PID = 4242


def verdict(machine, number, arguments=(0, 0, 0), arch=None):
    """Run the filter on one system call."""
    table = _MACHINES[machine]
    data = struct.pack("<iIQ6Q", number, arch or table.audit_arch, 0, *arguments, 0, 0, 0)
    program = list(struct.iter_unpack("<HBBI", build_filter(machine, PID)))
    position, accumulator = 0, 0
    while True:
        code, jump_true, jump_false, operand = program[position]
        position += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, operand)[0]
        elif code == 0x06:
            return operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[code]
            position += jump_true if holds else jump_false


@pytest.mark.parametrize("machine", _MACHINES)
def test_listed_calls_are_allowed_and_looking_at_files_is_denied(machine):
    table = _MACHINES[machine]
    assert {verdict(machine, n) for n in table.allowed.values()} == {ALLOW}
    assert {verdict(machine, n) for n in table.denied.values()} == {EACCES}


@pytest.mark.parametrize("machine", _MACHINES)
def test_every_other_call_kills(machine):
    table = _MACHINES[machine]
    listed = {*table.allowed.values(), *table.denied.values(), *table.no_exec.values()}
    listed |= set(table.own_process.values())
    others = set(range(512)) - listed
    assert {verdict(machine, n) for n in others} == {KILL}


@pytest.mark.parametrize("machine", _MACHINES)
def test_a_foreign_abi_kills(machine):
    assert verdict(machine, 0, arch=0x40000003) == KILL  # i386
    assert verdict(machine, 0x40000000 | 1) == KILL  # x32


@pytest.mark.parametrize("machine", _MACHINES)
def test_executable_memory_kills(machine):
    for number in _MACHINES[machine].no_exec.values():
        assert verdict(machine, number, (0, 4096, 3)) == ALLOW
        assert verdict(machine, number, (0, 4096, 5)) == KILL


@pytest.mark.parametrize("machine", _MACHINES)
def test_a_process_may_abort_itself_only(machine):
    for number in _MACHINES[machine].own_process.values():
        assert verdict(machine, number, (PID, PID, 6)) == ALLOW
        for other in (1, 0, PID + 1, 2**32 - 1):
            assert verdict(machine, number, (other, other, 6)) == KILL


@pytest.mark.parametrize("signal_number", [0, 2, 9, 11, 15, 19, 24, 27])
@pytest.mark.parametrize("machine", _MACHINES)
def test_a_process_that_kills_itself_otherwise_is_killed_by_the_filter(machine, signal_number):
    """Its end would look as if somebody else, or a limit, had ended it."""
    for number in _MACHINES[machine].own_process.values():
        assert verdict(machine, number, (PID, PID, signal_number)) == KILL


@pytest.mark.parametrize(
    ("machine", "number"),
    [
        ("x86_64", 41),  # socket
        ("x86_64", 56),  # clone
        ("x86_64", 57),  # fork
        ("x86_64", 59),  # execve
        ("x86_64", 62),  # kill
        ("x86_64", 101),  # ptrace
        ("x86_64", 157),  # prctl
        ("x86_64", 160),  # setrlimit
        ("x86_64", 310),  # process_vm_readv
        ("x86_64", 319),  # memfd_create
        ("x86_64", 425),  # io_uring_setup
        ("x86_64", 435),  # clone3
        ("aarch64", 198),  # socket
        ("aarch64", 220),  # clone
        ("aarch64", 221),  # execve
        ("aarch64", 129),  # kill
        ("aarch64", 117),  # ptrace
        ("aarch64", 435),  # clone3
    ],
)
def test_dangerous_call_kills(machine, number):
    assert verdict(machine, number) == KILL


FUTEX = {"WAIT": 0, "WAKE": 1, "WAIT_BITSET": 9, "WAKE_BITSET": 10}
FUTEX_OTHERS = {
    "FD": 2, "REQUEUE": 3, "CMP_REQUEUE": 4, "WAKE_OP": 5, "LOCK_PI": 6, "UNLOCK_PI": 7,
    "TRYLOCK_PI": 8, "WAIT_REQUEUE_PI": 11, "CMP_REQUEUE_PI": 12, "LOCK_PI2": 13,
}  # fmt: skip
MADVISE_OTHERS = {
    "REMOVE": 9, "DONTFORK": 10, "DOFORK": 11, "MERGEABLE": 12, "HUGEPAGE": 14, "COLD": 20,
    "PAGEOUT": 21, "POPULATE_WRITE": 23, "COLLAPSE": 25, "HWPOISON": 100,
}  # fmt: skip
PRIVATE, CLOCK_REALTIME = 128, 256


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("flags", [0, PRIVATE])
@pytest.mark.parametrize("operation", FUTEX.values(), ids=FUTEX)
def test_locks_may_wait_and_wake(machine, operation, flags):
    number = _MACHINES[machine].allowed["futex"]
    assert verdict(machine, number, (0, operation | flags, 0)) == ALLOW


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("flags", [0, PRIVATE, CLOCK_REALTIME, PRIVATE | CLOCK_REALTIME])
@pytest.mark.parametrize("operation", FUTEX_OTHERS.values(), ids=FUTEX_OTHERS)
def test_every_other_operation_on_locks_kills(machine, operation, flags):
    number = _MACHINES[machine].allowed["futex"]
    assert verdict(machine, number, (0, operation | flags, 0)) == KILL


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("operation", [1 << 31, 512, 0xFFFF_FFFF, 9 | 512])
def test_an_unknown_operation_on_locks_kills(machine, operation):
    assert verdict(machine, _MACHINES[machine].allowed["futex"], (0, operation, 0)) == KILL


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("advice", [0, 4, 8])
def test_memory_may_be_given_back(machine, advice):
    assert verdict(machine, _MACHINES[machine].allowed["madvise"], (0, 4096, advice)) == ALLOW


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("advice", MADVISE_OTHERS.values(), ids=MADVISE_OTHERS)
def test_every_other_advice_kills(machine, advice):
    assert verdict(machine, _MACHINES[machine].allowed["madvise"], (0, 4096, advice)) == KILL
