"""Where a notification may go: https, to addresses of the open network, unless told otherwise.

A name is looked up once for each connection, every address it has is judged, and the one
that was judged is the one connected to; a name that changes its address between the two
gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from trucyte.exchange.subscriptions.problems import EndpointAway, EndpointRefused

_PORTS: Final = {"http": 80, "https": 443}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LookUp = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint, taken apart."""

    url: str
    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        """As a Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows."""

    http_hosts: frozenset[str] = frozenset()  # for whom http is enough, beside loopback
    networks: tuple[Network, ...] = ()  # not of the open network, and allowed all the same

    def check(self, endpoint: str) -> None:
        """Refuse an endpoint by what it says of itself, without asking for its address.

        Raises EndpointRefused.
        """
        target = read_target(endpoint)
        literal = _literal(target.host)
        if literal is not None:
            self._check_address(literal)
        if target.scheme == "http" and not self._may_be_plain(target.host, literal):
            raise EndpointRefused(reason="https is asked for")

    def resolve(self, target: Target, look_up: LookUp) -> str:
        """Return the address to connect to. Raises EndpointRefused, EndpointAway.

        One address that is not allowed refuses the name: else chance would choose.
        """
        found = [ipaddress.ip_address(one) for one in look_up(target.host, target.port)]
        if not found:
            raise EndpointAway(reason="unknown host")
        for address in found:
            self._check_address(address)
        if target.scheme == "http" and not self._may_be_plain(target.host, found[0]):
            raise EndpointRefused(reason="https is asked for")
        return str(found[0])

    def _check_address(self, address: Address) -> None:
        plain = _unmapped(address)
        if any(plain.version == one.version and plain in one for one in self.networks):
            return
        if not plain.is_global or plain.is_multicast:
            raise EndpointRefused(reason="not an address of the open network")

    def _may_be_plain(self, host: str, address: Address | None) -> bool:
        if host in self.http_hosts:
            return True
        return host == "localhost" or (address is not None and _unmapped(address).is_loopback)


def read_target(endpoint: str) -> Target:
    """Take an endpoint apart. Raises EndpointRefused."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise EndpointRefused(reason="not an address") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _PORTS or not host:
        raise EndpointRefused(reason="not an http address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise EndpointRefused(reason="a user or a fragment in it")
    if any(c <= " " or c == "\x7f" for c in endpoint):
        raise EndpointRefused(reason="a blank in it")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(endpoint, parts.scheme, host, port or _PORTS[parts.scheme], path)


def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, those of version 4 first; none where it is not known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _unmapped(address: Address) -> Address:
    """Return what an IPv6 form of an IPv4 address stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address
