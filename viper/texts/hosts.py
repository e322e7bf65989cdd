"""The host in a Host header or an address, parsed strictly.

Lenient parsers differ on `[::1].evil.example`, `127.0.0.1:80@evil.example` or `localhost%2eevil.example`: a
check that reads one host while the connection goes to another protects nothing. What is not exactly a name or
an address, and perhaps a port, is no host here.
"""

from __future__ import annotations

import ipaddress
import re

__all__ = ["host_name", "is_loopback", "url_host"]

# Names may have an underscore, as containers do. 253 characters is the limit of DNS, 45 that of an address.
_HOST = r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,253}))(?::([0-9]{1,5}))?"
_URL = r"(?i:https?)://([^/?#\s\\]{1,320})(?:[/?#]|\Z)"
_MAX_PORT = 65_535


def host_name(text: str) -> str | None:
    """Return the name or address in the value of a Host header, in lower case, without brackets and port.

    Returns:
        None if it is anything but a name, an IPv4 address, or an IPv6 address in brackets, with a port or
        without.
    """
    found = re.fullmatch(_HOST, text.lower(), re.ASCII)
    if found is None or (found[3] is not None and int(found[3]) > _MAX_PORT):
        return None
    if found[1] is None:
        return found[2]
    try:
        return str(ipaddress.IPv6Address(found[1]))
    except ValueError:
        return None


def url_host(url: str) -> str | None:
    """Return the host of an http address without user and password; None for anything else."""
    found = re.match(_URL, url, re.ASCII)
    return host_name(found[1]) if found else None


def is_loopback(host: str) -> bool:
    """Return whether an address or name always means this machine."""
    if host == "localhost":
        return True
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may resolve to anything
        return False
