"""Requests to the hub, whose replies are not trusted: their size, time, encoding and redirects are bounded.

    with open_reply(url, headers, silence_s=20.0) as reply:
        body = read_reply(reply, max_bytes=20_000_000, total_s=60.0)

Replies are asked for without compression, and refused with it: a small packet may inflate to gigabytes, and
neither the size nor the position in a file would be known. Redirects are followed one by one: the token goes
to the host that was asked and to no other, and a hub of the internet cannot lead to services of this machine
or network: the name in a redirect is resolved once, and only its addresses in the internet are connected to.
Whether a hub is of the internet is told by the address that answered. Behind a proxy, which resolves names
itself, names alone are judged.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

__all__ = ["HubReplyError", "hub_headers", "open_reply", "raise_for_status", "read_reply"]

_MOST_REDIRECTS = 5
_START_S = 60.0
"""Until the headers have arrived, redirects included; the client's own limit is one of silence."""
_MOST_ERROR_BYTES = 100_000
_ERROR_S = 10.0
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_IPV4_INSIDE_IPV6 = tuple(
    map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"))
)
# Addresses of one name that are tried one after the other.
_MOST_ADDRESSES = 4


class HubReplyError(ValueError):
    """A reply that no hub sends; the message is a clause."""


def hub_headers() -> dict[str, str]:
    """Return the headers of a request to the hub: the user's token, if there is one, and our name.

    The client's own function asks the hub before, around every limit, which variables of the environment it
    wants to know about, and sends the answer along.
    """
    from huggingface_hub import constants, get_token

    headers = {"User-Agent": "viper"}
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


@contextlib.contextmanager
def open_reply(url: str, headers: Mapping[str, str], *, silence_s: float) -> Iterator[Any]:
    """Send a GET request and follow redirects; yield the reply (of httpx), its body unread.

    Args:
        url: Where.
        headers: Those of the request.
        silence_s: Longest wait for one packet.

    Raises:
        TimeoutError: The headers did not arrive in time.
        HubReplyError: The reply is compressed, or redirects where it must not.
        Exception: Errors of the HTTP library.
    """
    wanted = {**headers, "Accept-Encoding": "identity"}
    deadline = time.monotonic() + _START_S
    first = urlsplit(url)
    # None until the address that answers is known.
    is_inside: bool | None = True if _is_inside(first) else None
    for _ in range(_MOST_REDIRECTS + 1):
        checked = is_inside is False and not _is_proxied(urlsplit(url))
        reply = _send(url, wanted, silence_s, deadline - time.monotonic(), checked=checked)
        if is_inside is None:
            is_inside = not _is_proxied(first) and _answered_inside(reply)
        try:
            place = reply.headers.get("Location") if 300 <= reply.status_code < 400 else None
            if not place:
                encoding = reply.headers.get("Content-Encoding", "identity").strip().lower()
                if encoding not in ("", "identity"):
                    raise HubReplyError(f"it is compressed ({encoding[:20]!r})")
                yield reply
                return
            url = urljoin(url, place)
        finally:
            reply.close()
        target = urlsplit(url)
        if not _may_follow(first, target, from_inside=is_inside):
            raise HubReplyError(f"it redirects to {target.scheme[:20]}://{target.netloc[:80]}")
        if (target.scheme, target.netloc) != (first.scheme, first.netloc):
            wanted = {
                name: text for name, text in wanted.items() if name.lower() != "authorization"
            }
    raise HubReplyError(f"it redirects more than {_MOST_REDIRECTS} times")


