"""`$everything`, `$document` and `$summary`: what is read together, as one Bundle.

R4 Patient-everything, Encounter-everything, Composition-document; `$summary` of the
International Patient Summary. What is gathered and how lies below; here calls are read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import urlencode

from trucyte.fhir.search.moments import moment_range
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.national.record.bundle import key_of
from trucyte.national.record.operations import Documents
from trucyte.records import Access
from trucyte.records.shown import Resource
from trucyte.shared.terminology.operations.given import (
    Given,
    ParameterRefused,
    ParameterUnsupported,
)
from trucyte.web.api.asgi import Answer
from trucyte.web.api.bundle import INCLUDED, MATCH, BundleEntry, bundle
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.operations.asked import BOTH, HL7, given_of
from trucyte.web.api.operations.table import Level, Operation

COUNT: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE: Final = "_page"
_LINKS: Final = "_links"
_KNOWN: Final = {"_since": "date", "_type": "texts", "_count": "integer", _PAGE: "text"}
_OF_PATIENT: Final = {**_KNOWN, "start": "date", "end": "date", _LINKS: "text"}
_IPS: Final = "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"
_IPS_PROFILE: Final = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"


class Gathered(Protocol):
    """One page of a record."""

    @property
    def entries(self) -> Sequence[Resource]: ...  # noqa: D102 - of the record itself

    @property
    def included(self) -> Sequence[Resource]: ...  # noqa: D102 - what they point to

    @property
    def next(self) -> str | None: ...  # noqa: D102 - opaque


class Gather(Protocol):
    """`Records.everything`."""

    def __call__(
        self,
        access: Access,
        type: str,
        id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        since: datetime | None = None,
        types: Sequence[str] = (),
        count: int = 100,
        is_exact: bool = False,
        page: str | None = None,
    ) -> Gathered:
        """Return one page of all of a Patient or an Encounter."""
        ...


def everything_operations(gather: Gather) -> Sequence[Operation]:
    """Return the rows of `$everything`."""

    def handle(call: FhirCall) -> Answer:
        return _everything(gather, call)

    return [
        Operation(
            name="everything",
            levels=frozenset({Level.INSTANCE}),
            types=frozenset({type_name}),
            methods=BOTH,
            affects_state=False,
            definition=f"{HL7}{type_name}-everything",
            handler=handle,
        )
        for type_name in ("Patient", "Encounter")
    ]


def document_operations(documents: Documents) -> Sequence[Operation]:
    """Return the rows of `$document` and `$summary`."""

    def document(call: FhirCall) -> Answer:
        return _document(documents, call)

    def summary(call: FhirCall) -> Answer:
        return _summary(documents, call)

    both = frozenset({Level.TYPE, Level.INSTANCE})
    return [
        Operation(
            "document", both, BOTH, False, f"{HL7}Composition-document", document,
            frozenset({"Composition"}), "Documents are not kept: persist=true is refused.",
        ),
        Operation(
            "summary", both, BOTH, False, _IPS, summary, frozenset({"Patient"}),
            "Sections of IPS 1.1, valid base R4; it is not checked against IPS's own profiles.",
        ),
    ]  # fmt: skip


def _everything(gather: Gather, call: FhirCall) -> Answer:
    given = given_of(call, _OF_PATIENT if call.type == "Patient" else _KNOWN)
    page = gather(
        call.access,
        call.type,
        call.id,
        start=_moment(given, "start", is_end=False),
        end=_moment(given, "end", is_end=True),
        since=_moment(given, "_since", is_end=False),
        types=_types(given),
        count=_count(given),
        is_exact=_is_exact(given),
        page=given.text(_PAGE) or None,
    )
    entries = [
        BundleEntry(f"{call.base}/{one.type}/{one.id}", one.body, mode)
        for found, mode in ((page.entries, MATCH), (page.included, INCLUDED))
        for one in found
    ]
    links = [("self", call.url)]
    if page.next:
        links.append(("next", f"{call.base}{call.path}?{urlencode({_PAGE: page.next})}"))
    return Answer(200, bundle("searchset", entries, links), FHIR_JSON)


def _moment(given: Given, name: str, *, is_end: bool) -> datetime | None:
    """Return where a date begins, or behind its end. Raises ParameterRefused."""
    text = given.text(name)
    if not text:
        return None
    try:
        low, high = moment_range(text)
        return _EPOCH + timedelta(microseconds=high if is_end else low)
    except (ValueError, OverflowError):
        raise ParameterRefused(name=name, reason="not a date") from None


def _types(given: Given) -> Sequence[str]:
    named = [name.strip() for text in given.texts("_type") for name in text.split(",")]
    if not all(name in TYPE_NUMBERS for name in named):
        raise ParameterRefused(name="_type", reason="not resource types of R4")
    return named


def _is_exact(given: Given) -> bool:
    """Say whether links between Patients are to be left alone, as in searches."""
    asked = given.text(_LINKS)
    if asked not in ("", "follow", "exact"):
        raise ParameterRefused(name=_LINKS, reason="follow or exact")
    return asked == "exact"


def _count(given: Given) -> int:
    count = given.number("_count")
    if count is None:
        return COUNT
    if count < 1:
        raise ParameterRefused(name="_count", reason="at least 1")
    return count


def _document(documents: Documents, call: FhirCall) -> Answer:
    known = {"id": "text", "persist": "boolean", "graph": "no"}
    given = given_of(call, known)
    if given.flag("persist"):
        raise ParameterUnsupported(name="persist")
    asked = given.text("id")
    if bool(asked) == bool(call.id):
        reason = "the address says which one" if asked else "it says which composition"
        raise ParameterRefused(name="id", reason=reason)
    id_ = call.id or _own_id(asked, call.base)
    return Answer(200, documents.of_composition(call.access, id_, call.base), FHIR_JSON)


def _own_id(asked: str, base: str) -> str:
    """Return the id that a simple id or an address of a Composition of this node means."""
    if "/" not in asked:
        return asked
    key = key_of(asked, base)
    if key is None or key[0] != "Composition":
        raise ParameterRefused(name="id", reason="not a Composition of this node")
    return key[1]


def _summary(documents: Documents, call: FhirCall) -> Answer:
    given = given_of(call, {"identifier": "text", "profile": "text", "graph": "no"})
    profile = given.text("profile").partition("|")[0]
    if profile not in ("", _IPS_PROFILE):
        raise ParameterUnsupported(name="profile")
    identifier = given.text("identifier")
    if bool(identifier) == bool(call.id):
        reason = "the address says whose" if identifier else "it says whose summary"
        raise ParameterRefused(name="identifier", reason=reason)
    patient = call.id or documents.identified(call.access, identifier)
    return Answer(200, documents.summary(call.access, patient, call.base), FHIR_JSON)
