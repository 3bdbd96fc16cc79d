"""Which address a request came from."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

from server.settings import Settings


def client_address(request: Request, settings: Settings) -> str:
    """The address that a request came from. `X-Forwarded-For` is believed only as far as our own proxies wrote it; an IPv6
    address stands for its /64, which is what one household has."""
    peer = request.client.host if request.client else ""
    chain = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    while chain and _trusted(peer, settings.trusted_proxies):
        peer = chain.pop()
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _trusted(peer: str, proxies: tuple[str, ...]) -> bool:
    if peer in proxies:
        return True
    try:
        address = ipaddress.ip_address(peer)
        return any(address in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
    except ValueError:
        return False
