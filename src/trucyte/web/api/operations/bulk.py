"""`$export` and `$import` over HTTP: asked for, watched, fetched, cancelled.

Both follow the asynchronous pattern of R4 §3.1.0.9 and the Bulk Data Access IG 2.0: the
kick-off answers 202 with the address of the status, which answers 202 until a manifest is
there; DELETE there ends the job. Only who asked may see a job or its files.
"""

import gzip
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import orjson
import zstandard

from trucyte.base.problem import Problem
from trucyte.database.job_folders import TooManyJobs
from trucyte.database.jobs import JobState
from trucyte.exchange.bulk import exports as exported
from trucyte.exchange.bulk.exports import Exports
from trucyte.exchange.bulk.request import BadExport, Level, members_of, pairs_of, read_request
from trucyte.fhir.parse import parse
from trucyte.intake.bulk import imports as imported
from trucyte.intake.bulk.imports import ImportRequest, Imports
from trucyte.intake.bulk.request import BadImport, read_manifest
from trucyte.records.gate import Records
from trucyte.records.walk import Walker
from trucyte.shared.access.local import check_operator
from trucyte.web.api.answers import refused
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.headers import http_date
from trucyte.web.api.operations.table import Level as Place
from trucyte.web.api.operations.table import Operation
from trucyte.web.api.outcome import information

NDJSON = "application/fhir+ndjson"
_JSON = "application/json"
_IG = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
_OWN = "https://trucyte.vn/fhir/OperationDefinition/"
_CHUNK = 1 << 18
_RETRY_SECONDS = 2
_RETRY_SECONDS_MAX = 60
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_ENCODED = re.compile(r"\s*(gzip|zstd)\s*(?:;\s*q\s*=\s*(0(?:\.\d+)?|1(?:\.0+)?)\s*)?", re.ASCII)


class AsyncOnly(Problem):
    """This operation is answered asynchronously only; send the header Prefer: respond-async."""

    code = "async-only"


