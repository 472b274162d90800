"""Hosts that have no address."""

from __future__ import annotations

import socket

import pytest

from bvc.runtime.datasets.network import unreachable

URLS = ("https://data.example/a.zip", "https://other.example/b.zip")


def only(*known: str) -> object:
    """A look-up that knows these hosts."""

    def look_up(host: str, _: object) -> list[object]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return []

    return look_up


def test_one_host_with_an_address_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", only())
    assert unreachable(URLS) == "data.example"
    assert unreachable(()) is None
    monkeypatch.setattr(socket, "getaddrinfo", only("other.example"))
    assert unreachable(URLS) is None


def test_a_proxy_looks_hosts_up_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setattr(socket, "getaddrinfo", only())
    assert unreachable(URLS) is None
