"""A node whose bulk jobs are done when a test says so, behind its FHIR API."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

from tests.support.api import Untold
from tests.support.asgi import Reply, ask
from tests.support.intake import NoLists
from tests.support.records import KEY, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.disk import DiskState
from trucyte.database.connect import Database
from trucyte.database.job_folders import JobFolders
from trucyte.database.jobs import Jobs
from trucyte.exchange.bulk.exports import Exports
from trucyte.exchange.bulk.run import Exporter
from trucyte.exchange.bulk.write import ExportTools
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.intake.bulk.imports import Imports
from trucyte.intake.bulk.run import Importer, Sources
from trucyte.intake.claims.mapping.table_mapping import TableMapping
from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.tools import Tools
from trucyte.node.bulk.jobs import Bulk, do_one
from trucyte.records import Access, Hasher, person_reference
from trucyte.records.walk import Walker
from trucyte.web.api.capability import searchable
from trucyte.web.api.fhir import ApiParts, FhirApi
from trucyte.web.api.operations.bulk import Bulk as BulkApi
from trucyte.web.api.shape import Shapes, Wish

ASYNC = {"prefer": "respond-async"}
ENOUGH = DiskState(free=1 << 40, warn=1, stop=1)


class NoFinder:
    """The index holds nothing."""

    def find(self, type: str, query: str) -> list[str]:
        return []


@dataclass
class BulkNode:
    """A node, its API, and what does its jobs."""

    node: Node
    bulk: Bulk
    api: FhirApi
    files: Path  # where imports may come from
    callers: list[Access] = field(default_factory=list)  # the last one asks
    disk: list[DiskState] = field(default_factory=lambda: [ENOUGH])

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.api, method, target, body=body, headers=told)

    def start(self, target: str, body: bytes = b"", **headers: str) -> str:
        """Kick a job off and return the path of its status."""
        kind = {"content_type": "application/fhir+json"} if body else {}
        method = "POST" if body else "GET"
        reply = self.ask(method, target, body, **kind, **ASYNC, **headers)
        assert reply.status == 202, reply.body
        return path_of(reply.headers["content-location"])

    def work(self) -> None:
        """Do every job that waits."""
        while do_one(self.bulk, Event()):
            pass

    def export(self, target: str, body: bytes = b"", **headers: str) -> Any:
        """Export and return the manifest."""
        status = self.start(target, body, **headers)
        self.work()
        reply = self.ask("GET", status)
        assert reply.status == 200, (reply.status, reply.body)
        return reply.json

    def take_in(self, body: bytes) -> Any:
        """Import and return the manifest."""
        return self.export("/fhir/$import", body)

    def lines(self, manifest: Any, part: str = "output") -> dict[str, bytes]:
        """Return the lines of a manifest's files by Type/id."""
        found: dict[str, bytes] = {}
        for file in manifest[part]:
            data = self.ask("GET", path_of(file["url"])).body
            lines = data.splitlines()
            assert len(lines) == file["count"]
            for number, line in enumerate(lines):
                resource = json.loads(line)
                assert resource["resourceType"] == file["type"]
                found[f"{resource['resourceType']}/{resource.get('id', number)}"] = line
        return found


def path_of(url: str) -> str:
    return "/fhir" + url.partition("/fhir")[2]


@contextmanager
def open_bulk_node(
    database: Database,
    folder: Path,
    clock: FixedClock,
    definitions: Definitions,
    *,
    limits: Limits = DEFAULT,
    sources: Sources | None = None,
) -> Iterator[BulkNode]:
    """Open a node whose jobs run in this thread."""
    files = folder / "in"
    files.mkdir(exist_ok=True)
    with open_node(database, folder, clock, definitions) as node:
        callers, disk = [node.plain], [ENOUGH]
        shapes = Shapes(definitions)
        jobs = Jobs(database, clock, worker="test", lease_seconds=60)

        def folders(kind: str) -> JobFolders:
            keep = timedelta(hours=24)
            return JobFolders(folder / kind, kind, database, jobs, clock, keep=keep)

        def tools() -> Tools:
            return Tools(
                database=Database(database.url), journal=node.journal,
                mapping=TableMapping(KEY, NoLists()), rules=RuleBook((), NoLists()),
                checker=Validator(definitions), finder=NoFinder(), person=Hasher(KEY).person,
                person_of=person_reference, ids=KEY, clock=clock,
            )  # fmt: skip

        walker = Walker(database, node.journal, node.index)
        allowed = sources or Sources((files,))

        def cut(elements: Any) -> Any:
            return shapes.shape(Wish(elements=frozenset(elements))) if elements else None

        def access(asker: Any) -> Access:
            return Access(asker.caller, asker.purpose, asker.sees_restricted, node.trail)

        bulk = Bulk(
            jobs=jobs,
            exports=Exports(folders("export")),
            imports=Imports(folders("import"), allowed),
            exporter=Exporter(
                walker=walker, access=access, person=Hasher(KEY).person, clock=clock, workers=0,
                build=lambda: ExportTools(walker, access, cut, lambda path: disk[-1]),
            ),
            importer=Importer(
                database=database, journal=node.journal, build=tools, sources=allowed,
                room=lambda: disk[-1], workers=0, limits=limits, language="en",
            ),
        )  # fmt: skip
        operations = BulkApi(bulk.exports, bulk.imports, node.records, walker, clock.now)
        asked = searchable(definitions, node.index.extractor)
        api = FhirApi(
            ApiParts(
                records=node.records, definitions=definitions, access=lambda call: callers[-1],
                trail=Untold(), searchable=lambda: asked, clock=clock, version="0.1.0",
                operations=operations.operations(),
            )
        )  # fmt: skip
        yield BulkNode(node, bulk, api, files, callers, disk)


def manifest(*inputs: Mapping[str, str]) -> bytes:

    return json.dumps({"inputFormat": "application/fhir+ndjson", "input": list(inputs)}).encode()
