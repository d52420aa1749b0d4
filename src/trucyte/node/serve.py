"""Serve a node: the pages, the FHIR API, the doors, and the workers beside them.

Until access control has landed the server listens on this machine only and refuses any
other address with the reason.
"""

import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import click
import uvicorn
from starlette.types import ASGIApp

import trucyte
from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import load_settings
from trucyte.base.tracing import Event as LogEvent
from trucyte.base.tracing import write_logs
from trucyte.intake.door import process_waiting
from trucyte.intake.progress import Watchers
from trucyte.intake.watch import FolderWatch
from trucyte.node.exchange.subscriptions import make_subscriptions, telling
from trucyte.node.health import status_of
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.local import local_access
from trucyte.shared.terminology.follower import Follower
from trucyte.web.api.capability import searchable
from trucyte.web.api.doors import Doors
from trucyte.web.api.fhir import ApiParts, FhirApi
from trucyte.web.app import make_app
from trucyte.web.reader import RecordsReader
from trucyte.web.security import Guard
from trucyte.web.services import Services, WebSettings

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
STOP_SECONDS_MAX = 30
SEAL_SECONDS = 60.0
SWEEP_TURNS = 60  # about an hour
PAGES_LIVE = timedelta(hours=1)  # how long the next page of a search can be asked for
WAITS = LogEvent("node.waits", logging.WARNING, problem=str)
SERVING = LogEvent("web.serving", port=int)


class NotLoopback(Problem):
    """The node listens on this machine only (127.0.0.1) until access control; {host} is refused."""

    kind = Kind.UNSUPPORTED
    code = "not-loopback"


class PortTaken(Problem):
    """The port {port} is taken; choose another (TRUCYTE_PORT)."""

    kind = Kind.UNAVAILABLE
    code = "port-taken"


@click.command()
@click.option("--host", help="An address of this machine; only loopback is taken for now.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port [8080].")
@click.option(
    "--watch",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder whose files are taken in as they come.",
)
def serve(host: str | None, port: int | None, watch: Path | None) -> None:
    """Serve the pages, the FHIR API and the doors of this node.

    Example: trucyte serve --watch /srv/his/out
    """
    settings = load_settings(os.environ)
    write_logs(sys.stderr)
    address = listening_address(
        host or settings.web.host, settings.web.port if port is None else port
    )
    with open_node(settings) as node, address as listener, working(node, watch):
        port_number = listener.getsockname()[1]
        SERVING.log(port=port_number)
        click.echo(f"http://127.0.0.1:{port_number}", err=True)
        make_server(node).run(sockets=[listener])


def listening_address(host: str, port: int) -> socket.socket:
    """Return a socket bound to a loopback address. Raises NotLoopback, PortTaken."""
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        raise NotLoopback(host=host) from None
    if not address.is_loopback:
        raise NotLoopback(host=host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((name, port))
    except OSError:
        listener.close()
        raise PortTaken(port=port) from None
    return listener


def make_server(node: Node) -> uvicorn.Server:
    """Return the HTTP server of a node; no access log, so no query string is ever written."""
    config = uvicorn.Config(
        make_site(node),
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
        ws_max_size=64 * 1024,
        h11_max_incomplete_event_size=64 * 1024,
    )
    return uvicorn.Server(config)


def make_site(node: Node) -> ASGIApp:
    """Put pages, API and doors together."""
    subscriptions = make_subscriptions(node)
    asked = searchable(node.parts.definitions, node.parts.index.extractor)
    api = FhirApi(
        ApiParts(
            records=node.records,
            definitions=node.parts.definitions,
            access=lambda call: local_access("fhir", node.trail),
            trail=node.trail,
            searchable=lambda: asked,
            clock=node.clock,
            version=trucyte.__version__,
            interactions=node.interactions,
            operations=subscriptions.operations(node),
            topics=tuple(subscriptions.topics.by_url),
            trusts_forwarded=node.settings.web.trusts_forwarded,
        )
    )
    doors = Doors(node.receipts, node.accounts, node.clock, node.trail)
    services = Services(
        records=RecordsReader(node.records),
        receipts=node.receipts,
        access=lambda purpose: local_access("pages", node.trail),
        status=lambda: status_of(node),
        rules=node.parts.rules.rules,
        clock=node.clock,
        settings=WebSettings(
            node_name=node.settings.node.name,
            node_code=node.settings.node.facility,
            version=trucyte.__version__,
            upload_folder=node.settings.data,
        ),
        prove=node.journal.prove,
        public_key=node.keyring.public_key,
        trail=node.trail,
        subscribers=subscriptions.store,
    )
    sockets = subscriptions.sockets(node, lambda call: local_access("fhir", node.trail))
    mounts = {
        "/fhir": Guard(api, hosts=HOSTS),
        "/fhir/ws": Guard(sockets, hosts=HOSTS, takes_sockets=True),
        "/api": Guard(doors, hosts=HOSTS),
    }
    return make_app(services, mounts)


def _keep_house(node: Node, stop: Event) -> None:
    """Seal what was accepted and sweep what has gone, at their own pace, until `stop` is set.

    A busy journal or trail signs by itself; this signs for an idle one. A Problem is told and tried
    again at the next turn.
    """
    signed, turn = [-1, -1], 0
    while not stop.wait(SEAL_SECONDS):
        turn += 1
        try:
            for number, journal in enumerate((node.journal, node.trail.journal)):
                if journal.tail() != signed[number]:
                    signed[number] = journal.checkpoint().last_seq
            if turn % SWEEP_TURNS == 0:
                node.parts.index.sweep(node.database, node.clock.now() - PAGES_LIVE)
                node.parts.index.sweep_phrases(node.database)
        except Problem as problem:
            WAITS.log(problem=problem.code)


@contextmanager
def working(node: Node, watch: Path | None = None) -> Iterator[None]:
    """Work on what is received, and look at a folder, until the block is left."""
    stop = Event()
    watchers = Watchers(warning=lambda problem: WAITS.log(problem=problem.code))
    codes = Follower(node.database, node.journal)
    threads = [
        Thread(target=process_waiting, args=(node.door, stop, watchers), name="intake"),
        Thread(target=codes.run, args=(stop, watchers.warning), name="terminology"),
        Thread(target=_keep_house, args=(node, stop), name="housekeeping"),
    ]
    if watch is not None:
        watch.mkdir(parents=True, exist_ok=True)
        folder = FolderWatch(watch, node.receipts)
        threads.append(Thread(target=lambda: folder.run(stop, watchers=watchers), name="watch"))
    for thread in threads:
        thread.start()
    try:
        with telling(node, watchers.warning):
            yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(STOP_SECONDS_MAX)
