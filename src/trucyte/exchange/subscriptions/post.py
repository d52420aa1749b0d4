"""One HTTP request to an endpoint, bounded in time and size; nothing is followed.

A redirect is a refusal: the address that was judged is the only one that is sent to.
"""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import httptools

from trucyte.exchange.subscriptions.addresses import LookUp, Policy, Target, look_up
from trucyte.exchange.subscriptions.problems import EndpointAway

ANSWER_BYTES_MAX: Final = 64 * 1024
_CHUNK: Final = 16 * 1024

Headers = Sequence[tuple[str, str]]


class _Answer:
    """Keeps the status of an answer, and nothing else; interim answers (1xx) are passed over."""

    def __init__(self) -> None:
        self.parser: httptools.HttpResponseParser | None = None
        self.status = 0

    def on_headers_complete(self) -> None:
        """The head is here."""
        assert self.parser is not None
        status = int(self.parser.get_status_code())
        if status >= 200 and not self.status:
            self.status = status


def trusting(file: Path | None) -> ssl.SSLContext:
    """Return what certificates are judged by: this machine's authorities, and those of a file."""
    trust = ssl.create_default_context()
    if file is not None:
        trust.load_verify_locations(file)
    return trust


class Poster:
    """Sends notifications out."""

    def __init__(
        self, policy: Policy, *, look_up: LookUp = look_up, trust: ssl.SSLContext | None = None
    ) -> None:
        """Send to what `policy` allows; `trust` are the certificates of others."""
        self._policy = policy
        self._look_up = look_up
        self._trust = trust or trusting(None)

    async def send(
        self, method: str, target: Target, headers: Headers, body: bytes, *, seconds_max: float
    ) -> int:
        """Send a request and return the status of its answer.

        Raises EndpointRefused, EndpointAway where no answer comes, or one that is no HTTP,
        too large or too late.
        """
        try:
            async with asyncio.timeout(seconds_max):
                return await self._sent(method, target, headers, body)
        except TimeoutError:
            raise EndpointAway(reason="too slow") from None
        except ssl.SSLError:
            raise EndpointAway(reason="no trusted certificate") from None
        except (OSError, asyncio.IncompleteReadError):
            raise EndpointAway(reason="no connection") from None
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise EndpointAway(reason="no HTTP") from None

    async def _sent(self, method: str, target: Target, headers: Headers, body: bytes) -> int:
        loop = asyncio.get_running_loop()
        address = await loop.run_in_executor(
            None, self._policy.resolve, target, self._look_up
        )  # raises what it refuses
        is_secure = target.scheme == "https"
        reader, writer = await asyncio.open_connection(
            address,
            target.port,
            ssl=self._trust if is_secure else None,
            server_hostname=target.host if is_secure else None,
        )
        try:
            writer.write(_request(method, target, headers, body))
            await writer.drain()
            return await _status(reader)
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


def _request(method: str, target: Target, headers: Headers, body: bytes) -> bytes:
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    head = "\r\n".join(lines)
    assert "\r\n\r\n" not in head, "a header would end the head"
    return head.encode("latin-1") + b"\r\n\r\n" + body


async def _status(reader: asyncio.StreamReader) -> int:
    """Read the head of an answer and return its status; what follows the head says no more."""
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    answer.parser = parser
    size = 0
    while not answer.status:
        data = await reader.read(_CHUNK)
        size += len(data)
        if not data:
            raise EndpointAway(reason="answer cut off")
        if size > ANSWER_BYTES_MAX:
            raise EndpointAway(reason="answer too large")
        parser.feed_data(data)
    return answer.status
