"""From a request to its answer, within one thread: what every interaction shares.

Addresses, language, formats and refusals are settled here once, so that a handler sees
decoded FHIR JSON and answers in FHIR JSON. Also answers the reads inside a batch, which
come as an address without a connection.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.xml_write import XmlWriter, json_of_xml
from trucyte.records.access import Access
from trucyte.web.api.answers import refused
from trucyte.web.api.asgi import Answer, Call, Defect, MediaTypeUnsupported, NotAcceptable
from trucyte.web.api.call import FHIR_JSON, FHIR_XML, FhirCall
from trucyte.web.api.headers import Media, answer_media, language_of, media_of, read_prefer
from trucyte.web.api.interactions.binaries import binary_of, wants_content
from trucyte.web.api.pairs import FORM_ONLY, Pairs, read_pairs, without
from trucyte.web.api.routes import FHIR, OPERATION_PLACES, Place, Row
from trucyte.web.defects import say_sorry

AccessOf = Callable[[Call], Access]
DOOR = "fhir"


class Gathering(Protocol):
    """What one request shows, gathered for its one entry in the trail."""

    @property
    def entered(self) -> Future[None] | None:
        """Done once the entry is durable; None where there is none, or before its end."""
        ...

    def of(self, access: Access) -> Access:
        """Return `access` with this request as its recorder."""
        ...


class RequestTrail(Protocol):
    """The trail as the API needs it: one entry a request, durable before the answer leaves."""

    def request(self, reason: str, *, door: str, waits: bool) -> AbstractContextManager[Gathering]:
        """Enter what is read inside the block when it is left, a Problem too."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """An answer that may leave once what it shows is `entered`."""

    answer: Answer
    entered: Future[None] | None


@dataclass(frozen=True, slots=True)
class Form:
    """How the answer is to be written."""

    media: Media = Media.JSON
    is_pretty: bool = False


class Dispatcher:
    """Puts a call together, lets its row answer, and writes the answer as it was asked for."""

    def __init__(
        self,
        definitions: Definitions,
        access: AccessOf,
        trail: RequestTrail,
        *,
        path: str,
        trusts_forwarded: bool,
    ) -> None:
        """Answer below `path`; `trusts_forwarded` where a proxy of ours stands before us."""
        self._trail = trail
        self._definitions = definitions
        self._access = access
        self._path = path
        self._trusts_forwarded = trusts_forwarded
        self._xml = XmlWriter(definitions)

    def answer(self, row: Row, call: Call) -> Made:
        """Answer a request, whatever comes of it; nothing is raised.

        The thread does not wait for the entry in the trail: many share one flush to the disk.
        """
        language = language_of(call.headers.get("accept-language", ""))
        form = Form()
        asked: Gathering | None = None
        try:
            pairs = read_pairs(call.query)
            with self._trail.request(_reason(row, call), door=DOOR, waits=False) as asked:
                access = self._access(call)
                if row.place is not Place.METADATA:  # what says nothing of anyone has no entry
                    access = asked.of(access)
                made = self.fhir_call(call, pairs, access)
                if not made.wants_content:
                    form = _form_of_row(row, pairs, call.headers.get("accept", ""))
                answer = _primed(row.handler(made))
            answer = self.written(answer, form)
        except Problem as problem:
            answer = self.written(refused(problem, language), form)
        except Exception as defect:  # noqa: BLE001 - the outermost loop: say sorry, keep serving
            answer = self.written(sorry(defect, row, language), form)
        return Made(answer, asked.entered if asked is not None else None)

    async def entered(self, made: Made, row: Row, call: Call) -> Answer:
        """Return the answer once it may leave, or what keeps it from leaving."""
        if made.entered is None:
            return made.answer
        try:
            await asyncio.wrap_future(made.entered)
        except Problem as problem:
            return self.refusal(problem, call)
        except Exception as defect:  # noqa: BLE001 - the outermost loop: say sorry, keep serving
            language = language_of(call.headers.get("accept-language", ""))
            return sorry(defect, row, language)
        return made.answer

    def refusal(self, problem: Problem, call: Call) -> Answer:
        """Return a problem met before a row was found, in the form that was asked for."""
        try:
            form = form_of(read_pairs(call.query), call.headers.get("accept", ""))
        except Problem:
            form = Form()
        language = language_of(call.headers.get("accept-language", ""))
        return self.written(refused(problem, language), form)

    def fhir_call(self, call: Call, pairs: Pairs, access: Access | None = None) -> FhirCall:
        """Return the call as a handler sees it, its XML become JSON."""
        headers = call.headers
        media = media_of(headers.get("content-type", ""))
        is_binary = call.places.get("type") == "Binary"
        return FhirCall(
            method=call.method,
            path=call.path[len(self._path) :] or "/",
            base=self.base(call),
            query=call.query,
            pairs=without(pairs, FORM_ONLY),
            headers=headers,
            places=call.places,
            access=access or self._access(call),
            language=language_of(headers.get("accept-language", "")),
            prefer=read_prefer(headers.get("prefer", "")),
            media=media,
            wants_content=is_binary and wants_content(headers, dict(pairs).get("_format", "")),
            body=self._body(call, media),
            original=call.body if media is Media.XML else b"",
        )

    def _body(self, call: Call, media: Media) -> bytes:
        """Return a body of FHIR as JSON, the content of a Binary wrapped, others as they came."""
        if not call.body:
            return b""
        if media is Media.XML:
            return json_of_xml(call.body, self._definitions)
        if is_content(call, media):
            return binary_of(call.body, call.headers, call.places.get("id") or "")
        return call.body

    def base(self, call: Call) -> str:
        """Return the address below which this client sees the API."""
        scheme, host = call.scheme, call.headers.get("host", "localhost")
        if self._trusts_forwarded:
            scheme = _first(call.headers, "x-forwarded-proto") or scheme
            host = _first(call.headers, "x-forwarded-host") or host
        return f"{scheme}://{host}{self._path}"

    def written(self, answer: Answer, form: Form) -> Answer:
        """Return an answer in FHIR JSON as XML, or indented, where that was asked for."""
        is_fhir = answer.content_type == FHIR_JSON and answer.body != b""
        if not is_fhir or form == Form():
            return answer
        body = answer.body if isinstance(answer.body, bytes) else _joined(answer.body)
        if form.media is Media.XML:
            xml = self._xml.write(body, is_pretty=form.is_pretty)
            return replace(answer, body=xml, content_type=FHIR_XML)
        return replace(answer, body=msgspec.json.format(body, indent=2))


def _reason(row: Row, call: Call) -> str:
    """Return what the trail calls a request: an interaction or an operation, and the type."""
    name = f"${call.places['name']}" if "name" in call.places else row.code.partition("-")[0]
    return f"{name or 'other'} {call.places.get('inside') or call.places.get('type', '')}".rstrip()


def form_of(pairs: Pairs, accept: str) -> Form:
    """Return the form that `_format`, `_pretty` and `Accept` ask for. Raises NotAcceptable."""
    said = {name: value for name, value in pairs if name in FORM_ONLY}
    media = answer_media(said.get("_format", ""), accept)
    return Form(media, is_pretty=said.get("_pretty") == "true")


def _form_of_row(row: Row, pairs: Pairs, accept: str) -> Form:
    """Return the form of an answer; an operation may have others than FHIR's, and looks itself."""
    try:
        return form_of(pairs, accept)
    except NotAcceptable:
        if row.place not in OPERATION_PLACES:
            raise
        return Form()