class Bulk:
    """Answers for the bulk operations of a node."""

    def __init__(
        self,
        exports: Exports,
        imports: Imports | None,
        records: Records,
        walker: Walker,
        now: Callable[[], datetime],
    ) -> None:
        """Answer from the jobs; `imports` is None where nothing is taken in by HTTP."""
        self._exports = exports
        self._imports = imports
        self._records = records
        self._walker = walker
        self._now = now

    def operations(self) -> Sequence[Operation]:
        """Return the rows of the table."""
        both = frozenset({"GET", "POST"})
        rows = [
            _row("export", Place.SYSTEM, both, self._export_system, _IG + "export", True),
            _row("export", Place.TYPE, both, self._export_patients, _IG + "patient-export", True,
                 types="Patient"),
            _row("export", Place.INSTANCE, both, self._export_group, _IG + "group-export", True,
                 types="Group"),
            *self._watching("export", self._export_status, self._cancel_export, self._export_file),
        ]  # fmt: skip
        if self._imports is not None:
            rows += [
                replace(
                    _row("import", Place.SYSTEM, frozenset({"POST"}), self._import,
                         _OWN + "import", True),
                    takes_any_media=True,
                ),
                *self._watching(
                    "import", self._import_status, self._cancel_import, self._import_file
                ),
            ]  # fmt: skip
        return rows

    def _watching(
        self,
        name: str,
        status: Callable[[FhirCall], Answer],
        cancel: Callable[[FhirCall], Answer],
        file: Callable[[FhirCall], Answer],
    ) -> list[Operation]:
        get, delete = frozenset({"GET"}), frozenset({"DELETE"})
        canonical = f"{_OWN}{name}-status"
        files = _row(f"{name}-file", Place.SYSTEM, get, file, f"{_OWN}{name}-file", False)
        return [
            _row(f"{name}-status", Place.SYSTEM, get, status, canonical, False),
            _row(f"{name}-status", Place.SYSTEM, delete, cancel, canonical, True),
            # NDJSON: clients of Bulk Data ask for it by `Accept: application/fhir+ndjson`.
            replace(files, writes_own=True),
        ]

    # Export

    def _export_system(self, call: FhirCall) -> Answer:
        return self._export(call, Level.SYSTEM)

    def _export_patients(self, call: FhirCall) -> Answer:
        return self._export(call, Level.PATIENT)

    def _export_group(self, call: FhirCall) -> Answer:
        group = self._records.read(call.access, "Group", call.id)
        return self._export(call, Level.GROUP, members_of(parse(group.body)))

    def _export(self, call: FhirCall, level: Level, members: Sequence[str] | None = None) -> Answer:
        _check_async(call)
        pairs = pairs_of(parse(call.body)) if call.body else call.pairs
        if call.method == "GET" and any(name == "patient" for name, _ in pairs):
            raise BadExport(parameter="patient", expected="a POST")
        request = read_request(
            pairs, level=level, access=call.access, url=call.url,
            is_lenient=call.prefer.is_lenient,
        )  # fmt: skip
        if members is not None:
            chosen = set(members if request.patients is None else request.patients)
            both = tuple(one for one in members if one in chosen)
            request = msgspec.structs.replace(request, patients=both, group=call.id)
        now = self._now()
        self._walker.check_filters(call.access, request.filters, int(now.timestamp() * 1_000_000))
        return _started(call, "export", lambda: self._exports.ask(request, call.access))

    def _export_status(self, call: FhirCall) -> Answer:
        status = self._exports.status(call.access, call.value("job"))
        if status.job is not None:
            return _under_way(status.job, "parts", self._now())
        return _manifest(exported.manifest(status, _file_url(call, "export")), status.expires_at)

    def _export_file(self, call: FhirCall) -> Answer:
        path = self._exports.file(call.access, call.value("job"), call.value("file"))
        return file_answer(path, call.headers)

    def _cancel_export(self, call: FhirCall) -> Answer:
        self._exports.cancel(call.access, call.value("job"))
        return _gone(call)

    # Import

    def _import(self, call: FhirCall) -> Answer:
        assert self._imports is not None
        imports = self._imports
        check_operator(call.access)  # what is taken in is the node's own
        _check_async(call)
        try:
            manifest = msgspec.json.decode(call.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            manifest = None
        if not isinstance(manifest, dict):
            raise BadImport(part="body", expected="a manifest or Parameters")
        request = ImportRequest(call.url, read_manifest(manifest))
        return _started(call, "import", lambda: imports.ask(request, call.access))

    def _import_status(self, call: FhirCall) -> Answer:
        assert self._imports is not None
        status = self._imports.status(call.access, call.value("job"))
        if status.job is not None:
            return _under_way(status.job, "bytes", self._now())
        return _manifest(imported.manifest(status, _file_url(call, "import")), status.expires_at)

    def _import_file(self, call: FhirCall) -> Answer:
        assert self._imports is not None
        path = self._imports.file(call.access, call.value("job"), call.value("file"))
        return file_answer(path, call.headers)

    def _cancel_import(self, call: FhirCall) -> Answer:
        assert self._imports is not None
        self._imports.cancel(call.access, call.value("job"))
        return _gone(call)


def _row(
    name: str,
    place: Place,
    methods: frozenset[str],
    handler: Callable[[FhirCall], Answer],
    definition: str,
    affects_state: bool,
    types: str = "",
) -> Operation:
    return Operation(
        name=name,
        levels=frozenset({place}),
        methods=methods,
        affects_state=affects_state,
        definition=definition,
        handler=handler,
        types=frozenset({types}) if types else None,
    )


def _check_async(call: FhirCall) -> None:
    if not call.prefer.is_async:
        raise AsyncOnly()


def _started(call: FhirCall, name: str, ask: Callable[[], str]) -> Answer:
    try:
        job = ask()
    except TooManyJobs as problem:
        answer = refused(problem, call.language)
        retry = ("Retry-After", str(_RETRY_SECONDS_MAX))
        return replace(answer, status=429, headers=[*answer.headers, retry])
    words = {"vi": "Đã nhận yêu cầu.", "en": "The request was accepted."}
    text = words.get(call.language, words["en"])
    body = orjson.dumps(information("informational", "accepted", text))
    place = f"{call.base}/${name}-status?job={job}"
    return Answer(202, body, FHIR_JSON, [("Content-Location", place)])


def _under_way(job: JobState, unit: str, now: datetime) -> Answer:
    """Say how far it is; who asks late is told to ask later again."""
    done = f"{job.done}/{job.total} {unit}" if job.total else "0%"
    share = f" ({100 * job.done // job.total}%)" if job.total else ""
    waited = (now - job.created_at).total_seconds()
    retry = int(min(max(waited / 4, _RETRY_SECONDS), _RETRY_SECONDS_MAX))
    progress = f"{job.state}: {done}{share}"[:100]
    return Answer(202, b"", FHIR_JSON, [("X-Progress", progress), ("Retry-After", str(retry))])


def _manifest(manifest: Mapping[str, Any], expires_at: datetime | None) -> Answer:
    headers = [("Expires", http_date(expires_at))] if expires_at else []
    return Answer(200, orjson.dumps(manifest), _JSON, headers)


def _gone(call: FhirCall) -> Answer:
    words = {"vi": "Đã hủy.", "en": "It was cancelled."}
    text = words.get(call.language, words["en"])
    return Answer(202, orjson.dumps(information("informational", "cancelled", text)), FHIR_JSON)


def _file_url(call: FhirCall, name: str) -> str:
    return f"{call.base}/${name}-file?job={quote(call.value('job'))}&file="


# Files


def file_answer(path: Path, headers: Mapping[str, str]) -> Answer:
    """Return a file of NDJSON: packed as the client takes it, or a range of it as it lies.

    (RFC 9110 §12.5.3, §14.)
    """
    size = path.stat().st_size
    tag = f'"{path.stat().st_mtime_ns:x}-{size:x}"'
    shared = [("ETag", tag), ("Vary", "Accept-Encoding"), ("Last-Modified", _time_of(path))]
    asked = headers.get("range")
    if asked is not None and headers.get("if-range", tag) == tag:
        return _ranged(path, size, asked, shared)
    packing = accepted_encoding(headers.get("accept-encoding", ""))
    if packing:
        told = [*shared[1:], ("ETag", f"W/{tag}"), ("Content-Encoding", packing)]
        return Answer(200, _packed(path, packing), NDJSON, told)
    told = [*shared, ("Accept-Ranges", "bytes"), ("Content-Length", str(size))]
    return Answer(200, _read(path, 0, size), NDJSON, told)


def _time_of(path: Path) -> str:
    return http_date(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _ranged(path: Path, size: int, asked: str, shared: Sequence[tuple[str, str]]) -> Answer:
    found = range_of(asked, size)
    if found is None:
        return Answer(416, b"", NDJSON, [*shared, ("Content-Range", f"bytes */{size}")])
    first, last = found
    told = [
        *shared,
        ("Accept-Ranges", "bytes"),
        ("Content-Range", f"bytes {first}-{last}/{size}"),
        ("Content-Length", str(last - first + 1)),
    ]
    return Answer(206, _read(path, first, last - first + 1), NDJSON, told)


def range_of(asked: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a range of one part; None where it has none of the file."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    return (first, last) if first <= last else None


def accepted_encoding(header: str) -> str:
    """Return "zstd" or "gzip" where the client takes it, the smaller first; else ""."""
    taken = {m[1] for part in header.split(",") if (m := _ENCODED.fullmatch(part.lower()))
             and float(m[2] or 1) > 0}  # fmt: skip
    return "zstd" if "zstd" in taken else "gzip" if "gzip" in taken else ""


def _read(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length and (chunk := file.read(min(_CHUNK, length))):
            length -= len(chunk)
            yield chunk


def _packed(path: Path, packing: str) -> Iterator[bytes]:
    if packing == "zstd":
        with path.open("rb") as file:
            yield from zstandard.ZstdCompressor(level=3).read_to_iter(file)
        return
    out = _Out()
    with path.open("rb") as file, gzip.GzipFile(fileobj=out, mode="wb", compresslevel=5) as pack:
        while chunk := file.read(_CHUNK):
            pack.write(chunk)
            yield out.taken()
    yield out.taken()


class _Out:
    """Where a packer writes to, until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data
