"""Take connections in turn: a new one goes to the worker that has the fewest.

All workers listen on one socket, so that what waits there waits for all of them and a dead
worker loses nobody. Left to themselves the first to wake takes all that wait: measured, one
of two workers had every connection, and the other core idled. So a worker that has more
than another leaves a connection to that one for a moment, and takes it only if nobody does.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

YIELD_SECONDS: Final = 0.001
PATIENCE_SECONDS: Final = 0.02  # then whoever is awake takes it
TIRED_SECONDS: Final = 0.5  # without room for another open file

Protocol = Callable[[], asyncio.Protocol]


@dataclass(frozen=True, slots=True)
class Secured:
    """How connections are secured before anything is asked on them."""

    context: ssl.SSLContext
    seconds_max: float  # of a handshake; who dawdles is cut off
    begin: Callable[[str], bool]  # whether an address may begin one
    end: Callable[[str, bool], None]  # it is over, and came to its end or not


class Acceptor:
    """Takes connections from a socket that several processes share."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Protocol,
        *,
        own: Callable[[], int],
        least_of_others: Callable[[], float],
        secured: Secured | None = None,
    ) -> None:
        """Give connections to `protocol`.

        `own` is how many this worker has, `least_of_others` what the idlest other one has.
        With `secured` a connection is of TLS, and `protocol` hears of it when that stands.
        """
        self._secured = secured
        self._listener = listener
        self._protocol = protocol
        self._own = own
        self._least_of_others = least_of_others
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._left_since = 0.0  # 0: nothing is being left to others

    def start(self) -> None:
        """Begin."""
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._look)

    def stop(self) -> None:
        """Take no more; what waits is for the others."""
        self._loop.remove_reader(self._listener.fileno())
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._listener.close()

    def _look(self) -> None:
        """Something waits: take one, or leave it to another for a moment."""
        if not self._is_ours():
            self._rest(YIELD_SECONDS)
            return
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            self._left_since = 0.0  # another was quicker
            return
        except OSError:  # too many open files: those that are open must end first
            self._rest(TIRED_SECONDS)
            return
        connection.setblocking(False)
        client = str(address[0])
        if self._secured is not None and not self._secured.begin(client):
            connection.close()  # nothing can be said to it before a handshake
            return
        task = self._loop.create_task(self._hand_on(connection, client))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    def _is_ours(self) -> bool:
        """Say whether this worker takes the next connection."""
        now = self._loop.time()
        if self._own() + len(self._coming) <= self._least_of_others():
            self._left_since = 0.0
            return True
        self._left_since = self._left_since or now
        if now - self._left_since < PATIENCE_SECONDS:
            return False
        self._left_since = 0.0
        return True

    async def _hand_on(self, connection: socket.socket, client: str) -> None:
        stands = False
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secured is None:
                await self._loop.connect_accepted_socket(self._protocol, connection)
            else:
                await self._loop.connect_accepted_socket(
                    self._protocol,
                    connection,
                    ssl=self._secured.context,
                    ssl_handshake_timeout=self._secured.seconds_max,
                )
            stands = True
        except (OSError, EOFError, TimeoutError):
            connection.close()  # it went away meanwhile, or speaks no TLS that is good enough
        finally:
            if self._secured is not None:
                self._secured.end(client, stands)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(seconds, self._again)

    def _again(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._look)
