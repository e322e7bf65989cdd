"""Landlock: the kernel refuses every path, TCP port, abstract socket and signal to the outside.

The zygote creates one ruleset, which handles all rights and allows none; each child only applies it. The
rights that a kernel can handle depend on its Landlock ABI: files since 1 (Linux 5.13), TCP since 4 (6.7),
abstract Unix sockets and signals since 6 (6.12). See `man 7 landlock` and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import struct

from viper_sandbox import kernel

__all__ = ["all_file_rights", "create_file_ruleset", "create_ruleset", "restrict_self"]
__all__ += ["shortcomings", "supported_abi"]

# The same numbers on every architecture: include/uapi/asm-generic/unistd.h.
_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_GET_VERSION = 1

_ABI_TCP = 4
_ABI_SCOPES = 6
# How many of the lowest bits of `handled_access_fs` are rights that the ABI knows.
_FILE_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP_RIGHTS = 0b11  # bind, connect
_SCOPES = 0b11  # abstract Unix sockets, signals


def supported_abi() -> int:
    """Return the Landlock ABI of this kernel.

    Raises:
        OSError: The kernel has no Landlock, or it is switched off.
    """
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _GET_VERSION)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(
            error.errno, "this kernel has no Landlock, or was started without it"
        ) from None


def create_ruleset(abi: int) -> int:
    """Return the descriptor of a ruleset that denies everything that the ABI can deny.

    Raises:
        OSError: The kernel refuses.
    """
    return _create(_attributes(abi))


def create_file_ruleset(abi: int) -> int:
    """Return the descriptor of a ruleset that denies every file, but neither the network nor signals.

    Raises:
        OSError: The kernel refuses.
    """
    return _create(struct.pack("=Q", all_file_rights(abi)))


def all_file_rights(abi: int) -> int:
    """Return the rights to files that the ABI knows, as bits."""
    return (1 << _FILE_RIGHTS_BY_ABI[min(abi, max(_FILE_RIGHTS_BY_ABI))]) - 1


def restrict_self(ruleset_fd: int) -> None:
    """Apply a ruleset to this thread and what it starts, in the zygote its process; needs no_new_privs.

    Raises:
        OSError: The kernel refuses.
    """
    kernel.syscall(_RESTRICT_SELF, ruleset_fd, 0)


def shortcomings(abi: int) -> dict[str, str]:
    """Return the mechanisms that an ABI lacks, with the reasons; empty for a recent kernel."""
    missing = {}
    if abi < _ABI_TCP:
        missing["Landlock for TCP"] = f"it needs Linux 6.7; this kernel's Landlock has ABI {abi}"
    if abi < _ABI_SCOPES:
        missing["Landlock for signals"] = (
            f"it needs Linux 6.12; this kernel's Landlock has ABI {abi}"
        )
    return missing


def _attributes(abi: int) -> bytes:
    """Return the kernel's `struct landlock_ruleset_attr`, with the fields of the ABI."""
    attributes = struct.pack("=Q", all_file_rights(abi))
    if abi >= _ABI_TCP:
        attributes += struct.pack("=Q", _TCP_RIGHTS)
    if abi >= _ABI_SCOPES:
        attributes += struct.pack("=Q", _SCOPES)
    return attributes


def _create(attributes: bytes) -> int:
    import ctypes

    return kernel.syscall(
        _CREATE_RULESET, ctypes.create_string_buffer(attributes), len(attributes), 0
    )
