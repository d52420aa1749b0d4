"""Whoever follows the trail raises each alert once and loses none, whenever it is stopped."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.records import open_node
from tests.support.trail import access_of
from tests.support.web_records import patient
from tests.unit.test_trail_alerts import Told
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.journal.keyring import Keyring
from trucyte.shared.access.alerts import Alert, Alerts
from trucyte.shared.access.staff.account import Rights
from trucyte.shared.audit import Trail
from trucyte.shared.audit.alerts import read_rules
from trucyte.shared.audit.alerts.following import Watching, forget_old
from trucyte.shared.audit.alerts.knowledge import NodeKnowledge, RecordsKin
from trucyte.shared.audit.alerts.listing import NotWatched, WatchList, WatchReasonMissing

OFFICER = frozenset({"security_officer"})


@pytest.fixture
def trail(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Trail]:
    trail = Trail(database, Keyring.open(tmp_path / "trail-keys"), clock)
    yield trail
    trail.close()


@pytest.fixture
def night(clock: FixedClock) -> FixedClock:
    clock.moment = clock.moment.replace(hour=16, minute=0)  # 23:00 in Viet Nam
    return clock


def sweep(
    trail: Trail, clock: FixedClock, count: int, *, first: int = 1, who: str = "bs01"
) -> None:
    for person in range(first, first + count):
        clock.moment += timedelta(seconds=20)
        trail.shown(access_of(who), [person], "read Patient")


def watching(database: Database, trail: Trail, known: Told | None = None) -> Watching:
    everyone = Told(patients=frozenset(range(1000)))
    return Watching(database, trail.journal, read_rules(), known or everyone)


def alerts(database: Database, clock: FixedClock) -> list[Alert]:
    return list(Alerts(database, clock).of_roles(OFFICER))


def test_an_alert_is_raised_with_evidence_that_the_trail_has(
    database: Database, trail: Trail, night: FixedClock
) -> None:
    sweep(trail, night, 30)
    watching(database, trail).catch_up()
    (alert,) = alerts(database, night)
    assert (alert.kind, alert.about) == ("trail-night-sweep", "account/bs01")
    assert len(alert.evidence) == 20
    for id in alert.evidence:
        assert trail.entry(access_of("officer"), id).deed.caller == "bs01"


def test_looking_again_raises_nothing_more(
    database: Database, trail: Trail, night: FixedClock
) -> None:
    sweep(trail, night, 30)
    follower = watching(database, trail)
    assert len(follower.catch_up()) == 1
    assert follower.catch_up() == []
    sweep(trail, night, 30)
    assert follower.catch_up() == []
    assert watching(database, trail).catch_up() == []
    assert len(alerts(database, night)) == 1


@pytest.mark.parametrize("stopped_after", [1, 10, 24])
def test_a_restart_in_the_middle_loses_no_alert(
    database: Database, trail: Trail, night: FixedClock, stopped_after: int
) -> None:
    sweep(trail, night, stopped_after)
    assert watching(database, trail).catch_up() == []
    sweep(trail, night, 30 - stopped_after, first=stopped_after + 1)
    (found,) = watching(database, trail).catch_up()
    assert found.counted == 25
    assert len(alerts(database, night)) == 1


def test_a_crash_between_raising_and_the_cursor_raises_neither_none_nor_two(
    database: Database, trail: Trail, night: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(trail, night, 30)

    def crash(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(trail.journal, "move_cursor", crash)
        with pytest.raises(RuntimeError):
            watching(database, trail).catch_up()
    assert alerts(database, night) == []
    watching(database, trail).catch_up()
    assert len(alerts(database, night)) == 1


def test_two_who_follow_raise_one_alert(
    database: Database, trail: Trail, night: FixedClock
) -> None:
    sweep(trail, night, 24)
    one, other = watching(database, trail), watching(database, trail)
    one.catch_up()
    other.catch_up()
    sweep(trail, night, 6, first=25)
    assert len(one.catch_up()) + len(other.catch_up()) == 1


def test_after_a_restore_it_begins_again_and_raises_nothing_twice(
    database: Database, trail: Trail, night: FixedClock
) -> None:
    sweep(trail, night, 30)
    follower = watching(database, trail)
    follower.catch_up()
    trail.journal.start_epoch()
    sweep(trail, night, 2)
    assert follower.catch_up() == []
    assert len(alerts(database, night)) == 1


def test_claims_of_long_ago_are_forgotten(
    database: Database, trail: Trail, night: FixedClock
) -> None:
    sweep(trail, night, 30)
    watching(database, trail).catch_up()
    forget_old(database, night.now() + timedelta(days=61))
    with database.connection() as connection:
        assert connection.execute("select count(*) from audit.raised").fetchone() == (1,)
    forget_old(database, night.now() + timedelta(days=63))
    with database.connection() as connection:
        assert connection.execute("select count(*) from audit.raised").fetchone() == (0,)


def test_the_list_of_sensitive_persons_is_kept_and_ended(
    database: Database, clock: FixedClock
) -> None:
    book = WatchList(database, clock)
    book.add(7, "giữ kín theo đề nghị", "an-ninh")
    book.add(7, "giữ kín theo đề nghị", "an-ninh")
    assert [one.person for one in book.list()] == [7]
    with pytest.raises(WatchReasonMissing):
        book.add(8, " ", "an-ninh")
    book.end(7, "an-ninh")
    with pytest.raises(NotWatched):
        book.end(7, "an-ninh")
    assert book.list() == []


def at_home(id: str, name: str, number: str, line: str) -> dict[str, object]:
    made = patient(id, name, "1985-03-15", "male", number)
    family, _, given = name.partition(" ")
    made["name"] = [{"text": name, "family": family, "given": [given]}]
    made["address"] = [{"line": [line], "text": line}]
    return made


def test_what_is_known_of_a_doctor_comes_from_the_records(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_node(database, tmp_path, clock, definitions) as node:
        home, number = "12 Lê Lợi", "079085000001"
        node.put(at_home("p1", "Nguyễn Văn Mẫu", number, home))
        node.put(at_home("p2", "Nguyễn Thị Mẫu", "079085000002", home))
        node.put(at_home("p3", "Nguyễn Văn Khác", "079085000003", "9 Trần Phú"))
        node.put(at_home("p4", "Trần Văn Mẫu", "079085000004", home))
        own = node.records.read(node.plain, "Patient", "p1")
        mate = node.records.read(node.plain, "Patient", "p2")
        stranger = node.records.read(node.plain, "Patient", "p3")
        identifier = at_home("p1", "Nguyễn Văn Mẫu", number, home)["identifier"]
        node.put({"resourceType": "Practitioner", "id": "dr1", "identifier": identifier})
        node.put(
            {
                "resourceType": "Encounter", "id": "e1", "status": "in-progress",
                "class": {"code": "IMP"}, "subject": {"reference": "Patient/p3"},
                "participant": [{"individual": {"reference": "Practitioner/dr1"}}],
            }
        )  # fmt: skip
        accounts = {"bs01": Rights(("doctor",), practitioner="Practitioner/dr1")}
        accounts["tiep-don"] = Rights(("registrar",))
        known = NodeKnowledge(database, clock, accounts.get, RecordsKin(node.records))
        assert known.own("bs01") == {own.person}
        assert known.family("bs01") == {mate.person}
        assert known.related("bs01", [stranger.person, mate.person]) == {stranger.person}
        assert known.related("tiep-don", [stranger.person]) is None
        assert known.is_person("tiep-don")
        assert not known.is_person("his-mau")
        assert known.related("his-mau", [1]) is None
        WatchList(database, clock).add(mate.person, "giữ kín", "an-ninh")
        assert known.watched([mate.person, own.person]) == {mate.person}
