"""Proxies of the environment: traffic to this machine goes around them, and unusable ones are left out.

Whoever serves on this machine or downloads calls `settle_proxies` before libraries read the environment.
"""

from __future__ import annotations

import logging
import os
import urllib.request
from collections.abc import MutableMapping

log = logging.getLogger(__name__)

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_SCHEMES = ("http", "https", "all")


def settle_proxies(*hosts: str, environment: MutableMapping[str, str] | None = None) -> None:
    """Change the environment of this process where it names proxies; call before anything opens a connection.

    hosts: further names of this machine. environment: instead of `os.environ`.
    A proxy that the HTTP library cannot speak to would make every connection fail, those to this machine too; it is
    taken out of the environment with a warning.
    """
    values = os.environ if environment is None else environment
    proxies = _proxies(values)
    if environment is None:
        # Those of the system's settings count only while the environment names none, not even exceptions.
        for scheme, address in urllib.request.getproxies().items():
            if scheme in _SCHEMES and scheme not in proxies:
                values[f"{scheme}_proxy"] = proxies[scheme] = address
    for scheme, address in proxies.items():
        reason = _problem(address)
        if reason is not None:
            for name in [name for name in values if name.lower() == f"{scheme}_proxy"]:
                del values[name]
            log.warning("%s_proxy is not used: %s", scheme, reason)
    if not proxies:
        return
    listed = values.get("no_proxy") or values.get("NO_PROXY") or ""
    excepted = [host.strip() for host in listed.split(",") if host.strip()]
    here = [host for host in (*LOCAL_HOSTS, *hosts) if host not in ("0.0.0.0", "::", "") and host not in excepted]
    for name in ("no_proxy", "NO_PROXY"):  # libraries differ in which of them they read
        values[name] = ",".join([*excepted, *here])


def _proxies(values: MutableMapping[str, str]) -> dict[str, str]:
    """Address by scheme; names in lower case count more, as for the libraries."""
    found: dict[str, str] = {}
    for name in sorted(values):  # upper case comes first
        scheme = name.lower().removesuffix("_proxy")
        if name.lower().endswith("_proxy") and scheme in _SCHEMES and values[name].strip():
            found[scheme] = values[name]
    return found


def _problem(address: str) -> str | None:
    """Why the HTTP library cannot use a proxy; None if it can. Names no password."""
    import httpx

    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        if not proxy.url.host:
            raise ValueError("no host")
        httpx.HTTPTransport(proxy=proxy).close()
    except ImportError:
        return "a SOCKS proxy needs the package socksio (pip install socksio)"
    except Exception:  # the library raises several kinds for unknown schemes and malformed addresses
        return "it is no address of a proxy such as http://host:3128"
    return None
