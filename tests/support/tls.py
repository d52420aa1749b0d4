"""A server of one process that speaks TLS as a worker does, and what it is asked with."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.certificates import Authority, _builder, _named
from trucyte.base.settings import LimitSettings, TlsSettings
from trucyte.node.keeping.tls import certificate
from trucyte.node.serving.accept import Acceptor, Secured
from trucyte.node.serving.line import Rules
from trucyte.node.serving.tls import hsts_header, server_context


def self_signed(folder: Path, name: str = "127.0.0.1") -> TlsSettings:
    """Lay a key and a certificate down."""
    folder.mkdir(exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    key, place = folder / "server.key", folder / "server.pem"
    key.touch(mode=0o600)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    place.write_bytes(certificate(private, [name], 30).public_bytes(Encoding.PEM))
    return TlsSettings(certificate=place, key=key)


def client_of(authority: Authority, name: str = "his") -> tuple[Path, x509.Certificate]:
    """Return a certificate of a client, in a file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _builder(_named(name), authority.certificate.subject, key, 2).sign(
        authority.key, SHA256()
    )
    file = authority.folder / f"{authority.name}-{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file, made


async def say_scope(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what the scope says of the connection."""
    body = json.dumps({"scheme": scope["scheme"], "tls": scope.get("extensions", {})}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Speaking:
    """A server that runs."""

    port: int
    trusts: Path
    rules: Rules
    refused: list[str] = field(default_factory=list)

    def client(self, own: Path | None = None, **more: Any) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.trusts))
        if own is not None:
            context.load_cert_chain(own)
        for name, value in more.items():
            setattr(context, name, value)
        return context

    def ask(self, own: Path | None = None, **more: Any) -> bytes:
        """Return everything the server says to one request."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        with self.client(own, **more).wrap_socket(plain, server_hostname="127.0.0.1") as line:
            line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            parts = []
            while part := line.recv(65536):
                parts.append(part)
        return b"".join(parts)


@contextmanager
def speaking(
    tls: TlsSettings, limits: LimitSettings | None = None, app: Callable[..., Any] = say_scope
) -> Iterator[Speaking]:
    """Run a server in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    refused: list[str] = []
    rules = Rules(limits or LimitSettings(), refused.append, lambda lines: None)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        config = uvicorn.Config(
            app, http=rules.protocol(), log_config=None, access_log=False,
            lifespan="off", headers=hsts_header(tls),
        )  # fmt: skip
        config.load()
        state = uvicorn.Server(config).server_state
        state.default_headers = config.encoded_headers  # as its first tick does
        context = server_context(tls)
        assert context is not None
        secured = Secured(context, rules.limits.head_seconds_max, rules.greet, rules.greeted)
        acceptor = Acceptor(
            listener,
            lambda: rules.protocol()(config=config, server_state=state, app_state={}),
            own=lambda: len(rules.lines),
            least_of_others=lambda: float("inf"),
            secured=secured,
        )
        acceptor.start()
        watch = asyncio.ensure_future(rules.watch())
        ready.set()
        await stop.wait()
        watch.cancel()
        acceptor.stop()
        for line in tuple(rules.lines):
            line.transport.abort()
        await asyncio.sleep(0.05)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        ready.wait(30)
        yield Speaking(port, tls.certificate, rules, refused)  # type: ignore[arg-type]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
