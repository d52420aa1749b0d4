"""WebSockets of subscriptions, as raw ASGI: one loop that hears the client, one that tells it.

A process listens to the database once for all its sockets, and only while there are any.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.database.connect import Database, problems_of_the_server
from trucyte.exchange.subscriptions.sockets import Socket
from trucyte.exchange.subscriptions.store import CHANNEL
from trucyte.records.access import Access
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Call

SOCKETS_MAX: Final = 1000  # of one process
_TEXT_MAX: Final = 16_384  # characters of what a client may say
_LOOK_SECONDS: Final = 2.0  # how long a word of the database may be missed
_BYE: Final = 1000
_BAD: Final = 1008
_FULL: Final = 1013


class Bell:
    """Wakes the sockets of a process when something happened."""

    def __init__(self, database: Database) -> None:
        """Listen on a connection of its own, while anybody waits."""
        self._database = database
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._stop = threading.Event()

    def join(self) -> asyncio.Event:
        """Return an event that is set whenever there may be something to tell."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        if len(self._waiting) == 1:
            self._loop, self._stop = asyncio.get_running_loop(), threading.Event()
            listening = threading.Thread(
                target=self._listen, args=(self._stop,), name="bell", daemon=True
            )
            listening.start()
        return bell

    def leave(self, bell: asyncio.Event) -> None:
        """Wait no more."""
        self._waiting.discard(bell)
        if not self._waiting:
            self._stop.set()

    def _listen(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with suppress(Problem), problems_of_the_server():
                self._hear(stop)
            stop.wait(_LOOK_SECONDS)  # sockets look by themselves meanwhile

    def _hear(self, stop: threading.Event) -> None:
        connection = self._database.connect(autocommit=True)
        try:
            connection.execute(f"listen {CHANNEL}")
            while not stop.is_set():
                heard = any(True for _ in connection.notifies(timeout=0.5, stop_after=1))
                if heard and self._loop is not None and not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self._ring)
        finally:
            connection.close()

    def _ring(self) -> None:
        for bell in self._waiting:
            bell.set()


class Sockets:
    """The ASGI application at `/fhir/ws`."""

    def __init__(
        self,
        database: Database,
        make: Callable[[Access], Socket],
        access: Callable[[Call], Access],
    ) -> None:
        """Make a socket's state by `make`, under the access of whoever opens it."""
        self._bell = Bell(database)
        self._make = make
        self._access = access
        self._open = 0

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Serve one socket until either side ends it; plain HTTP is told to upgrade."""
        if scope["type"] != "websocket":
            answer = asgi.Answer(426, b"", "text/plain", [("Upgrade", "websocket")])
            await asgi.send_answer(send, answer)
            return
        if (await receive())["type"] != "websocket.connect":
            return
        if self._open >= SOCKETS_MAX:
            await send({"type": "websocket.close", "code": _FULL})
            return
        self._open += 1
        bell = self._bell.join()
        try:
            await send({"type": "websocket.accept"})
            call = asgi.call_of({**scope, "method": "GET"}, {}, b"")
            try:
                access = await asgi.in_thread(lambda: self._access(call))
            except Problem:
                await send({"type": "websocket.close", "code": _BAD})
                return
            await self._serve(self._make(access), bell, receive, send)
        finally:
            self._bell.leave(bell)
            self._open -= 1

    async def _serve(
        self, socket: Socket, bell: asyncio.Event, receive: asgi.Receive, send: asgi.Send
    ) -> None:
        turn = asyncio.Lock()  # the state of a socket is for one thread at a time
        hears = asyncio.ensure_future(_hear(socket, turn, bell, receive, send))
        tells = asyncio.ensure_future(_tell(socket, turn, bell, send))
        try:
            await asyncio.wait({hears, tells}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            code = await _ended(hears, tells)
            if code:
                with suppress(RuntimeError, OSError):  # it may be closed already
                    await send({"type": "websocket.close", "code": code})


async def _ended(hears: "asyncio.Future[int]", tells: "asyncio.Future[int]") -> int:
    """End both loops and return with which code to close, 0 where the client did."""
    codes = []
    for task in (hears, tells):
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        else:
            with suppress(OSError):  # the line was cut while something was sent
                codes.append(task.result())
    return max(codes, default=0)


async def _hear(
    socket: Socket,
    turn: asyncio.Lock,
    bell: asyncio.Event,
    receive: asgi.Receive,
    send: asgi.Send,
) -> int:
    while True:
        message: Any = await receive()
        if message["type"] == "websocket.disconnect":
            return 0
        text = message.get("text") or ""
        if not text or len(text) > _TEXT_MAX:
            return _BAD
        try:
            async with turn:
                answers = await asgi.in_thread(partial(socket.take, text))
                for answer in answers:
                    await send({"type": "websocket.send", "text": answer})
        except Problem as problem:
            await send({"type": "websocket.send", "text": f"error {problem.code}"})
            return _BAD
        bell.set()


async def _tell(socket: Socket, turn: asyncio.Lock, bell: asyncio.Event, send: asgi.Send) -> int:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), _LOOK_SECONDS)
        bell.clear()
        try:
            while await _told(socket, turn, send):
                pass
        except Problem:
            await asyncio.sleep(_LOOK_SECONDS)  # the database is away: nothing was lost


async def _told(socket: Socket, turn: asyncio.Lock, send: asgi.Send) -> bool:
    """Tell what there is; return whether anything was."""
    async with turn:
        texts = await asgi.in_thread(socket.next)
        for text, id, number in texts:
            await send({"type": "websocket.send", "text": text})
            await asgi.in_thread(partial(socket.sent, id, number))
    return bool(texts)
