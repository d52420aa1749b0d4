"""The memory in PostgreSQL and the one of a process keep the same promises."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.support.oauth import NOW, World
from trucyte.database.connect import Database
from trucyte.shared.access.oauth.memory import MemoryStore
from trucyte.shared.access.oauth.records import Client, Delegation, SealedKey
from trucyte.shared.access.oauth.store import PostgresStore

LATER = NOW + timedelta(minutes=5)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
        return
    database = request.getfixturevalue("database")
    yield PostgresStore(database)


def client(id: str = "app", **more: Any) -> Client:
    return Client(id, "An app", "app", ("https://a.vn/b",), ("openid",), created_at=NOW, **more)


def delegation(id: str, **more: Any) -> Delegation:
    told = {"client": "app", "account": "a", "session": "", "subject": "{}", "context": "{}",
            "scopes": ("openid",), "made_at": NOW, "ends_at": LATER, **more}  # fmt: skip
    return Delegation(id, **told)


def test_a_store_keeps_its_promises(store: Any) -> None:
    assert store.add_client(client()) and not store.add_client(client())
    assert store.client("app") == client() and store.client("b\0") is None
    assert [one.id for one in store.clients()] == ["app"]

    for id, more in (("d1", {}), ("d2", {"account": "b"}), ("d3", {"session": "s"}), ("d4", {})):
        store.begin(delegation(id, **more))
    assert store.delegation("d1", NOW) == delegation("d1")
    assert store.delegation("d1", LATER) is None
    store.end_delegation("d4", NOW)
    store.end_account("b", NOW)
    store.end_session("", NOW)
    store.end_session("s", NOW)
    assert store.delegation("d1", NOW) is not None
    assert {store.delegation(id, NOW) for id in ("d2", "d3", "d4")} == {None}
    assert store.revoked(NOW) == dict.fromkeys(("d:d2", "d:d3", "d:d4"), NOW.timestamp())
    assert store.end_client("app", NOW) and not store.end_client("app", NOW)
    assert store.client("app") is None and store.delegation("d1", NOW) is None
    assert {"c:app", "d:d1"} <= store.revoked(NOW).keys()

    store.put("code", b"1", b"body", client="app", delegation="d1", ends_at=LATER)
    assert store.look("code", b"1", NOW).body == b"body"
    assert store.look("refresh", b"1", NOW) is None and store.take("code", b"2", NOW) is None
    assert [store.take("code", b"1", NOW).uses for _ in range(2)] == [1, 2]
    assert store.look("code", b"1", NOW) is None and store.take("code", b"1", LATER) is None
    assert store.once(b"x", NOW, LATER) and not store.once(b"x", NOW, LATER)
    store.purge(LATER + timedelta(seconds=1))
    assert store.once(b"x", NOW, LATER)
    store.purge(NOW + timedelta(days=2))
    assert store.revoked(NOW + timedelta(days=2)) == {}


def test_keys_are_added_one_at_a_time(store: Any) -> None:
    soon = NOW + timedelta(days=1)
    store.add_key(SealedKey("k1", "{}", b"s", NOW, NOW))
    store.add_key(SealedKey("k2", "{}", b"s", NOW, NOW))  # another process was first
    listed = store.keys()
    assert [one.id for one in listed] == ["k1"]
    at = NOW + timedelta(minutes=2)
    store.add_key(SealedKey("k3", "{}", b"s", at, soon))
    store.add_key(SealedKey("k4", "{}", b"s", at + timedelta(hours=1), soon))
    listed = store.keys()
    assert [one.id for one in listed] == ["k1", "k3"]
    store.begin_key("k3", at)
    assert store.keys()[1].begins_at == at


def test_of_many_who_use_a_secret_together_one_is_the_first(database: Database) -> None:
    store = PostgresStore(database)
    store.put("refresh", b"1", b"", ends_at=LATER)
    with ThreadPoolExecutor(6) as pool:
        uses = list(pool.map(lambda _: store.take("refresh", b"1", NOW).uses, range(12)))
        firsts = list(pool.map(lambda _: store.once(b"jti", NOW, LATER), range(12)))
    assert sorted(uses) == list(range(1, 13)) and firsts.count(True) == 1


def test_a_key_sealed_by_another_node_is_said_to_be_damaged() -> None:
    from trucyte.shared.access.oauth.keys import SigningKeyDamaged, SigningKeys

    world = World()
    world.keys.current()
    with pytest.raises(SigningKeyDamaged):
        SigningKeys(world.store, b"x" * 32, world.clock).current()
