"""Where a node may listen: beyond this machine only with an administrator and encryption."""

import pytest

from trucyte.base.settings import Settings, WebSettings
from trucyte.database.connect import Database
from trucyte.node.serving.address import (
    NoAdministrator,
    NotLoopback,
    PortTaken,
    check_beyond,
    is_loopback,
    listening_address,
)
from trucyte.shared.access.staff.asking import mode_of

BEHIND = Settings(web=WebSettings(trusts_forwarded=True))
ADD = """
insert into access.staff (name, display, roles, organisation, wards, practitioner, created_at,
                          created_by, activated_at)
values ('admin', 'x', '{administrator}', '', '{}', '', now(), 'cli', now())
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "yte.example.vn", "", "127.0.0.1.x"])  # noqa: S104 - refused below
def test_anything_else_is_not_and_is_refused(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(NotLoopback):
        listening_address(host, 0)


def test_a_name_is_never_listened_at() -> None:
    with pytest.raises(NotLoopback):
        listening_address("yte.example.vn", 0, may_leave=True)


def test_beyond_this_machine_it_takes_encryption_and_an_administrator(database: Database) -> None:
    check_beyond("127.0.0.1", Settings(), database)
    with pytest.raises(NotLoopback):
        check_beyond("10.0.0.1", Settings(), database)
    with pytest.raises(NoAdministrator):
        check_beyond("10.0.0.1", BEHIND, database)
    with database.connection() as connection:
        connection.execute(ADD)
    check_beyond("10.0.0.1", BEHIND, database)
    with pytest.raises(NotLoopback):
        check_beyond("10.0.0.1", Settings(), database)


def test_behind_a_proxy_everybody_is_asked_from_the_first_day() -> None:
    assert (mode_of(Settings()), mode_of(BEHIND)) == ("auto", "always")


def test_a_port_is_taken_once() -> None:
    with listening_address("127.0.0.1", 0) as listener:
        listener.listen()
        with pytest.raises(PortTaken):
            listening_address("127.0.0.1", listener.getsockname()[1])
