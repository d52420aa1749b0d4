"""What the entries of a transaction or batch ask for (R4 3.1.0.11), read strictly."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.parse import BundleEntry, BundleHead, EntryRequest, bundle
from trucyte.fhir.patch import Patch, read_fhirpath_patch, read_json_patch
from trucyte.fhir.path.path import Paths
from trucyte.fhir.text import NotJson, scan
from trucyte.intake.interactions.asks import Ask, Verb
from trucyte.intake.interactions.drafts import Draft, draft_of
from trucyte.intake.interactions.problems import BundleTooLarge, BundleUnreadable
from trucyte.intake.interactions.settings import WriteSettings

_VERBS: Final = {
    "POST": Verb.CREATE, "PUT": Verb.UPDATE, "PATCH": Verb.PATCH, "DELETE": Verb.DELETE,
}  # fmt: skip
_READS: Final = frozenset({"GET", "HEAD"})
_TAG: Final = re.compile(r'(?:W/)?"?(\d{1,9})"?', re.ASCII)
_JSON_PATCH: Final = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Read:
    """A read that stands in a bundle."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry: a write, a read, or why it is neither."""

    place: str  # "Bundle.entry[3]"
    write: Ask | None = None
    read: Read | None = None
    problem: Problem | None = None
    full_url: str = ""


@dataclass(frozen=True, slots=True)
class AskedBundle:
    """A bundle, read."""

    is_transaction: bool
    entries: tuple[Asked, ...]
    is_signed: bool = False


def read_bundle(body: bytes, paths: Paths, settings: WriteSettings) -> AskedBundle:
    """Read a bundle; raises the Problems of `scan`, BundleUnreadable, BundleTooLarge.

    What is wrong with one entry is that entry's problem.
    """
    # Counting entries costs a fraction of reading them: too many are refused before.
    counted = _counted(body, settings)
    scanned = scan(body, size_max=settings.bundle).resource
    found = _checked_head(scanned, counted)
    parsed: list[Any] = scanned.get("entry") or []
    entries = [
        _asked(part, parsed[number].get("resource"), f"Bundle.entry[{number}]", paths, settings)
        for number, part in enumerate(found.entry)
    ]
    return AskedBundle(found.type == "transaction", tuple(entries), "signature" in scanned)


def _counted(body: bytes, settings: WriteSettings) -> BundleHead | None:
    """Return the entries as bytes, None where `scan` or the next check says why not."""
    if len(body) > settings.bundle:
        return None
    try:
        found = bundle(body)
    except NotJson:
        return None
    if len(found.entry) > settings.entries:
        raise BundleTooLarge(most=settings.entries, what="entries")
    return found


def _checked_head(scanned: Mapping[str, Any], found: BundleHead | None) -> BundleHead:
    if scanned.get("resourceType") != "Bundle":
        raise BundleUnreadable(reason="it is not a Bundle")
    if found is None:
        raise BundleUnreadable(reason="a member of an entry has another JSON type")
    if found.type not in ("transaction", "batch"):
        raise BundleUnreadable(reason="its type is neither transaction nor batch")
    return found


def _asked(
    part: BundleEntry, resource: Any, place: str, paths: Paths, settings: WriteSettings
) -> Asked:
    try:
        request = part.request
        if request is None or not request.method:
            raise BundleUnreadable(reason="an entry has no request")
        if request.method in _READS:
            return Asked(place, read=Read(request.method, request.url, _headers(request)))
        return Asked(
            place,
            write=_write(part, request, resource, place, paths, settings),
            full_url=part.full_url or "",
        )
    except Problem as problem:
        problem.location = place
        return Asked(place, problem=problem)


def _headers(request: EntryRequest) -> dict[str, str]:
    said = {
        "if-none-match": request.if_none_match,
        "if-modified-since": request.if_modified_since,
    }
    return {name: value for name, value in said.items() if value}


def _write(
    part: BundleEntry,
    request: EntryRequest,
    resource: Any,
    place: str,
    paths: Paths,
    settings: WriteSettings,
) -> Ask:
    verb = _VERBS.get(request.method)
    if verb is None:
        raise BundleUnreadable(reason="the method of an entry is none that bundles have")
    type_name, id_, query = _target(request.url, verb)
    draft: Draft | None = None
    patch: Patch | None = None
    if verb in (Verb.CREATE, Verb.UPDATE):
        if not isinstance(resource, dict):
            raise BundleUnreadable(reason="an entry that writes has no resource")
        draft = draft_of(type_name, bytes(part.resource), resource)
    elif verb is Verb.PATCH:
        patch = _patch(resource, paths)
    if draft is not None and len(draft.body) > settings.resource:
        raise BundleTooLarge(most=settings.resource, what="bytes in one resource")
    return Ask(
        verb,
        type_name,
        id_,
        query=(request.if_none_exist or "") if verb is Verb.CREATE else query,
        draft=draft,
        patch=patch,
        if_match=_version(request.if_match),
        must_be_new=verb is Verb.UPDATE and _is_any(request.if_none_match),
        place=place,
    )


def _target(url: str, verb: Verb) -> tuple[str, str, str]:
    """Return type, id and query of an entry's URL, which is relative to the base."""
    path, mark, query = url.removeprefix("/").partition("?")
    type_name, slash, id_ = path.partition("/")
    is_whole = bool(id_) if slash else bool(mark)
    if verb is Verb.CREATE:
        is_whole = not slash and not mark
    if not is_whole or "/" in id_ or (id_ and mark):
        raise BundleUnreadable(reason="the URL of an entry does not fit its method")
    return type_name, id_, query or ("?" if mark else "")


def _version(tag: str | None) -> int | None:
    if tag is None:
        return None
    shape = _TAG.fullmatch(tag.strip())
    if shape is None:
        raise BundleUnreadable(reason="ifMatch is no version")
    return int(shape[1])


def _is_any(tag: str | None) -> bool:
    if tag is not None and tag.strip() != "*":
        raise BundleUnreadable(reason="ifNoneMatch of a write is * or nothing")
    return tag is not None


def _patch(resource: Any, paths: Paths) -> Patch:
    """Read a patch as bundles carry it: Parameters, or a Binary that holds a JSON Patch."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == "Parameters":
        return read_fhirpath_patch(resource, paths)
    if kind == "Binary" and resource.get("contentType") == _JSON_PATCH:
        try:
            return read_json_patch(base64.b64decode(str(resource.get("data", "")), validate=True))
        except binascii.Error:
            raise BundleUnreadable(reason="the data of a Binary is no base64") from None
    raise BundleUnreadable(reason="a PATCH is Parameters or a Binary with a JSON Patch")
