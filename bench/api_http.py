"""What the HTTP side of the API costs beside records and journal, on one core.

    PYTHONPATH=src python bench/api_http.py R4.definitions

CPU time a request or a resource, best of five runs, without sockets and without a
database: the records are a double that gives one stored body.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from tests.support.api import Untold
from trucyte.base.clock import SystemClock
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.xml_write import XmlWriter, json_of_xml
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.shown import Page, Resource
from trucyte.web.api.capability import Searchable
from trucyte.web.api.fhir import ApiParts, FhirApi
from trucyte.web.api.shape import Shapes, Wish

ROUNDS = 5
TIMES = 2000
BODY = json.dumps(
    {
        "resourceType": "Observation",
        "id": "o1",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-22T09:12:00.000+07:00"},
        "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},
        "status": "final",
        "category": [{"coding": [{"system": "urn:c", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": "Hb"},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-22T09:12:00+07:00",
        "valueQuantity": {"value": 13.25, "unit": "g/dL", "system": "urn:u", "code": "g/dL"},
        "interpretation": [{"text": "bình thường"}],
        "referenceRange": [{"low": {"value": 12.0}, "high": {"value": 16.0}}],
    },
    ensure_ascii=False,
).encode()
FOUND = Resource("Observation", "o1", 1, datetime(2026, 11, 22, tzinfo=UTC), BODY, 0, 1)


class Double:
    """Records that have one body."""

    def read(self, access: Access, type: str, id: str) -> Resource:
        return FOUND

    def search(self, access: Access, type: str, pairs: Any) -> Page:
        return Page((FOUND,) * 50, None, None)


def scope(target: str) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1"), (b"accept", b"application/fhir+json")],
        "client": ("127.0.0.1", 1),
    }


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def send(message: Any) -> None:
    return None


def requests(api: FhirApi, target: str) -> Callable[[], None]:
    async def run() -> None:
        for _ in range(TIMES):
            await api(scope(target), receive, send)

    return lambda: asyncio.run(run())


def microseconds(work: Callable[[], None]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best / TIMES * 1e6


def repeated(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(TIMES):
            work()

    return run


def main() -> None:
    definitions = Definitions.load(Path(sys.argv[1]).read_bytes())
    access = Access("bench", "TREAT", sees_restricted=False, recorder=cast(Any, None))
    nothing = Searchable({})
    api = FhirApi(
        ApiParts(
            records=cast(Records, Double()),
            definitions=definitions,
            access=lambda call: access,
            trail=Untold(),
            searchable=lambda: nothing,
            clock=SystemClock(),
            version="0",
        )
    )
    writer = XmlWriter(definitions)
    xml = writer.write(BODY)
    summary = Shapes(definitions).shape(Wish("true"))
    assert summary is not None
    cut = summary
    rows = {
        "read": requests(api, "/fhir/Observation/o1"),
        "read as XML": requests(api, "/fhir/Observation/o1?_format=xml"),
        "search, 50 found": requests(api, "/fhir/Observation?code=718-7"),
        "body to XML": repeated(lambda: writer.write(BODY)),
        "XML to body": repeated(lambda: json_of_xml(xml, definitions)),
        "summary of a body": repeated(lambda: cut(BODY)),
    }
    for name, work in rows.items():
        print(f"{name:20} {microseconds(work):8.1f} µs")


if __name__ == "__main__":
    main()
