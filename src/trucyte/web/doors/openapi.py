"""OpenAPI 3.1 of what is not FHIR: the doors, the node's health and its figures.

Paths come from the tables of routes that answer, bodies from the types that read them; a
route without a description is a defect that a test finds. The FHIR API describes itself at
`/fhir/metadata`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import orjson

from trucyte.web.api.asgi import Route
from trucyte.web.doors.about import JSON, PROMETHEUS
from trucyte.web.doors.claims import Files, Login

FORM: Final = "application/x-www-form-urlencoded"
_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer"}
_TRUTH: Final = {"type": "boolean"}
_GROUP: Final = re.compile(r"\(\?P<(\w+)>[^()]*\)")
_CHOICE: Final = re.compile(r"\(\?:([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Described:
    """What a reader must know of one handler."""

    summary: str
    answer: Mapping[str, Any]  # the schema of its answer
    body: tuple[str, Mapping[str, Any]] | None = None  # media type, schema
    refusals: Sequence[int] = ()
    kind: str = JSON
    needs_token: bool = True
    tag: str = "doors"
    also: Mapping[int, str] = field(default_factory=dict)  # other answers of the same shape


def _object(**properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _form(*names: str) -> tuple[str, Mapping[str, Any]]:
    return FORM, _object(**dict.fromkeys(names, _TEXT))


def _read_by(shape: type[Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the schema of a body as the type that reads it says."""
    _, parts = msgspec.json.schema_components([shape], ref_template="#/{name}")
    return "application/json", {
        name: value for name, value in parts[shape.__name__].items() if name != "title"
    }


_RECEIVED: Final = _object(maKetQua=_TEXT, maGiaoDich=_TEXT, thongDiep=_TEXT)
_ONE_FILE: Final = _object(fileIndex=_WHOLE, maKetQua=_TEXT, maGiaoDich=_TEXT, thongDiep=_TEXT)
# By the name of the handler, as it stands in the table of routes.
DESCRIBED: Final[Mapping[str, Described]] = {
    "_log_in": Described(
        "Get a token, in the shape of Hà Nội's data axis",
        _object(maKetQua=_TEXT, accessToken=_TEXT, tokenType=_TEXT, expiresIn=_WHOLE),
        _read_by(Login), (400, 401, 403), needs_token=False,
    ),
    "_take_token": Described(
        "Get a token, in the shape of the insurer's gateway (password: its MD5, upper case)",
        _object(maKetQua=_TEXT, APIKey={"type": "object"}),
        _form("username", "password"), (400, 401), needs_token=False,
    ),
    "_receive_files": Described(
        "Send whole claims files, in base64; each fails alone",
        _object(
            maKetQua=_TEXT, batchId=_TEXT, totalSuccess=_WHOLE, totalFailed=_WHOLE,
            fileResults={"type": "array", "items": _ONE_FILE},
        ),
        _read_by(Files), (400, 401, 403, 413),
    ),
    "_status": Described(
        "Ask what became of a file", _object(maKetQua=_TEXT, maGiaoDich=_TEXT, trangThai=_TEXT),
        refusals=(401, 403, 404),
    ),
    "_receive_claim": Described(
        "Send one claims file, in base64", _RECEIVED,
        _form("maCSKCB", "fileHSBase64"), (400, 401, 403, 413),
    ),
    "_live": Described(
        "Whether the process answers at all", _object(live=_TRUTH), needs_token=False, tag="node"
    ),
    "_ready": Described(
        "Whether the node can work: database, migrations, disk",
        _object(
            ready=_TRUTH, checks={"type": "object", "additionalProperties": {"type": "boolean"}}
        ),
        needs_token=False, tag="node", also={503: "Not ready; the checks say why"},
    ),
    "_metrics": Described(
        "Figures of all processes, for Prometheus", _TEXT,
        kind=PROMETHEUS, needs_token=False, tag="node",
    ),
    "_openapi": Described(
        "This description", {"type": "object"}, needs_token=False, tag="node"
    ),
}  # fmt: skip


def openapi_document(routes: Iterable[Route], version: str) -> bytes:
    """Return the OpenAPI document of the routes, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        name = route.handler.__name__
        described = DESCRIBED[name]
        for path in paths_of(route.pattern):
            operation = _operation(f"{name.strip('_')}-{len(paths)}", path, described)
            paths.setdefault(path, {})[route.method.lower()] = operation
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Trục y tế · Trucyte",
            "version": version,
            "description": "Doors of hospital systems, health and figures of one node. "
            "The FHIR R4 API describes itself at /fhir/metadata.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "doors"}, {"name": "node"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "accessToken": {"type": "apiKey", "in": "header", "name": "accessToken"},
            }
        },
    }
    return orjson.dumps(document)


def paths_of(pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield the paths a pattern of a route takes, with `{name}` where it catches something."""
    yield from _expanded(_GROUP.sub(r"{\1}", pattern.pattern))


def _expanded(text: str) -> Iterator[str]:
    choice = _CHOICE.search(text)
    if choice is None:
        yield re.sub(r"\\(.)", r"\1", text)
        return
    for one in choice[1].split("|"):
        yield from _expanded(text[: choice.start()] + one + text[choice.end() :])


def _operation(name: str, path: str, described: Described) -> dict[str, Any]:
    content = {described.kind.partition(";")[0]: {"schema": described.answer}}
    answers: dict[str, Any] = {"200": {"description": "Done", "content": content}}
    for status, words in described.also.items():
        answers[str(status)] = {"description": words, "content": content}
    refusals = [*described.refusals, *((429, 503) if described.tag == "doors" else ())]
    answers |= {str(status): {"description": "Refused"} for status in refusals}
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": described.summary,
        "tags": [described.tag],
        "responses": answers,
    }
    caught = re.findall(r"\{(\w+)\}", path)
    if caught:
        operation["parameters"] = [
            {"name": place, "in": "path", "required": True, "schema": _TEXT} for place in caught
        ]
    if described.body is not None:
        kind, schema = described.body
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    if described.needs_token:
        operation["security"] = [{"bearer": []}, {"accessToken": []}]
    return operation
