"""Answers that several interactions share: one resource, an outcome, a problem."""

from collections.abc import Sequence
from datetime import timedelta

import orjson

from trucyte.base.problem import Problem
from trucyte.records.shown import Resource
from trucyte.shared.access.oauth.refusal import BearerRefused, challenge
from trucyte.web.api.asgi import Answer, MethodNotAllowed, status_of
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.headers import etag, http_date, names_version, read_date
from trucyte.web.api.outcome import fine, outcome_of
from trucyte.web.api.shape import Shape

Headers = Sequence[tuple[str, str]]


def of_version(resource: Resource) -> list[tuple[str, str]]:
    """Return the headers that say which version it is (R4 §3.1.0.2)."""
    return [
        ("ETag", etag(resource.version)),
        ("Last-Modified", http_date(resource.last_updated)),
    ]


def version_url(call: FhirCall, resource: Resource) -> str:
    """Return where exactly this version lives."""
    return f"{call.base}/{resource.type}/{resource.id}/_history/{resource.version}"


def one(call: FhirCall, resource: Resource, shape: Shape | None) -> Answer:
    """Return a resource that was read, or that the client has it (R4 §3.1.0.5)."""
    headers = of_version(resource)
    if _is_known(call, resource):
        return Answer(304, b"", FHIR_JSON, headers)
    body = shape(resource.body) if shape else resource.body
    return Answer(200, body, FHIR_JSON, headers)


def _is_known(call: FhirCall, resource: Resource) -> bool:
    tags = call.headers.get("if-none-match")
    if tags is not None:  # it stands above the date (RFC 9110 §13.2.2)
        return names_version(tags, resource.version)
    since = read_date(call.headers.get("if-modified-since"))
    # Headers know no parts of a second.
    return since is not None and resource.last_updated < since + timedelta(seconds=1)


def done(call: FhirCall, status: int, text: str, headers: Headers = ()) -> Answer:
    """Return an OperationOutcome that says all went well."""
    return Answer(status, orjson.dumps(fine(text, call.language)), FHIR_JSON, headers)


def refused(problem: Problem, language: str) -> Answer:
    """Return a problem as an OperationOutcome with its status."""
    headers: list[tuple[str, str]] = []
    if isinstance(problem, MethodNotAllowed):
        headers.append(("Allow", str(problem.facts["allow"])))
    status = status_of(problem)
    if isinstance(problem, BearerRefused):
        headers += challenge(problem)
    elif status == 401:
        headers.append(("WWW-Authenticate", 'Bearer realm="fhir"'))
    if status in (408, 413):
        headers.append(("Connection", "close"))  # what has not been read is not waited for
    return Answer(status, orjson.dumps(outcome_of(problem, language)), FHIR_JSON, headers)
