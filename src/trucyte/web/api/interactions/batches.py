"""Transactions and batches: a Bundle posted to the base (R4 §3.1.0.11).

What is written lies in `intake.interactions`; the reads of a bundle come back here and are
answered by the same rows as any other read, with the access of the whole request. The
response is put together as bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from trucyte.base.problem import Problem
from trucyte.fhir.parse import head
from trucyte.intake.interactions import Answered, EntryDone, Interactions, Written
from trucyte.web.api.answers import refused
from trucyte.web.api.asgi import Answer, Defect, NoSuchPath, status_of
from trucyte.web.api.bundle import BundleEntry, bundle
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.headers import etag, read_date, read_prefer
from trucyte.web.api.interactions.writing import STATUS, WORDS
from trucyte.web.api.outcome import fine, outcome_of
from trucyte.web.api.pairs import FORM_ONLY, read_pairs, without
from trucyte.web.api.routes import FHIR, Place, Routes, Row
from trucyte.web.defects import say_sorry


class Batches:
    """Carries out bundles."""

    def __init__(self, interactions: Interactions, reads: Routes) -> None:
        """Write through `interactions`; answer reads by the rows of `reads`."""
        self._interactions = interactions
        self._reads = reads

    def rows(self) -> Sequence[Row]:
        """Return what it answers: one address, two interactions."""
        return (
            Row(Place.BASE, "POST", self.carry_out, "transaction", FHIR),
            Row(Place.BASE, "POST", self.carry_out, "batch", FHIR),
        )

    def carry_out(self, call: FhirCall) -> Answer:
        """Answer a transaction or a batch, entry by entry in their order."""
        reads = BundleReads(call, self._reads)
        done = self._interactions.bundle(call.access, call.body, reads, original=call.original)
        entries = [_entry(call, entry) for entry in done.entries]
        return Answer(200, bundle(done.type, entries), FHIR_JSON)


@dataclass(frozen=True, slots=True)
class BundleReads:
    """Answers the reads of one bundle, as whoever sent the bundle would see them."""

    outer: FhirCall
    routes: Routes

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        """Answer one read; a refusal is an answer too."""
        try:
            answer = self._read(method, url, headers)
        except Problem as problem:
            answer = refused(problem, self.outer.language)
        except Exception as defect:  # noqa: BLE001 - what was written before it stays written
            answer = refused(
                Defect(reference=say_sorry(defect, "bundle-read")), self.outer.language
            )
        said = dict(answer.headers)
        body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        return Answered(
            status=answer.status,
            body=body,
            etag=said.get("ETag", ""),
            last_modified=read_date(said.get("Last-Modified")),
        )

    def _read(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
        if parts.scheme or parts.netloc or method not in ("GET", "HEAD"):
            raise NoSuchPath
        row, places = self.routes.find(method, path)
        lowered = {name.lower(): value for name, value in headers.items()}
        inner = replace(
            self.outer,
            method="GET",
            path=path,
            query=parts.query,
            pairs=without(read_pairs(parts.query), FORM_ONLY),
            headers=lowered,
            places=places,
            prefer=read_prefer(lowered.get("prefer", "")),
            body=b"",
            original=b"",
            is_in_bundle=True,
        )
        return row.handler(inner)


def _entry(call: FhirCall, entry: EntryDone) -> BundleEntry:
    if entry.problem is not None:
        return _refused(call, entry.problem)
    if entry.answered is not None:
        return _answered(call, entry.answered)
    if len(entry.written) == 1:
        return _written(call, entry.written[0])
    return _response({"status": "204"})


def _written(call: FhirCall, made: Written) -> BundleEntry:
    """Say what became of a write; its resource only where the caller prefers it."""
    resource, status = made.resource, STATUS[made.done]
    response: dict[str, Any] = {
        "status": str(status),
        "location": f"{resource.type}/{resource.id}/_history/{resource.version}",
        "etag": etag(resource.version),
        "lastModified": resource.last_updated.isoformat(timespec="milliseconds"),
    }
    if call.prefer.returns == "OperationOutcome":
        response["outcome"] = fine(WORDS[made.done], call.language)
    body = resource.body if call.prefer.returns == "representation" else b""
    url = "" if resource.is_deleted else f"{call.base}/{resource.type}/{resource.id}"
    return _response(response, url, body)


def _answered(call: FhirCall, answered: Answered) -> BundleEntry:
    response: dict[str, Any] = {"status": str(answered.status)}
    if answered.etag:
        response["etag"] = answered.etag
    if answered.last_modified is not None:
        response["lastModified"] = answered.last_modified.isoformat(timespec="milliseconds")
    if answered.status >= 400:
        response["outcome"] = orjson.Fragment(answered.body)
        return _response(response)
    return _response(response, _url_of(call, answered.body), answered.body)


def _url_of(call: FhirCall, body: bytes) -> str:
    """Return where a resource that was read lives; a Bundle just made lives nowhere."""
    if not body:
        return ""
    read = head(body)
    return f"{call.base}/{read.type}/{read.id}" if read.id else ""


def _refused(call: FhirCall, problem: Problem) -> BundleEntry:
    status = str(status_of(problem))
    return _response({"status": status, "outcome": outcome_of(problem, call.language)})


def _response(response: dict[str, Any], url: str = "", body: bytes = b"") -> BundleEntry:
    return BundleEntry(url, body, b'"response":' + orjson.dumps(response))
