"""Whether there is a way to where data lies, before a downloader tries for minutes."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterable
from urllib.parse import urlsplit


def unreachable(urls: Iterable[str]) -> str | None:
    """The host of one of the URLs, if none of their hosts has an address; None where one has, or a proxy is asked.

    Args:
        urls: what is to be downloaded.
    """
    parts = [urlsplit(url) for url in urls]
    proxies = urllib.request.getproxies()
    if any(part.scheme in proxies or "all" in proxies for part in parts):
        return None
    hosts = sorted({part.hostname for part in parts if part.hostname})
    return hosts[0] if hosts and not any(map(_has_address, hosts)) else None


def _has_address(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
