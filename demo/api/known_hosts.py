"""Middleware that refuses requests under a name, or from a page, that does not belong to this server.

A foreign web page can reach a server on a person's own computer: by a form that it submits there, or by a domain name
that it lets point there (DNS rebinding). Browsers tell the server about both, in the headers Origin and Host.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from demo.api.request_bodies import refuse

_SPACES = (".hf.space", "huggingface.co", ".huggingface.co")
"""Where Spaces are served, and where their page is framed."""


class KnownHosts:
    """The names under which this server may be reached.

    served_on: the address it listens on. Loopback names are always known. On an address that other computers reach, so
    are all IP addresses, which no domain name can forge, and the computer's own name.
    allowed: further names; one that begins with a dot stands for all names that end so.
    environment: with SPACE_ID the server runs on a Space, whose proxy decides who gets through: there, any Host is
    known, because a Space may have a domain of its own.
    """

    def __init__(
        self, served_on: str, allowed: Iterable[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        environment = environment or {}
        self._is_space = bool(environment.get("SPACE_ID"))
        self._is_open = not _is_loopback(_bare(served_on))
        names = {_bare(served_on), *(_bare(name) for name in allowed)}
        if self._is_open:
            own_name = socket.gethostname().lower()
            names |= {own_name, f"{own_name}.local"}
        if self._is_space:
            names |= {*_SPACES, *_bare_names(environment.get("SPACE_HOST", ""))}
        self._names = {name for name in names if name}

    def add(self, address: str) -> None:
        """Also know the host of this web address, such as a share link."""
        self._names |= set(_bare_names(address))

    def accepts(self, host: str | None, origin: str | None) -> bool:
        """Whether to serve a request with these headers; either may be missing. Browsers send both where it matters."""
        if host is not None and not self._is_space and not self._knows(_bare(host)):
            return False
        if origin is None:
            return True
        origin_name = _bare(urlsplit(origin).netloc)  # "" for the origin "null" of a page that hides where it is from
        return bool(origin_name) and (self._knows(origin_name) or (host is not None and origin_name == _bare(host)))

    def _knows(self, name: str) -> bool:
        if name in self._names or _is_loopback(name):
            return True
        if any(known.startswith(".") and name.endswith(known) for known in self._names):
            return True
        return self._is_open and not self._is_space and _is_address(name)


class RequireKnownHost:
    """ASGI middleware: refuse (403) requests that `hosts` does not accept."""

    def __init__(self, app: Any, hosts: KnownHosts) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            if not self._hosts.accepts(headers.get("host"), headers.get("origin")):
                await refuse(scope, receive, send, 403, "page.foreign_host")
                return
        await self._app(scope, receive, send)


class RequireLoopbackPeer:
    """ASGI middleware: refuse (403) whoever is not on this machine, by the address that a connection comes from.

    Unlike the headers, a foreign program cannot choose it. A server that trusts a proxy on its own machine puts that
    proxy's X-Forwarded-For in its place.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        peer = (scope.get("client") or ("",))[0]
        if scope["type"] in ("http", "websocket") and not _is_loopback(_unmapped(peer)):
            await refuse(scope, receive, send, 403, "page.foreign_peer")
            return
        await self._app(scope, receive, send)


def _unmapped(address: str) -> str:
    """An IPv4 address that is written as one of IPv6, such as ::ffff:127.0.0.1, as itself; others as they are."""
    return address.lower().removeprefix("::ffff:")


def _bare_names(address: str) -> list[str]:
    """The host of an address with or without a scheme, in a list; empty if there is none."""
    name = _bare(urlsplit(address).netloc or address)
    return [name] if name else []


def names_this_machine(host: str) -> bool:
    """Whether a Host header names the machine itself, such as localhost:7860."""
    return _is_loopback(_bare(host))


def _bare(host: str) -> str:
    """A Host header or name in lower case, without port, brackets and closing dot."""
    host = host.strip().lower().rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name = host if host.count(":") > 1 else host.partition(":")[0]
    return name.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback
