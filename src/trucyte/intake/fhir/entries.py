"""What a bundle or a resource by itself asks for, entry by entry (R4 3.1.0.11).

Transactions, batches and collections are taken in. A `fullUrl` that is a `urn:` becomes
an opaque id under the node's key, so that the same bundle sent again names the same
resources; a resource that comes under an id of its own keeps it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trucyte.base.hashing import opaque_id
from trucyte.base.problem import Problem
from trucyte.fhir.parse import BundleEntry, BundleHead, EntryRequest, bundle, head
from trucyte.fhir.text import scan
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.intake.fhir.conditions import is_conditional
from trucyte.intake.piece import Form, Piece
from trucyte.intake.unreadable import EntryTwice, FhirUnsupported, JsonRefused, NotFhir

_WHOLE = frozenset({"transaction", "collection"})
_TAKEN = _WHOLE | {"batch"}
_METHODS = frozenset({"POST", "PUT", "DELETE"})
_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
"""The characters of an id (R4 2.24.0.1)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource to write, or to end where `body` is empty."""

    type: str
    id: str
    body: bytes
    place: str  # "entry[3]", "" for a resource by itself
    if_match: int | None = None
    if_none_exist: str = ""  # a query; where one resource meets it, nothing is written
    # What `body` says, where it was parsed on the way.
    resource: dict[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a piece asks for: entries that stand together, and what links shall say."""

    entries: Sequence[Entry]
    links: Mapping[str, str]  # fullUrl -> "Type/id"
    is_whole: bool  # all entries or none
    kind: str  # "Bundle transaction", "Patient" …


def read_piece(piece: Piece, key: bytes, size_max: int) -> Asked:
    """Return what a piece asks for; raises `Unreadable`."""
    body = piece.data.strip(b" \t\r\n")
    try:
        scanned = scan(body, size_max=size_max)
    except Problem as problem:
        raise JsonRefused(why=problem.code) from None
    if piece.form is Form.RESOURCE:
        entry = _single(body, scanned.resource, key)
        return Asked([entry], {}, True, entry.type)
    found = bundle(body)
    if found.type not in _TAKEN or "resourceType" not in scanned.resource:
        raise FhirUnsupported(what=f"Bundle.type {found.type[:20]}")
    return _asked(found, key)


def _single(body: bytes, resource: dict[str, Any], key: bytes) -> Entry:
    kind, own = resource.get("resourceType"), resource.get("id")
    if kind not in TYPE_NUMBERS:
        raise NotFhir()
    if own is not None and not isinstance(own, str):
        raise FhirUnsupported(what="an id that is not allowed")
    identity = own or opaque_id(key, "content", hashlib.sha256(body).hexdigest())
    return Entry(kind, checked_id(identity), body, "", resource=resource)


def _asked(found: BundleHead, key: bytes) -> Asked:
    entries: list[Entry] = []
    links: dict[str, str] = {}
    for number, part in enumerate(found.entry):
        place = f"entry[{number}]"
        request = part.request or EntryRequest()
        if found.type != "collection" and request.method not in _METHODS:
            raise FhirUnsupported(what=f"{request.method[:10] or 'no method'} in {place}")
        entry = _entry(part, request, key, place)
        entries.append(entry)
        links.update(_links(part, entry))
    keys = [(entry.type, entry.id) for entry in entries]
    if len(set(keys)) < len(keys):
        twice = next(e for n, e in enumerate(entries) if keys[n] in keys[:n])
        raise EntryTwice(path=twice.place)
    return Asked(entries, links, found.type in _WHOLE, f"Bundle {found.type}")


def _entry(part: BundleEntry, request: EntryRequest, key: bytes, place: str) -> Entry:
    if request.method == "DELETE":
        kind, identity = _target(request.url, place)
        return Entry(kind, identity, b"", place)
    body = bytes(part.resource)
    said = head(body or b"{}")
    if said.type not in TYPE_NUMBERS:
        raise NotFhir()
    identity = _identity(part, request, said.id, said.type, key, place)
    return Entry(
        said.type, identity, body, place,
        if_match=_version(request.if_match), if_none_exist=request.if_none_exist or "",
    )  # fmt: skip


def _identity(
    part: BundleEntry, request: EntryRequest, own: str | None, kind: str, key: bytes, place: str
) -> str:
    if request.method == "PUT":
        named, identity = _target(request.url, place)
        if named != kind:
            raise FhirUnsupported(what=f"PUT of another type in {place}")
        return identity
    url = part.full_url or ""
    if url.startswith("urn:") or (request.method == "POST" and url):
        return opaque_id(key, "fullUrl", kind, url)
    if request.method == "POST" or own is None:
        content = hashlib.sha256(bytes(part.resource)).hexdigest()
        return opaque_id(key, "content", content)
    return checked_id(own)


def _target(url: str, place: str) -> tuple[str, str]:
    if is_conditional(url):
        raise FhirUnsupported(what=f"a condition in the URL of {place}")
    kind, _, identity = url.partition("/")
    if kind not in TYPE_NUMBERS or "/" in identity:
        raise FhirUnsupported(what=f"the URL of {place}")
    return kind, checked_id(identity)


def _links(part: BundleEntry, entry: Entry) -> dict[str, str]:
    target = f"{entry.type}/{entry.id}"
    links = {part.full_url: target} if part.full_url else {}
    own = head(entry.body).id if entry.body else None
    if own and own != entry.id:
        links[f"{entry.type}/{own}"] = target
    return links


def checked_id(identity: str) -> str:
    """Return an id of at most 64 allowed characters; raises `FhirUnsupported`."""
    if not 0 < len(identity) <= 64 or not _ID.issuperset(identity):
        raise FhirUnsupported(what="an id that is not allowed")
    return identity


def _version(tag: str | None) -> int | None:
    digits = (tag or "").removeprefix("W/").strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