def read_reply(reply: Any, *, max_bytes: int, total_s: float) -> bytes:
    """Return the body of a reply.

    Raises:
        TimeoutError: It did not arrive in time.
        HubReplyError: It is longer than `max_bytes`.
        Exception: Errors of the HTTP library.
    """
    deadline = time.monotonic() + total_s
    body = bytearray()
    for chunk in reply.iter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise HubReplyError(f"it is larger than {max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)


def raise_for_status(reply: Any) -> None:
    """Raise the hub client's error for a status of failure, with a bounded part of the reply's body.

    Raises:
        TimeoutError: The body did not arrive in time.
        HubReplyError: It is too long.
        Exception: Errors of the hub's client.
    """
    from huggingface_hub import hf_raise_for_status

    if reply.status_code < 400:
        return
    body = read_reply(reply, max_bytes=_MOST_ERROR_BYTES, total_s=_ERROR_S)
    headers = [
        (name, text)
        for name, text in reply.headers.items()
        if name not in ("content-length", "content-type")
    ]
    # The client decodes the body with the codec that its type names; some take quadratic time.
    headers.append(("content-type", "application/json; charset=utf-8"))
    # The client would read the body of an open reply without a limit.
    hf_raise_for_status(
        type(reply)(reply.status_code, headers=headers, content=body, request=reply.request)
    )


def _send(
    url: str, headers: Mapping[str, str], silence_s: float, total_s: float, *, checked: bool
) -> Any:
    """Send a request; a checked one only to addresses of the internet."""
    from huggingface_hub import get_session

    session: Any = get_session()
    try:
        request = session.build_request("GET", url, headers=headers, timeout=silence_s)
    except Exception as error:  # of the HTTP library, whose class for addresses is of no other kind
        raise HubReplyError(f"it leads to {url[:80]!r}, which is no address") from error
    send = _send_outside if checked else _send_as_it_is
    return _within(total_s, lambda: send(session, request))


def _send_as_it_is(session: Any, request: Any) -> Any:
    return session.send(request, stream=True, follow_redirects=False)


def _send_outside(session: Any, request: Any) -> Any:
    """Send a request to an address of its host, which is resolved here and nowhere else."""
    library = _http_library()
    host = request.url.host
    failure: Exception = HubReplyError(f"it redirects to {host[:80]}, which has no address")
    for address in _addresses(host, request.url.port or 443)[:_MOST_ADDRESSES]:
        if _is_inner(address):
            raise HubReplyError(f"it redirects to {host[:80]}, which is in this network")
        # The header Host stays that of the name, and the certificate is checked for it.
        request.url = request.url.copy_with(host=str(address))
        request.extensions = {**request.extensions, "sni_hostname": host}
        try:
            return _send_as_it_is(session, request)
        except (library.ConnectError, library.ConnectTimeout) as error:
            failure = error
    raise failure


def _http_library() -> Any:
    """Return the HTTP library of the hub's client, which is not the same for every version."""
    from huggingface_hub import get_session

    return importlib.import_module(type(get_session()).__module__.partition(".")[0])


def _addresses(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HubReplyError(f"it redirects to {host[:80]}, which has no address") from error
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return [ipaddress.ip_address(text) for text in texts]


def _answered_inside(reply: Any) -> bool:
    """Return whether a reply came from this machine or a private network."""
    stream = reply.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    try:
        return _is_inner(ipaddress.ip_address(str(peer[0]).partition("%")[0])) if peer else False
    except ValueError:
        return False


def _is_proxied(url: SplitResult) -> bool:
    proxies = urllib.request.getproxies()
    is_used = any(proxies.get(scheme) for scheme in (url.scheme, "all"))
    return is_used and not urllib.request.proxy_bypass(url.hostname or "")


def _within(total_s: float, work: Callable[[], Any]) -> Any:
    """Return what a function returns; abandon it when it takes too long, because it cannot be stopped.

    Name resolution has no time limit, and a server may send a header byte by byte.
    """
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(total_s, 0.0))
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def _may_follow(first: SplitResult, target: SplitResult, *, from_inside: bool = False) -> bool:
    """Return whether a redirect is followed: not to a weaker scheme, nor from outside to the inside."""
    if target.scheme not in ("https", first.scheme) or target.scheme not in ("http", "https"):
        return False
    # The HTTP library turns other characters into dots and digits: 127.0.0。1 is this machine.
    if not _HOST.fullmatch(target.hostname or ""):
        return False
    return from_inside or not _is_inside(target) or _is_inside(first)


def _is_inside(url: SplitResult) -> bool:
    """Return whether a host is this machine or one of a private network, by its name alone."""
    host = (url.hostname or "").rstrip(".").lower()
    if "." not in host and ":" not in host:  # a name of the local network, or a number in disguise
        return True
    if host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return _is_inner(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:  # a name, unless it is an address in another notation
        return host.replace(".", "").isdigit() or "0x" in host


def _is_inner(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether an address is none of the internet; IPv4 written as IPv6 counts as such."""
    if any(address in network for network in _IPV4_INSIDE_IPV6):
        return True
    return not address.is_global or address.is_multicast
