"""`$graphql` (R4 FHIR-GraphQL): read and search, of the node and of one resource.

What cannot be asked at all is refused with 400; what goes wrong at one place of an answer
is said beside the data with 200. Either way in GraphQL's own form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.exact import write_exact
from trucyte.fhir.graphql.execute import Executor, Found, Json, local_reference
from trucyte.fhir.graphql.plan import Asked, read_plan
from trucyte.fhir.graphql.problems import QueryRefused
from trucyte.fhir.parse import parse
from trucyte.fhir.path.path import Paths
from trucyte.records import Access
from trucyte.records.gate import Records
from trucyte.web.api.asgi import Answer, status_of
from trucyte.web.api.call import FhirCall
from trucyte.web.api.operations.asked import BOTH, HL7
from trucyte.web.api.operations.table import Level, Operation

_JSON: Final = "application/json; charset=utf-8"
_GRAPHQL: Final = "application/graphql"


class _Body(msgspec.Struct, rename="camel"):
    query: str = ""
    operation_name: str | None = None
    variables: dict[str, Any] | None = None


_DECODER: Final = msgspec.json.Decoder(_Body)
_VARIABLES: Final = msgspec.json.Decoder(dict[str, Any] | None)


@dataclass(frozen=True, slots=True)
class _Loader:
    """What the caller may see, through the gate."""

    records: Records
    access: Access

    def read(self, type: str, id: str) -> Json:
        """Return a resource; raises as `Records.read`."""
        return parse(self.records.read(self.access, type, id).body)

    def search(self, type: str, pairs: Sequence[tuple[str, str]], cursor: str) -> Found:
        """Return a page; raises as `Records.search` and `Records.next_page`."""
        if cursor:
            page = self.records.next_page(self.access, cursor)
        else:
            page = self.records.search(self.access, type, pairs)
        # A cursor of another search gives nothing of another type.
        bodies = [parse(one.body) for one in page.entries if one.type == type]
        return Found(bodies, page.next, page.total)


def graphql_operations(records: Records, definitions: Definitions) -> Sequence[Operation]:
    """Return the row."""
    paths = Paths(definitions)

    def handle(call: FhirCall) -> Answer:
        return _answer(call, records, definitions, paths)

    return [
        Operation(
            name="graphql",
            levels=frozenset({Level.SYSTEM, Level.INSTANCE}),
            methods=BOTH,
            affects_state=False,
            definition=f"{HL7}Resource-graphql",
            handler=handle,
            documentation="Read and search; no mutations.",
            takes_any_media=True,
            writes_own=True,
        )
    ]


def _answer(call: FhirCall, records: Records, definitions: Definitions, paths: Paths) -> Answer:
    loader = _Loader(records, call.access)
    executor = Executor(
        loader,
        paths,
        wording=lambda problem: wording(problem, call.language),
        local=lambda reference: local_reference(reference.removeprefix(call.base + "/")),
    )
    try:
        plan = read_plan(_asked(call), definitions, call.type)
        resource = loader.read(call.type, call.id) if call.id else None
    except Problem as problem:
        return _refused(problem, call.language)
    answer: dict[str, Any] = {"data": executor.answer(plan, resource)}
    if executor.errors:
        answer["errors"] = executor.errors
    return Answer(200, write_exact(answer), _JSON)


def _asked(call: FhirCall) -> Asked:
    """Return the request of a GET or POST. Raises QueryRefused."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if call.body and kind != _GRAPHQL:
            body = _DECODER.decode(call.body)
            return _made(body.query, body.operation_name, body.variables)
        query = call.body.decode() if call.body else call.value("query")
        variables = call.value("variables")
        given = _VARIABLES.decode(variables.encode()) if variables else None
        return _made(query, call.value("operationName"), given)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise QueryRefused("not JSON with a query, its operationName and variables") from None


def _made(query: str, operation: str | None, variables: Mapping[str, Any] | None) -> Asked:
    if not query:
        raise QueryRefused("there is no query")
    return Asked(query, operation or "", variables or {})


def _refused(problem: Problem, language: str) -> Answer:
    error: dict[str, Any] = {
        "message": wording(problem, language),
        "extensions": {"code": problem.code},
    }
    if isinstance(problem, QueryRefused) and problem.line:
        error["locations"] = [{"line": problem.line, "column": problem.column}]
    return Answer(status_of(problem), write_exact({"errors": [error]}), _JSON)
