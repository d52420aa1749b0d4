"""Bodies come under bounds of size and pace; answers leave as fast as they are taken."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.asgi import run
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Answer, BodyTooLarge, BodyTooSlow, ClientGone


def feeding(*pieces: bytes, pause: float = 0) -> Any:
    waiting = list(pieces)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        if not waiting:
            return {"type": "http.disconnect"}
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    return receive


def test_a_body_is_read_whole() -> None:
    body = run(asgi.read_body(feeding(b"a", b"b", b""), size_max=2))
    assert body == b"ab"


def test_a_body_is_refused_as_soon_as_it_is_too_large() -> None:
    with pytest.raises(BodyTooLarge):
        run(asgi.read_body(feeding(b"ab", b"c", b"never"), size_max=2))


def test_a_body_that_drips_is_given_up() -> None:
    drips = feeding(*[b"x"] * 1000, pause=0.01)
    with pytest.raises(BodyTooSlow):
        run(asgi.read_body(drips, size_max=9999, grace_seconds=0.05, bytes_per_second_min=9999))


def test_a_body_that_keeps_the_pace_may_take_longer_than_the_grace() -> None:
    steady = feeding(*[b"x" * 1000] * 20, pause=0.005)
    body = run(
        asgi.read_body(steady, size_max=99999, grace_seconds=0.05, bytes_per_second_min=1000)
    )
    assert len(body) == 20_000


class Numbers:
    """Chunks without an end, that know whether they were closed."""

    def __init__(self, *, fails_at: int = -1) -> None:
        self.made = 0
        self.closed = False
        self._fails_at = fails_at

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.made == self._fails_at:
            raise ArithmeticError
        self.made += 1
        return b"%d\n" % self.made

    def close(self) -> None:
        self.closed = True


def test_chunks_stop_when_the_client_has_gone() -> None:
    chunks = Numbers()
    sent: list[dict[str, Any]] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 4:
            gone.set()
            await asyncio.sleep(0)

    run(asgi.send_answer(send, Answer(200, chunks, "text/plain"), receive=receive))
    assert chunks.made < 8
    assert chunks.closed
    assert [m["body"] for m in sent[1:4]] == [b"1\n", b"2\n", b"3\n"]
    assert all(m.get("more_body") for m in sent[1:])


def test_chunks_end_with_an_empty_piece_and_no_length() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    answer = Answer(200, iter([b"a", b"b"]), "text/plain")
    run(asgi.send_answer(send, answer, receive=None))
    assert b"content-length" not in dict(sent[0]["headers"])
    assert [m["body"] for m in sent[1:]] == [b"a", b"b", b""]
    assert not sent[-1].get("more_body")


def test_what_fails_before_the_first_chunk_is_raised_before_anything_is_sent() -> None:
    chunks = Numbers(fails_at=0)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(ArithmeticError):
        run(asgi.send_answer(send, Answer(200, chunks, "text/plain")))
    assert sent == []
    assert chunks.closed


def test_an_answer_without_a_body_says_no_length() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    run(asgi.send_answer(send, Answer(204, b"", "text/plain")))
    assert b"content-length" not in dict(sent[0]["headers"])
    assert b"content-type" not in dict(sent[0]["headers"])


def test_a_client_that_goes_in_mid_body_is_noticed() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        run(asgi.read_body(receive, size_max=10))
