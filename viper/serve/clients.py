"""Who a client is.

A client is an address, since the server has one token: an IPv4 address, or an IPv6 network of 64 bits, which
is what one customer gets. Headers such as X-Forwarded-For do not count, because anybody can send them.
"""

from __future__ import annotations

import ipaddress

__all__ = ["client_of"]

_IPV6_PREFIX_BITS = 64


def client_of(address: tuple[str, int] | None) -> str:
    """Return the client at the other end of a connection.

    Args:
        address: Host and port; None for a connection without an address, such as a Unix socket.
    """
    if address is None:
        return ""
    try:
        host = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:  # a name, from a test
        return address[0]
    if isinstance(host, ipaddress.IPv6Address):
        if host.ipv4_mapped is None:
            return str(ipaddress.ip_network((host, _IPV6_PREFIX_BITS), strict=False))
        host = host.ipv4_mapped
    return str(host)
