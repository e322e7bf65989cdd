"""The variables that steer connections: proxies, certificates, the log of TLS keys.

Libraries read them when a connection is made, and fail in their own ways when a value names nothing. They are
checked before that, so that the message names the variable.

    connection_faults()      one sentence for each variable that no connection can be made with
    check_connections()      raises the first of them
"""

from __future__ import annotations

import errno
import importlib.util
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from viper.errors import ConfigError

__all__ = ["PROXIES", "check_connections", "connection_faults", "unused_certificates"]

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""Variables that name a proxy; each may be written in lower case as well, which wins."""
_SCHEMES = ("http", "https", "socks5", "socks5h")
_SOCKS_PACKAGE = "socksio"
# Read by other HTTP clients than the one that Viper uses.
_OF_OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def check_connections(environment: Mapping[str, str] = os.environ) -> None:
    """Check the variables before a connection is made.

    Raises:
        ConfigError: One of them has a value that no connection can be made with.
    """
    for fault in connection_faults(environment):
        raise ConfigError(fault)


def connection_faults(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield one sentence for each variable with a value that no connection can be made with.

    No sentence repeats a value that may hold a password.
    """
    for upper in PROXIES:
        for name in (upper.lower(), upper):
            if fault := _proxy_fault(environment.get(name, "").strip()):
                yield (
                    f"The variable {name} {fault}. Set it to http://HOST:PORT, the address of a proxy, or "
                    "unset it."
                )
    for name in ("no_proxy", "NO_PROXY"):
        for host in environment.get(name, "").split(","):
            if not _is_host(host.strip()):
                yield (
                    f"The variable {name} lists {host.strip()[:40]!r}, which is not a host. Set it to names "
                    "separated by commas, such as localhost,127.0.0.1,[::1], or unset it."
                )
    if fault := _file_fault(environment.get("SSL_CERT_FILE", "")):
        yield _certificate_fault("SSL_CERT_FILE", fault, "a file of certificates (PEM)")
    if (folder := environment.get("SSL_CERT_DIR", "")) and not _is_any_folder(folder):
        fault = f"names {folder[:40]!r}, which is not a folder"
        yield _certificate_fault("SSL_CERT_DIR", fault, "a folder of certificates")
    if (log := environment.get("SSLKEYLOGFILE", "")) and (reason := _unwritable(log)):
        yield (
            f"The variable SSLKEYLOGFILE names {log[:40]!r}, which cannot be written: {reason}. Name a file "
            "that this user can write, or unset it."
        )


def unused_certificates(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield a sentence for each variable of other HTTP clients that names no certificates."""
    for name in _OF_OTHERS:
        value = environment.get(name, "")
        if value and not Path(value).is_dir() and (fault := _file_fault(value)):
            yield f"The variable {name} {fault}; Viper does not read it, other programs may."


def _certificate_fault(name: str, fault: str, wanted: str) -> str:
    return f"The variable {name} {fault}. Name {wanted}, or unset it for those of the system."


def _proxy_fault(url: str) -> str:
    """Return what is wrong with the address of a proxy, "" if nothing is."""
    if not url:
        return ""
    if "://" not in url:
        url = f"http://{url}"  # as the clients read it
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return "is not an address: its port or its IPv6 address is malformed"
    if scheme not in _SCHEMES:
        return f"names a proxy of the kind {scheme[:20]!r}, which is none of {', '.join(_SCHEMES)}"
    if not host or not host.isprintable() or " " in host:
        return "names no host"
    if scheme.startswith("socks") and importlib.util.find_spec(_SOCKS_PACKAGE) is None:
        return f"names a SOCKS proxy, which needs the package {_SOCKS_PACKAGE} (pip install {_SOCKS_PACKAGE})"
    return ""


def _is_host(text: str) -> bool:
    """Return whether an entry of NO_PROXY is a host, perhaps with a port, a range or a wildcard."""
    if not text.isprintable() or " " in text:
        return False
    name = text.partition("://")[2] or text
    if name.count(":") > 1 and "[" not in name and "]" not in name:
        return True  # an IPv6 address without brackets
    try:
        urlsplit(f"//{name}").port  # noqa: B018 # raises for a malformed one
    except ValueError:
        return False
    return True


def _file_fault(path: str) -> str:
    """Return what is wrong with a file of certificates, "" if nothing is or the variable is empty."""
    if not path:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return f"names {path[:40]!r}, which holds no certificates"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"names {path[:40]!r}, which cannot be read ({reason})"
    return ""


def _is_any_folder(paths: str) -> bool:
    return any(Path(path).is_dir() for path in paths.split(os.pathsep) if path)


def _unwritable(path: str) -> str:
    """Return why a file cannot be written, "" if it can; does not create it."""
    try:
        file = Path(path)
        place = file if file.exists() else file.parent
        if file.is_dir():
            return os.strerror(errno.EISDIR)
        if not place.exists():
            return os.strerror(errno.ENOENT)
        if place != file and not place.is_dir():
            return os.strerror(errno.ENOTDIR)
        return "" if os.access(place, os.W_OK) else os.strerror(errno.EACCES)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