def is_content(call: Call, media: Media) -> bool:
    """Say whether a body is the content of a Binary as itself (R4 §3.1.0.8)."""
    is_write = call.method in ("POST", "PUT") and "name" not in call.places
    return is_write and call.places.get("type") == "Binary" and media not in (*FHIR, Media.FORM)


def check_media(row: Row, call: Call) -> None:
    """Refuse a body that the row does not take, before it is read. Raises MediaTypeUnsupported."""
    media = media_of(call.headers.get("content-type", ""))
    if row.takes and media not in row.takes and not is_content(call, media):
        shown = FHIR if row.takes >= FHIR else row.takes
        expected = sorted(one.value for one in shown if one is not Media.NONE)
        raise MediaTypeUnsupported(expected=", ".join(expected))


def sorry(defect: Exception, row: Row, language: str) -> Answer:
    """Return what a caller learns of a defect: a reference, and nothing of what was sent."""
    where = row.code or row.place.name.lower().replace("_", "-")
    return refused(Defect(reference=say_sorry(defect, where)), language)


def _primed(answer: Answer) -> Answer:
    """Make the first chunk now: what fails at once still gets an honest status."""
    if isinstance(answer.body, bytes):
        return answer
    first = next(answer.body, b"")
    return replace(answer, body=_continued(first, answer.body))


def _continued(first: bytes, following: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from following


def _joined(chunks: Iterator[bytes]) -> bytes:
    return b"".join(chunks)


def _first(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").split(",")[0].strip()
