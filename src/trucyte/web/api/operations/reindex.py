"""How far the index has the values of users' search parameters, and stopping and resuming it.

GET  [base]/$reindex-status
GET  [base]/SearchParameter/[id]/$reindex-status
POST [base]/SearchParameter/[id]/$reindex-stop
POST [base]/SearchParameter/[id]/$reindex-resume
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from trucyte.base.problem import Kind, Problem
from trucyte.records.parameters.progress import Progress
from trucyte.shared.access.local import check_operator
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall, FhirHandler
from trucyte.web.api.operations.table import Level, Operation

_DEFINITION = "https://trucyte.vn/fhir/OperationDefinition/"
_TYPES = frozenset({"SearchParameter"})


class NotIndexed(Problem):
    """The index knows no such SearchParameter, or it is not in a state for that."""

    kind = Kind.NOT_FOUND
    code = "search-parameter-not-indexed"


@dataclass(frozen=True, slots=True)
class Reindex:
    """What the operations ask of the node; ids are those of SearchParameters."""

    progress: Callable[[], Sequence[Progress]]
    stop: Callable[[str], int]  # how many it stopped
    resume: Callable[[str], int]


def reindex_operations(reindex: Reindex) -> Sequence[Operation]:
    """Return the rows."""

    def status(call: FhirCall) -> Answer:
        check_operator(call.access)  # it counts the resources of all
        found = [one for one in reindex.progress() if call.id in ("", one.id)]
        if call.id and not found:
            raise NotIndexed
        return _answer(found)

    def changing(change: Callable[[str], int]) -> FhirHandler:
        def handler(call: FhirCall) -> Answer:
            check_operator(call.access)
            if not change(call.id):
                raise NotIndexed
            return status(call)

        return handler

    return (
        Operation(
            name="reindex-status",
            levels=frozenset({Level.SYSTEM, Level.INSTANCE}),
            methods=frozenset({"GET"}),
            affects_state=False,
            definition=_DEFINITION + "reindex-status",
            handler=status,
            types=_TYPES,
            documentation="How far the index has the values of posted search parameters",
        ),
        *(
            Operation(
                name=f"reindex-{word}",
                levels=frozenset({Level.INSTANCE}),
                methods=frozenset({"POST"}),
                affects_state=True,
                definition=f"{_DEFINITION}reindex-{word}",
                handler=changing(change),
                types=_TYPES,
                documentation=documentation,
            )
            for word, change, documentation in (
                ("stop", reindex.stop, "Let the indexing of a search parameter rest"),
                ("resume", reindex.resume, "Go on with the indexing of a search parameter"),
            )
        ),
    )


def _answer(found: Sequence[Progress]) -> Answer:
    parameters: dict[str, Any] = {"resourceType": "Parameters"}
    if found:
        parameters["parameter"] = [_part(one) for one in found]
    return Answer(200, orjson.dumps(parameters), FHIR_JSON)


def _part(one: Progress) -> dict[str, Any]:
    return {
        "name": "searchParameter",
        "part": [
            {
                "name": "reference",
                "valueReference": {"reference": f"SearchParameter/{one.id}"},
            },
            {"name": "url", "valueUri": one.url},
            {"name": "code", "valueCode": one.code},
            {"name": "state", "valueCode": one.word},
            {"name": "percent", "valueInteger": one.percent},
            {"name": "done", "valueDecimal": one.done},
            {"name": "total", "valueDecimal": one.total},
            {"name": "resourcesPerSecond", "valueInteger": one.rate},
        ],
    }
