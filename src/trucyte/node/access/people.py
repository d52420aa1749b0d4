"""Puts together what pages and commands need of people's accounts; the trail hears of them."""

from trucyte.node.wiring import Node
from trucyte.shared.access.local import no_access
from trucyte.shared.access.staff.asking import mode_of
from trucyte.shared.access.staff.book import StaffBook, open_book
from trucyte.shared.access.subject import Subject
from trucyte.shared.audit import Trail
from trucyte.web.doorway import Doorway


class NotedInTrail:
    """Enters logins and changes of accounts in the trail; done when that is durable."""

    def __init__(self, trail: Trail, door: str) -> None:
        """Enter in `trail` what came through `door` ("pages", "cli")."""
        self._trail = trail
        self._door = door

    def logged_in(self, account: str, organisation: str, code: str) -> None:
        """Enter a login, with the code of the Problem a refused one."""
        self._trail.logged_in(account, organisation=organisation, door=self._door, code=code)

    def changed(self, by: Subject, what: str, account: str) -> None:
        """Enter that `what` was done to an account."""
        access = no_access(by, self._trail)
        self._trail.enter(access, what, code=account, door=self._door).result()


def make_book(node: Node, door: str) -> StaffBook:
    """Return the accounts of people at a node, as asked through a door ("pages", "cli")."""
    noting = NotedInTrail(node.trail, door)
    return open_book(
        node.database, node.keyring, node.clock, node.settings.access, noting,
        mode=mode_of(node.settings),
    )  # fmt: skip


def make_doorway(node: Node, book: StaffBook) -> Doorway:
    """Return what tells who is before a page of this node."""
    return Doorway(
        book.sessions,
        book.asks_login,
        node.keyring.derive("browsers", 32),
        trusts_forwarded=node.settings.web.trusts_forwarded,
    )
