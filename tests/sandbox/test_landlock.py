"""The ruleset, on this kernel and as older kernels would be given it."""

import os
import struct
import sys

import pytest

from viper_sandbox import kernel, landlock


@pytest.mark.parametrize(
    ("abi", "fields"),
    [
        (1, ((1 << 13) - 1,)),
        (2, ((1 << 14) - 1,)),
        (3, ((1 << 15) - 1,)),
        (4, ((1 << 15) - 1, 3)),
        (5, ((1 << 16) - 1, 3)),
        (6, ((1 << 16) - 1, 3, 3)),
        (99, ((1 << 16) - 1, 3, 3)),
    ],
)
def test_asks_for_every_right_that_the_abi_knows_and_for_no_other(abi, fields):
    assert struct.unpack(f"={len(fields)}Q", landlock._attributes(abi)) == fields


@pytest.mark.parametrize(
    ("abi", "names"),
    [
        (1, {"Landlock for TCP", "Landlock for signals"}),
        (3, {"Landlock for TCP", "Landlock for signals"}),
        (4, {"Landlock for signals"}),
        (5, {"Landlock for signals"}),
        (6, set()),
        (7, set()),
    ],
)
def test_says_what_an_older_kernel_cannot_deny(abi, names):
    shortcomings = landlock.shortcomings(abi)
    assert set(shortcomings) == names
    assert all(f"this kernel's Landlock has ABI {abi}" in why for why in shortcomings.values())


def test_a_kernel_without_landlock_says_so(monkeypatch):
    def refuse(*arguments):
        raise OSError(38, "syscall failed: Function not implemented")

    monkeypatch.setattr(kernel, "syscall", refuse)
    with pytest.raises(OSError, match="this kernel has no Landlock, or was started without it"):
        landlock.supported_abi()


def test_another_system_says_so(monkeypatch):
    kernel._libc.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="it is a feature of Linux, and this is darwin"):
        landlock.supported_abi()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Landlock")
def test_the_kernel_accepts_the_ruleset_and_then_refuses_files():
    kernel._libc.cache_clear()
    try:
        abi = landlock.supported_abi()
    except OSError as error:
        pytest.skip(str(error))
    ruleset = landlock.create_ruleset(abi)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = b"opened"
        try:
            kernel.forbid_new_privileges()
            landlock.restrict_self(ruleset)
            os.open("/", os.O_RDONLY)
        except PermissionError:
            said = b"refused"
        finally:
            os.write(writer, said)
            os._exit(0)
    os.close(ruleset)
    os.waitpid(pid, 0)
    assert os.read(reader, 100) == b"refused"
    os.close(reader)
    os.close(writer)
