from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.asgi import ask, run
from trucyte.base.settings import LimitSettings
from trucyte.web.api.asgi import Answer, send_answer
from trucyte.web.api.limits import (
    CLIENTS_KEPT,
    INTERACTION,
    Clients,
    Limited,
    NodeBusy,
    TooManyAtOnce,
    TooManyRequests,
)


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def clients(time: Time | None = None, **limits: float) -> Clients:
    return Clients(LimitSettings(**limits), time or Time())  # type: ignore[arg-type]


def test_a_burst_is_let_through_and_then_the_rate_holds() -> None:
    time = Time()
    door = clients(time, requests_per_second=2.0, requests_burst=3)
    for _ in range(3):
        door.leave(door.enter("a"))
    with pytest.raises(TooManyRequests) as refused:
        door.enter("a")
    assert refused.value.facts == {"seconds": 1}
    door.leave(door.enter("b"))  # another client is not held up
    time.now += 0.5
    door.leave(door.enter("a"))
    with pytest.raises(TooManyRequests):
        door.enter("a")


def test_a_client_may_have_so_many_at_once_and_all_together_so_many() -> None:
    door = clients(running_per_client=2, running_max=3)
    first = door.enter("a")
    door.enter("a")
    with pytest.raises(TooManyAtOnce):
        door.enter("a")
    door.enter("b")
    with pytest.raises(NodeBusy):
        door.enter("c")
    door.leave(first)
    door.enter("c")


def test_clients_without_number_are_forgotten_but_never_those_at_work() -> None:
    time = Time()
    door = clients(time, running_max=10**9)
    for number in range(CLIENTS_KEPT):
        bucket = door.enter(f"c{number}")
        if number:
            door.leave(bucket)
    door.enter("new")
    assert len(door.buckets) <= CLIENTS_KEPT
    assert door.buckets["c0"].running == 1


def limited(limits: LimitSettings, refusals: list[str]) -> Limited:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send_answer(send, Answer(200, b"fine", "text/plain"))

    return Limited(app, limits, refusals.append)


@pytest.mark.parametrize(
    ("limits", "headers", "status", "limit"),
    [
        ({"body_bytes_max": 10}, {"content-length": "11"}, 413, "too-large"),
        ({"body_bytes_max": 10}, {"content-length": "9" * 400}, 413, "too-large"),
        ({"requests_burst": 1, "requests_per_second": 0.1}, {}, 429, "rate"),
    ],
)
def test_a_refusal_is_an_outcome_in_the_callers_language_and_says_when(
    limits: dict[str, Any], headers: Mapping[str, str], status: int, limit: str
) -> None:
    refusals: list[str] = []
    app = limited(LimitSettings(**limits), refusals)
    if limit == "rate":
        assert ask(app, "GET", "/fhir/Patient").status == 200
    reply = ask(app, "GET", "/fhir/Patient", headers={**headers, "accept-language": "en"})
    assert reply.status == status
    assert reply.json["resourceType"] == "OperationOutcome"
    assert reply.json["issue"][0]["details"]["text"].isascii()
    assert refusals == [limit]
    assert ("retry-after" in reply.headers) == (status == 429)


def test_whoever_watches_the_node_is_never_refused() -> None:
    app = limited(LimitSettings(requests_burst=1, requests_per_second=0.001), [])
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def twice() -> None:
        scope = {"type": "http", "headers": [], "client": ("a", 1), INTERACTION: "health"}
        await app(dict(scope), None, send)  # type: ignore[arg-type]
        await app(dict(scope), None, send)  # type: ignore[arg-type]

    run(twice())
    assert [message["status"] for message in sent[::2]] == [200, 200]
