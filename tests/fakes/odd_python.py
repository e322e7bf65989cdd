"""Interpreters for the sandbox that run in an odd surrounding: calls that a container forbids, low limits.

Each is an executable file for `Jail(python=…)`. It is a script that changes its own process, then becomes the
interpreter of the tests, which is started with the same arguments.
"""

import shlex
import struct
import sys

# struct sock_filter: load the call's number, compare, return; the last two bits of a number are its action.
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBERS = {
    "x86_64": {"prlimit64": 302, "setrlimit": 160, "unshare": 272, "setitimer": 38, "keyctl": 250},
    "aarch64": {"prlimit64": 261, "setrlimit": 164, "unshare": 97, "setitimer": 103, "keyctl": 219},
}
_NUMBERS["x86_64"] |= {"fork": 57, "clone": 56, "clone3": 435, "vfork": 58}
_NUMBERS["aarch64"] |= {"clone": 220, "clone3": 435}
_NUMBERS["x86_64"] |= {"seccomp": 317, "prctl": 157, "landlock_create_ruleset": 444, "mount": 165}
_NUMBERS["aarch64"] |= {"seccomp": 277, "prctl": 167, "landlock_create_ruleset": 444, "mount": 40}

_FORBID = """\
#!{python} -IS
import ctypes, os, sys
libc = ctypes.CDLL(None)
code = {code!r}
class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))
program = Program(len(code) // 8, code)
zero = ctypes.c_ulong(0)
assert libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) == 0
assert libc.prctl(22, ctypes.c_ulong(2), ctypes.byref(program), zero, zero) == 0
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


def forbidding(folder, calls, error, machine, *, first_argument=None):
    """Return an interpreter for which the kernel answers these calls with an error number; 0 for a lie.

    Args:
        folder: Where to write it.
        calls: Names of system calls.
        error: The error number.
        machine: Architecture, such as "x86_64".
        first_argument: Forbid them only with this first argument.
    """
    code = b""
    for number in (_NUMBERS[machine][call] for call in calls if call in _NUMBERS[machine]):
        answer = struct.pack("<HBBI", _RETURN, 0, 0, _ERRNO | error)
        if first_argument is not None:
            check = struct.pack("<HBBI", _LOAD, 0, 0, 16)
            answer = check + struct.pack("<HBBI", _EQUAL, 0, 1, first_argument) + answer
        code += struct.pack("<HBBI", _LOAD, 0, 0, 0)
        code += struct.pack("<HBBI", _EQUAL, 0, len(answer) // 8, number) + answer
    code += struct.pack("<HBBI", _RETURN, 0, 0, _ALLOW)
    return _executable(folder, _FORBID.format(python=sys.executable, code=code))


def after(folder, *commands):
    """Return an interpreter that starts after commands of the shell, such as "ulimit -v 100000"."""
    lines = "\n".join(commands)
    return _executable(folder, f'#!/bin/sh\n{lines}\nexec {shlex.quote(sys.executable)} "$@"\n')


def _executable(folder, text):
    path = folder / "odd_python"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)
