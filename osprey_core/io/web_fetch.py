"""Fetch a file from a public web address, within limits of size and time: for pictures that a person names by address.

A person who types an address into the page must not reach hosts that only the server can reach (SSRF). So every IP
address of a host name is checked, the connection goes to a checked address, and each redirect is checked again. The
caller validates the contents.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from osprey_core.errors import InputError

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSLATING = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48"))
"""IPv6 networks that translate to IPv4 addresses, which cannot be checked here."""


def is_public(address: str) -> bool:
    """Whether an IP address is public: not private, loopback, link-local or otherwise reserved."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or any(ip in net for net in _TRANSLATING):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def fetch(
    address: str, max_bytes: int = 40_000_000, seconds: float = 20.0, is_allowed: Callable[[str], bool] = is_public
) -> tuple[bytes, str]:
    """The contents of an http or https address, and a name for them.

    Reads at most `max_bytes`, within `seconds` in total. `is_allowed(ip)` says which addresses may be connected to.
    Raises InputError for every failure.
    """
    deadline = time.monotonic() + seconds
    url = address.strip()
    for _ in range(MAX_REDIRECTS + 1):
        parts = _split(url)
        try:
            response = _get(parts, max_bytes, deadline, is_allowed)
        except InputError:  # before ValueError, of which it is a subclass
            raise
        except TimeoutError:
            raise InputError("address.too_slow", seconds=f"{seconds:g}") from None
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
            if time.monotonic() >= deadline:
                raise InputError("address.too_slow", seconds=f"{seconds:g}") from None
            raise InputError("address.no_answer", host=str(parts.hostname)) from error
        if isinstance(response, bytes):
            return response, unquote(parts.path.rsplit("/", 1)[-1]) or str(parts.hostname)
        try:
            url = urljoin(url, response)
        except ValueError:
            raise InputError("address.invalid") from None
    raise InputError("address.endless")


def _split(url: str) -> SplitResult:
    """The parts of an address. Raises InputError unless it is an http or https address without password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or not character.isprintable() for character in url):
        raise InputError("address.invalid")
    if parts.username is not None or parts.password is not None:
        raise InputError("address.with_password")
    return parts


def _get(parts: SplitResult, max_bytes: int, deadline: float, is_allowed: Callable[[str], bool]) -> bytes | str:
    """The body, or the target of a redirect."""
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    sock = _connected(host, port, deadline, is_allowed)
    # The socket's timeout restarts with every byte, so a slow server could hold the connection open forever.
    watch = threading.Timer(_left(deadline), _shut, [sock])
    watch.daemon = True
    watch.start()
    try:
        if parts.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        connection = http.client.HTTPConnection(f"[{host}]" if ":" in host else host, port)
        connection.sock = sock
        if parts.port is None:
            connection.port = connection.default_port = port  # the default port is not part of the Host header
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
        )
        connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "osprey"})
        response = connection.getresponse()
        location = response.headers.get("Location")
        if response.status in _REDIRECTS and location:
            return location
        if response.status != 200:
            raise InputError("address.refused", host=host, status=response.status)
        data = response.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise InputError("address.too_large", limit=max_bytes // 1_000_000)
        if time.monotonic() >= deadline:
            raise TimeoutError
        return data
    finally:
        watch.cancel()
        sock.close()


def _connected(host: str, port: int, deadline: float, is_allowed: Callable[[str], bool]) -> socket.socket:
    """A connection to one of the host's IP addresses. Raises InputError unless all of them are allowed."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ips = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    if not ips or not all(is_allowed(ip) for ip in ips):
        raise InputError("address.private", host=host)
    failure: OSError = OSError(f"no address for {host}")
    for ip in ips:
        try:
            return socket.create_connection((ip, port), timeout=_left(deadline))
        except OSError as error:
            failure = error
    raise failure


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already closed
        sock.shutdown(socket.SHUT_RDWR)
