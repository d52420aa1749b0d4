"""Where a node listens: this machine, or beyond it where who comes is known and nobody reads along.

Beyond loopback there must be an administrator, so that everybody is asked who they are, and
what is said must be encrypted: by a proxy of the operator's own that ends TLS
(`web.trusts_forwarded`), or by this node.
"""

import ipaddress
import socket

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import Settings
from trucyte.database.connect import Database
from trucyte.shared.access.staff.asking import has_administrator


class NotLoopback(Problem):
    """Beyond this machine a node needs TLS or a proxy of yours that ends it; {host} is refused."""

    kind = Kind.UNSUPPORTED
    code = "not-loopback"


class NoAdministrator(Problem):
    """Beyond this machine a node needs an administrator first: run `trucyte staff first`."""

    kind = Kind.UNSUPPORTED
    code = "no-administrator"


class PortTaken(Problem):
    """The port {port} is taken; choose another (TRUCYTE_PORT)."""

    kind = Kind.UNAVAILABLE
    code = "port-taken"


def is_loopback(host: str) -> bool:
    """Say whether an address is of this machine alone; a name is not, but localhost."""
    try:
        return ipaddress.ip_address(_plain(host)).is_loopback
    except ValueError:
        return False


def is_encrypted(settings: Settings) -> bool:
    """Say whether nobody between a client and this node reads along."""
    return settings.web.trusts_forwarded  # a proxy of the operator's own ends TLS


def check_beyond(host: str, settings: Settings, database: Database) -> None:
    """Refuse to listen beyond this machine where not all is there that it takes.

    Raises NotLoopback, NoAdministrator.
    """
    if is_loopback(host):
        return
    if not is_encrypted(settings):
        raise NotLoopback(host=host)
    if not has_administrator(database):
        raise NoAdministrator


def listening_address(host: str, port: int, *, may_leave: bool = False) -> socket.socket:
    """Return a socket bound to an address of this machine.

    One beyond loopback is taken only with `may_leave`, which says that `check_beyond` will
    be asked before anyone is answered. Raises NotLoopback, PortTaken.
    """
    name = _plain(host)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        raise NotLoopback(host=host) from None
    if not (address.is_loopback or may_leave):
        raise NotLoopback(host=host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((name, port))
    except OSError:
        listener.close()
        raise PortTaken(port=port) from None
    return listener


def _plain(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host.strip("[]")
