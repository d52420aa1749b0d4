"""Serve a node: the command, its address, and the site that every worker answers with.

Beyond this machine it listens only where people log in and nobody reads along; else it
refuses the address with the reason.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

import click
from starlette.types import ASGIApp

import trucyte
from trucyte.base.problem import Problem
from trucyte.base.settings import Settings, load_settings
from trucyte.base.tracing import Event, write_logs
from trucyte.database.server import EmbeddedServer, running_pid
from trucyte.journal.keyring import Keyring
from trucyte.node.access.agreements import agreements_of
from trucyte.node.access.deciding import (
    make_deciding,
    make_glass,
    note_rules,
    pages_access,
    rules_of,
    tokens_access,
)
from trucyte.node.access.people import make_book, make_doorway
from trucyte.node.access.tokens import asking_of, citizens_of, security_of
from trucyte.node.api.operations import node_operations
from trucyte.node.api.reindexing import reindex_of
from trucyte.node.bulk.jobs import Bulk, make_bulk, operations_of
from trucyte.node.exchange.subscriptions import Subscriptions, make_subscriptions
from trucyte.node.health import status_of
from trucyte.node.registers.commands import facility_names
from trucyte.node.serving.address import check_beyond, is_encrypted, listening_address
from trucyte.node.serving.readiness import ReadyCheck
from trucyte.node.serving.supervisor import Plan, Supervisor
from trucyte.node.serving.tls import server_context
from trucyte.node.wiring import Node, Opened, open_database
from trucyte.shared.access.policy import load_book
from trucyte.shared.identity.newcomers import Worklist
from trucyte.web.api.capability import InForce
from trucyte.web.api.fhir import ApiParts, FhirApi
from trucyte.web.api.interactions.explaining import RulesOf
from trucyte.web.api.interactions.who import Asking, access_by_token
from trucyte.web.api.operations.identity import INSTANTIATES
from trucyte.web.api.operations.registers import DIRECTORY, register_operations
from trucyte.web.api.operations.reindex import Reindex, reindex_operations
from trucyte.web.app import make_app
from trucyte.web.doors.about import PATHS, About, AboutApi
from trucyte.web.doors.claims import Doors
from trucyte.web.doors.openapi import openapi_document
from trucyte.web.identity import NodeIdentityBook
from trucyte.web.oauth.doors import PATHS as OAUTH_PATHS
from trucyte.web.oauth.doors import OAuthDoors
from trucyte.web.reader import RecordsReader
from trucyte.web.registers import RecordsRegisterBook
from trucyte.web.security import Guard
from trucyte.web.services import Services, WebSettings

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
WAITS = Event("serving.waits", logging.WARNING, problem=str)
SERVING = Event("web.serving", port=int)
DATABASE_ENDED = Event("serving.database-ended", logging.WARNING)


@click.command()
@click.option(
    "--host", help="An address of this machine; beyond loopback only with logins and TLS."
)
@click.option("--port", type=click.IntRange(0, 65535), help="The port [8080].")
@click.option(
    "--watch",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder whose files are taken in as they come.",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer [cores].")
def serve(host: str | None, port: int | None, watch: Path | None, workers: int | None) -> None:
    """Serve the pages, the FHIR API and the doors of this node.

    SIGTERM lets run what runs, a second one ends at once; SIGHUP reads the settings again
    and replaces the processes without a gap.

    Example: trucyte serve --watch /srv/his/out --workers 4
    """
    settings = load_settings(os.environ)
    write_logs(sys.stderr)
    place = host or settings.web.host
    load_book(settings.data)  # refused here, before anything is open: no half a policy
    address = listening_address(
        place,
        settings.web.port if port is None else port,
        may_leave=is_encrypted(settings),
    )
    with address as listener, open_database(settings) as opened:
        check_beyond(place, settings, opened.database)
        is_secured = server_context(settings.web.tls) is not None  # refused here, not in each
        # Made once, before several processes look.
        Keyring.open(settings.data / "keys", settings.keys.master)
        supervisor = Supervisor(plan_of(settings, opened, listener, workers=workers, watch=watch))
        port_number = listener.getsockname()[1]
        with supervisor.answering_signals():
            supervisor.run(lambda: _say_where(port_number, is_secured=is_secured))


def plan_of(
    settings: Settings,
    opened: Opened,
    listener: socket.socket,
    *,
    workers: int | None = None,
    watch: Path | None = None,
    output: TextIO | None = None,
) -> Plan:
    """Return what the supervisor of a node over `opened` starts."""
    return Plan(
        workers=workers or settings.serving.workers or os.cpu_count() or 1,
        listener=listener,
        environment=os.environ
        | {"TRUCYTE_DATABASE_URL": opened.database.url, "TRUCYTE_DATA": str(settings.data)},
        watch=str(watch.absolute()) if watch else "",
        stop_seconds_max=settings.serving.stop_seconds_max,
        output=output,
        keep=partial(_keep_database, opened.server) if opened.server else lambda: None,
    )


def _say_where(port: int, *, is_secured: bool) -> None:
    SERVING.log(port=port)
    click.echo(f"http{'s' if is_secured else ''}://127.0.0.1:{port}", err=True)


def _keep_database(server: EmbeddedServer) -> None:
    """Start the node's own database again where it has ended; it recovers by itself.

    Where its files are gone, no empty one takes their place: people must look.
    """
    if running_pid(server.home) is None:
        DATABASE_ENDED.log()
        try:
            if (server.home.cluster / "PG_VERSION").is_file():
                server.start()
        except Problem as problem:
            WAITS.log(problem=problem.code)


def make_api(
    node: Node,
    bulk: Bulk,
    reindex: Reindex | None = None,
    subscriptions: Subscriptions | None = None,
    asking: Asking | None = None,
    told: RulesOf | None = None,
) -> FhirApi:
    """Return the FHIR API of a node with all its operations."""
    reindex, subscriptions = reindex or reindex_of(node), subscriptions or make_subscriptions(node)
    asking = asking or asking_of(node)
    return FhirApi(
        ApiParts(
            records=node.records,
            definitions=node.parts.definitions,
            access=access_by_token(node.accounts, node.trail, asking),
            security=security_of(node, asking),
            trail=node.trail,
            audit=node.trail,
            searchable=InForce(
                node.parts.definitions, lambda: node.parts.index.book.words(node.database)
            ),
            clock=node.clock,
            version=trucyte.__version__,
            interactions=node.interactions,
            systems=node.codes.systems,
            topics=tuple(subscriptions.topics.by_url),
            instantiates=(*DIRECTORY, *INSTANTIATES),
            trusts_forwarded=node.settings.web.trusts_forwarded,
            rules_of=told or rules_of(load_book(node.settings.data)),
            operations=(
                *node_operations(node),
                *operations_of(node, bulk),
                *reindex_operations(reindex),
                *subscriptions.operations(node),
                *register_operations(
                    node.registers,
                    node.facilities,
                    node.records,
                    node.clock,
                    status_seconds=node.settings.registers.status_seconds,
                ),
            ),
        )
    )


def make_site(
    node: Node, *, metrics: Callable[[], str] = lambda: "", bulk: Bulk | None = None
) -> ASGIApp:
    """Put pages, API and doors together; `metrics` gives the figures of all processes."""
    reindex = reindex_of(node)
    subscriptions = make_subscriptions(node)
    deciding = make_deciding(node)
    note_rules(node, deciding.decider)
    told = rules_of(deciding.decider.book)
    book = make_book(node, "pages")
    asking = replace(asking_of(node), base=tokens_access(deciding.decider))
    access = access_by_token(node.accounts, node.trail, asking)
    api = make_api(node, bulk or make_bulk(node), reindex, subscriptions, asking, told)
    doors = Doors(node.receipts, node.accounts, node.clock, node.trail)
    services = Services(
        records=RecordsReader(node.records),
        receipts=node.receipts,
        access=pages_access(deciding.decider, node.trail),
        status=lambda: status_of(node),
        rules=node.parts.rules.rules,
        clock=node.clock,
        settings=WebSettings(
            node_name=node.settings.node.name,
            node_code=node.settings.node.facility,
            version=trucyte.__version__,
            upload_folder=node.settings.data,
            facility_name=facility_names(node),
            hosts=hosts_of(node.settings),
        ),
        prove=node.journal.prove,
        public_keys=lambda: node.keyring.public_keys,
        reindex=reindex,
        trail=node.trail,
        subscribers=subscriptions.store,
        registers=RecordsRegisterBook(node.records, node.registers, node.facilities),
        agreements=agreements_of(node),
        identity=NodeIdentityBook(
            Worklist(node.database, node.records, node.links, node.clock), node.links, node.records
        ),
        doorway=make_doorway(node, book),
        staff=book,
        tokens=asking.tokens,
        citizens=citizens_of(node, book.sessions),
        glass=make_glass(node, deciding),
    )
    about = AboutApi(About(ReadyCheck(node), metrics, lambda: openapi))
    openapi = openapi_document((*about.routes, *doors.routes), trucyte.__version__)
    hosts = services.settings.hosts
    mounts = {
        "/fhir": Guard(api, hosts=hosts),
        "/fhir/ws": Guard(subscriptions.sockets(node, access), hosts=hosts, takes_sockets=True),
        "/api": Guard(doors, hosts=hosts),
    }
    if asking.tokens is not None:
        applications = Guard(OAuthDoors(asking.tokens, node.trail), hosts=hosts)
        mounts |= dict.fromkeys(OAUTH_PATHS, applications)
    mounts |= dict.fromkeys(PATHS, Guard(about, hosts=hosts))
    return make_app(services, mounts)


def hosts_of(settings: Settings) -> frozenset[str]:
    """Return the names this node answers to: this machine's, and those the operator gave it."""
    return HOSTS | set(settings.web.hosts)
