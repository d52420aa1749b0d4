"""Puts together what pages need of people's accounts."""

from trucyte.node.wiring import Node
from trucyte.shared.access.staff.asking import LoginAsked
from trucyte.shared.access.staff.sessions import Sessions
from trucyte.web.doorway import Doorway


def make_doorway(node: Node) -> Doorway:
    """Return what tells who is before a page of this node."""
    key = node.keyring.derive("sessions", 32)
    settings = node.settings
    return Doorway(
        Sessions(node.database, node.clock, key),
        LoginAsked(node.database, settings.access.login),
        key,
        trusts_forwarded=settings.web.trusts_forwarded,
    )
