"""One question over HTTP to an address that was judged, with a short answer to read.

For key sets and for the providers that people log in with. Nothing is followed, the answer
is bounded in size and time, and the address that was judged is the one connected to.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from trucyte.exchange.subscriptions.addresses import LookUp, Policy, look_up, read_target
from trucyte.exchange.subscriptions.problems import EndpointAway

ANSWER_BYTES_MAX: Final = 256 * 1024
SECONDS_MAX: Final = 5.0  # of silence, and of the whole body
_CHUNK: Final = 16 * 1024

# Method, address, headers, body -> status and answer.
Ask = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]


class Asker:
    """Asks what `policy` allows. Safe to share between threads."""

    def __init__(
        self,
        policy: Policy,
        *,
        look_up: LookUp = look_up,
        trust: ssl.SSLContext | None = None,
        seconds_max: float = SECONDS_MAX,
    ) -> None:
        """Judge by `policy`; `trust` are the certificates of others."""
        self._policy = policy
        self._look_up = look_up
        self._trust = trust
        self._seconds_max = seconds_max

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Return status and answer. Raises EndpointRefused, EndpointAway."""
        target = read_target(url)
        address = self._policy.resolve(target, self._look_up)
        try:
            raw: socket.socket = socket.create_connection(
                (address, target.port), timeout=self._seconds_max
            )
            if target.scheme == "https":
                trust = self._trust or ssl.create_default_context()
                raw = trust.wrap_socket(raw, server_hostname=target.host)
            with closing(http.client.HTTPConnection(target.host, target.port)) as connection:
                connection.sock = raw
                named = {"Host": target.authority, "Connection": "close", **headers}
                connection.request(method, target.path, body=body or None, headers=named)
                answer = connection.getresponse()
                text = self._read(answer, time.monotonic() + self._seconds_max)
        except ssl.SSLError:
            raise EndpointAway(reason="no trusted certificate") from None
        except (OSError, http.client.HTTPException):
            raise EndpointAway(reason="no connection") from None
        return answer.status, text

    def _read(self, answer: http.client.HTTPResponse, until: float) -> bytes:
        """Return a body; one that drips is not waited for. Raises EndpointAway."""
        text = b""
        while part := answer.read1(_CHUNK):
            text += part
            if len(text) > ANSWER_BYTES_MAX:
                raise EndpointAway(reason="answer too large")
            if time.monotonic() > until:
                raise EndpointAway(reason="too slow")
        if answer.length:
            raise EndpointAway(reason="answer cut off")
        return text
