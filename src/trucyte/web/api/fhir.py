"""The FHIR API of a node as one raw ASGI callable (R4 §3.1).

The path is looked up in the table of routes, the body is read on the event loop under
bounds of size and pace, and only then a thread is taken for the work. Bodies go out as
they were accepted; bundles are put together as bytes. Every answer passes `Records` with
an Access value. Errors are OperationOutcomes in the caller's language.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.intake.interactions import Interactions
from trucyte.records.gate import Records
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Answer, BodyTooLarge, Call
from trucyte.web.api.call import FHIR_JSON
from trucyte.web.api.capability import Capabilities, Searchable, Security, nothing_asked
from trucyte.web.api.dispatch import AccessOf, Dispatcher, RequestTrail, check_media
from trucyte.web.api.interactions.auditing import Auditing, AuditTrail
from trucyte.web.api.interactions.batches import Batches
from trucyte.web.api.interactions.describing import Describing
from trucyte.web.api.interactions.operating import Operating
from trucyte.web.api.interactions.reading import Reading
from trucyte.web.api.interactions.searching import Searching
from trucyte.web.api.interactions.writing import Writing
from trucyte.web.api.operations.table import Operation, OperationTable
from trucyte.web.api.routes import Routes, Row, bytes_max
from trucyte.web.api.shape import Shapes
from trucyte.web.defects import say_sorry


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the API needs of a node."""

    records: Records
    definitions: Definitions
    access: AccessOf  # makes the value each request reads and writes with
    trail: RequestTrail  # one entry a request, durable before its answer leaves
    searchable: Callable[[], Searchable]
    clock: Clock
    version: str
    audit: AuditTrail | None = None  # where AuditEvents are read from; None: only stored ones
    interactions: Interactions | None = None  # None: this node's API writes nothing
    operations: Sequence[Operation] = ()
    systems: Callable[[], Mapping[str, Sequence[str]]] = dict  # code systems and their versions
    topics: Sequence[str] = ()  # canonicals one may subscribe to
    instantiates: Sequence[str] = ()  # CapabilityStatements of others that are met here
    security: Security = nothing_asked  # what the statement says of tokens
    path: str = "/fhir"
    trusts_forwarded: bool = False  # whether X-Forwarded-* name the address clients see


class FhirApi:
    """The API of one node under one base path."""

    def __init__(self, parts: ApiParts) -> None:
        """Answer with `parts`."""
        self._path = parts.path
        self.operations = tuple(parts.operations)
        self._dispatcher = Dispatcher(
            parts.definitions,
            parts.access,
            parts.trail,
            path=parts.path,
            trusts_forwarded=parts.trusts_forwarded,
        )
        self.routes = _routes(parts)

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request; HEAD as GET without the body."""
        call = asgi.call_of(scope, {}, b"")
        try:
            answer = await self._answered(call, receive)
        except asgi.ClientGone:
            return
        is_head = call.method == "HEAD"
        try:
            await asgi.send_answer(send, answer, receive=receive, without_body=is_head)
        except Exception as defect:
            # The answer has begun: the server cuts the connection, so that it shows.
            say_sorry(defect, "sending")
            raise

    async def _answered(self, call: Call, receive: asgi.Receive) -> Answer:
        try:
            path = call.path[len(self._path) :]
            if call.method == "OPTIONS":
                allowed = ", ".join(self.routes.allowed(path))
                return Answer(204, b"", FHIR_JSON, [("Allow", allowed)])
            row, places = self.routes.find(call.method, path)
            call = replace(call, places=places)
            if call.method not in ("GET", "HEAD"):
                check_media(row, call)
            _check_length(call, bytes_max(row))
            body = await asgi.read_body(receive, size_max=bytes_max(row))
        except Problem as problem:
            return self._dispatcher.refusal(problem, call)
        whole = replace(call, body=body)
        made = await asgi.in_thread(lambda: self._dispatcher.answer(row, whole))
        return await self._dispatcher.entered(made, row, call)


def _check_length(call: Call, limit: int) -> None:
    """Refuse a body that says it is too large before any of it is read. Raises BodyTooLarge."""
    said = call.headers.get("content-length", "")
    if said.isascii() and said.isdecimal() and len(said) < 20 and int(said) > limit:
        raise BodyTooLarge(limit=limit)


def _routes(parts: ApiParts) -> Routes:
    """Put the rows of all interactions together, the statement of them last."""
    shapes = Shapes(parts.definitions)
    table = OperationTable(parts.operations)
    rows: list[Row] = [
        *Reading(parts.records, shapes).rows(),
        *Searching(parts.records, shapes).rows(),
        *Operating(table).rows(),
    ]
    if parts.audit is not None:
        rows = [Auditing(parts.audit, parts.records).before(row) for row in rows]
    if parts.interactions is not None:
        rows += Writing(parts.interactions, parts.definitions).rows()
        rows += Batches(parts.interactions, Routes(rows)).rows()
    capabilities = Capabilities(
        rows,
        table,
        parts.searchable,
        version=parts.version,
        clock=parts.clock,
        systems=parts.systems,
        topics=parts.topics,
        instantiates=parts.instantiates,
        security=parts.security,
    )
    return Routes([*rows, *Describing(capabilities).rows()])
