"""What the headers of a request say, read strictly where guessing would do harm.

Pure functions: ETags and dates of conditions (RFC 9110 §13, R4 §3.1.0.5), `Prefer`
(RFC 7240, R4 §3.1.0.7), media types with their q-values (RFC 9110 §12.5.1, R4 §3.1.0.1.10).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum
from functools import lru_cache

from trucyte.base.problem import Problem
from trucyte.web.api.asgi import NotAcceptable


class BadHeader(Problem):
    """The header {header} cannot be read; what is expected: {expected}."""

    code = "bad-header"


class Media(Enum):
    """What a body is."""

    NONE = "none"
    JSON = "application/fhir+json"
    XML = "application/fhir+xml"
    JSON_PATCH = "application/json-patch+json"
    MERGE_PATCH = "application/merge-patch+json"
    FORM = "application/x-www-form-urlencoded"
    OTHER = "other"


MEDIA: Mapping[str, Media] = {
    "json": Media.JSON,
    "application/json": Media.JSON,
    "application/fhir+json": Media.JSON,
    "application/json+fhir": Media.JSON,  # what it was called before R3
    "text/json": Media.JSON,
    "xml": Media.XML,
    "application/xml": Media.XML,
    "application/fhir+xml": Media.XML,
    "application/xml+fhir": Media.XML,
    "text/xml": Media.XML,
    "application/json-patch+json": Media.JSON_PATCH,
    "application/merge-patch+json": Media.MERGE_PATCH,
    "application/x-www-form-urlencoded": Media.FORM,
}
_REMEMBERED = 256  # headers as they were sent: a client sends the same ones again and again
_ANY = frozenset({"*/*", "application/*", "text/html", "application/xhtml+xml"})
_FHIR_VERSIONS = frozenset({"", "4.0", "4.0.1"})
_ETAG = re.compile(r'W/"(\d{1,9})"|"(\d{1,9})"', re.ASCII)
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
_PREFERENCE = re.compile(r'\s*([\w-]+)\s*(?:=\s*"?([\w-]*)"?)?', re.ASCII)


@dataclass(frozen=True, slots=True)
class Prefer:
    """What the caller would like (R4 §3.1.0.1.9, §3.1.1.4.1)."""

    returns: str = ""  # "representation", "minimal", "OperationOutcome"; "" where it is open
    is_lenient: bool = False  # unknown search parameters are passed over
    is_async: bool = False


@lru_cache(maxsize=_REMEMBERED)
def read_prefer(header: str) -> Prefer:
    """Read `Prefer`; what is not understood is passed over, as RFC 7240 asks."""
    said: dict[str, str] = {}
    for part in re.split("[,;]", header):
        found = _PREFERENCE.match(part)
        if found:
            said.setdefault(found[1].lower(), found[2] or "")
    returns = said.get("return", "")
    return Prefer(
        returns if returns in ("representation", "minimal", "OperationOutcome") else "",
        is_lenient=said.get("handling") == "lenient",
        is_async="respond-async" in said,
    )


def etag(version: int) -> str:
    """Return the ETag of a version (R4 §3.1.0.2)."""
    return f'W/"{version}"'


def http_date(moment: datetime) -> str:
    """Return a moment as headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def read_if_match(header: str | None) -> int | None:
    """Return the version that must be the current one; None where none is named.

    Raises BadHeader: a condition that cannot be read is never passed over.
    """
    if header is None:
        return None
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        raise BadHeader(header="If-Match", expected='W/"1"')
    return int(found[1] or found[2])


def names_version(header: str | None, version: int) -> bool:
    """Say whether an If-None-Match names this version, or any (`*`)."""
    if header is None:
        return False
    return header.strip() == "*" or any(
        int(found[1] or found[2]) == version for found in _ETAG.finditer(header)
    )


def read_date(header: str | None) -> datetime | None:
    """Return the moment of an If-Modified-Since; None where there is none to be read."""
    try:
        moment = parsedate_to_datetime(header) if header else None
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def media_of(content_type: str) -> Media:
    """Return what a body with this Content-Type is; NONE where nothing is said."""
    name = content_type.partition(";")[0].strip().lower()
    return MEDIA.get(name, Media.OTHER) if name else Media.NONE


@lru_cache(maxsize=_REMEMBERED)
def answer_media(format_asked: str, accept: str) -> Media:
    """Return JSON or XML: what `_format` asks, else what `Accept` likes best.

    Raises NotAcceptable where neither will do.
    """
    if format_asked:
        name = format_asked.replace(" ", "+").partition(";")[0].strip().lower()
        return _known(name)
    best, best_quality = Media.JSON, -1.0
    for name, quality in media_types(accept):
        if quality > best_quality and quality > 0:
            media = _offered(name)
            if media is not None:
                best, best_quality = media, quality
    if best_quality < 0 and accept.strip():
        raise NotAcceptable
    return best


def _known(name: str) -> Media:
    media = MEDIA.get(name)
    if media not in (Media.JSON, Media.XML):
        raise NotAcceptable
    return media


def _offered(name: str) -> Media | None:
    if name in _ANY:
        return Media.JSON
    media = MEDIA.get(name)
    return media if media in (Media.JSON, Media.XML) else None


def media_types(accept: str) -> Iterator[tuple[str, float]]:
    """Give (media type, q) in their order; another release of FHIR is not offered."""
    for part in accept.split(","):
        name, *more = (piece.strip() for piece in part.split(";"))
        given = _parameters(more)
        if name and given.get("fhirversion", "") in _FHIR_VERSIONS:
            shown = given.get("q", "1")
            yield name.lower(), float(shown) if _QUALITY.fullmatch(shown) else 1.0


def _parameters(pieces: Sequence[str]) -> Mapping[str, str]:
    split = (piece.partition("=") for piece in pieces)
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in split}


@lru_cache(maxsize=_REMEMBERED)
def language_of(accept_language: str) -> str:
    """Return "en" where the caller likes English better than Vietnamese, else "vi"."""
    best, best_quality = "vi", 0.0
    for name, quality in media_types(accept_language):
        tag = name.partition("-")[0]
        if tag in ("vi", "en") and quality > best_quality:
            best, best_quality = tag, quality
    return best
