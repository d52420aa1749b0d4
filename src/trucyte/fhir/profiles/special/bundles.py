"""Bundles: where their resources are, what their references mean (R4 2.36, 2.36.4.1)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trucyte.fhir.profiles.paths import kind_of
from trucyte.fhir.profiles.rules import (
    BUNDLE_REFERENCE,
    BUNDLE_REFERENCE_TWICE,
    FULL_URL_RELATIVE,
    SEARCH_ID,
    SEARCH_OUTCOME,
    SEARCH_TYPE,
)
from trucyte.fhir.profiles.scope import Facts, Run
from trucyte.fhir.validation.fault import FULL_URL, Fault, Found, fault, joined

_RESTFUL = re.compile(r"^(https?://\S+?)/([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})$")
_RELATIVE = re.compile(
    r"^([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?(?:#.*)?$"
)
_SEARCH_BASE = re.compile(r"([A-Za-z]+)(?:\?|$)")
# What must be in the bundle itself (R4 3.3.1, 2.36.4.1), from its first resource.
_DOCUMENT = ("subject", "encounter", "author", "custodian")
_MESSAGE = ("focus",)


class BundleIndex:
    """The entries of one bundle by fullUrl, and by type and id."""

    def __init__(self, bundle: Mapping[str, Any]) -> None:
        """Read the entries; what is malformed is another check's matter."""
        self._by_url: dict[str, list[dict[str, Any]]] = {}
        self._by_id: dict[str, list[dict[str, Any]]] = {}
        self._urls: dict[int, str] = {}
        for _, entry, resource in entries(bundle):
            url = entry.get("fullUrl")
            if type(url) is str:
                self._by_url.setdefault(url, []).append(resource)
                self._urls[id(resource)] = url
            name = f"{kind_of(resource)}/{resource.get('id')}"
            self._by_id.setdefault(name, []).append(resource)

    def full_url_of(self, resource: dict[str, Any]) -> str:
        """Return the fullUrl of the entry that holds a resource, "" where none does."""
        return self._urls.get(id(resource), "")

    def resolve(self, reference: str, full_url: str) -> list[dict[str, Any]]:
        """Return the resources a reference from the entry at `full_url` points to."""
        reference = reference.partition("#")[0]
        found = self._by_url.get(reference)
        if found is not None:
            return found
        parts = _RELATIVE.match(reference)
        if parts is None:
            stem, _, version = reference.partition("/_history/")
            return _versioned(self._by_url.get(stem, []), version) if version else []
        kind, id, version = parts.groups()
        base = _RESTFUL.match(full_url)
        if base is not None:
            found = self._by_url.get(f"{base[1]}/{kind}/{id}", [])
        else:
            found = self._by_id.get(f"{kind}/{id}", [])
        return _versioned(found, version) if version else found

    def alike(self, reference: str) -> list[dict[str, Any]]:
        """Return the resources of the type and id that a relative reference names."""
        parts = _RELATIVE.match(reference)
        return [] if parts is None else self._by_id.get(f"{parts[1]}/{parts[2]}", [])


def _versioned(found: list[dict[str, Any]], version: str) -> list[dict[str, Any]]:
    return [
        one
        for one in found
        if isinstance(one.get("meta"), dict) and one["meta"].get("versionId") == version
    ]


def entries(
    bundle: Mapping[str, Any],
) -> Iterator[tuple[int, Mapping[str, Any], dict[str, Any]]]:
    """Yield number, entry and resource of the entries that hold one."""
    listed = bundle.get("entry")
    for number, entry in enumerate(listed if type(listed) is list else ()):
        if type(entry) is dict and type(entry.get("resource")) is dict:
            yield number, entry, entry["resource"]


def bundle_faults(
    bundle: Mapping[str, Any], index: BundleIndex, types: frozenset[str], run: Run
) -> Found:
    """Return what is wrong with a bundle as a whole; raises `TooCostly`."""
    found: Found = None
    listed = bundle.get("entry")
    for number, entry in enumerate(listed if type(listed) is list else ()):
        more = _entry_faults(entry, types) if type(entry) is dict else None
        if more is not None:
            found = joined(found, more, f".entry[{number}]")
    for more in (
        _search_faults(bundle, types),
        _first_faults(bundle, index),
        _twice_faults(bundle, index, run),
    ):
        if more is not None:
            found = joined(found, more, "")
    return found


def _entry_faults(entry: Mapping[str, Any], types: frozenset[str]) -> Found:
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if type(url) is not str:
        return None
    if ":" not in url:
        return fault(FULL_URL_RELATIVE)
    if type(resource) is not dict or "id" not in resource:
        return None
    parts = _RESTFUL.match(url)
    if parts is None or parts[2] not in types:
        return None
    return None if parts[2] == kind_of(resource) else fault(FULL_URL)


def _search_faults(bundle: Mapping[str, Any], types: frozenset[str]) -> Found:
    """Search results have ids, and are of the type that was searched for (R4 3.1.1.4)."""
    if bundle.get("type") != "searchset":
        return None
    wanted = _searched(bundle, types)
    found: Found = None
    for number, entry, resource in entries(bundle):
        search = entry.get("search")
        mode = search.get("mode") if type(search) is dict else None
        more = _result_faults(resource, mode, wanted)
        if more is not None:
            found = joined(found, more, f".entry[{number}].resource")
    return found


def _result_faults(resource: Mapping[str, Any], mode: Any, wanted: frozenset[str]) -> Found:
    kind = kind_of(resource)
    if mode == "outcome":
        return None if kind == "OperationOutcome" else fault(SEARCH_OUTCOME, type=kind)
    found: Found = None
    if "id" not in resource and kind != "OperationOutcome":
        found = fault(SEARCH_ID)
    is_match = mode == "match" or (mode is None and kind != "OperationOutcome")
    if is_match and wanted and kind not in wanted:
        allowed = ", ".join(sorted(wanted))
        found = joined(found, fault(SEARCH_TYPE, type=kind, allowed=allowed), "")
    return found


def _searched(bundle: Mapping[str, Any], types: frozenset[str]) -> frozenset[str]:
    """Read the searched types from the `self` link: `…/Patient?…`, `…?_type=A,B`."""
    links = bundle.get("link")
    for link in links if type(links) is list else ():
        if type(link) is dict and link.get("relation") == "self":
            path, _, query = str(link.get("url", "")).partition("?")
            name = path.rstrip("/").rpartition("/")[2]
            if name in types:
                return frozenset({name})
            for part in query.split("&"):
                if part.startswith("_type="):
                    return frozenset(part[6:].replace("%2C", ",").split(",")) & types
    return frozenset()


def _first_faults(bundle: Mapping[str, Any], index: BundleIndex) -> Found:
    """What the Composition or MessageHeader at the head points to lies in the bundle."""
    kind = bundle.get("type")
    first = next(entries(bundle), None)
    if first is None or first[0] != 0 or kind not in ("document", "message"):
        return None
    _, entry, head = first
    names = _DOCUMENT if kind == "document" else _MESSAGE
    full_url = str(entry.get("fullUrl", ""))
    found: Found = None
    for path, link in _head_links(head, names):
        if link.startswith("#") or index.resolve(link, full_url):
            continue
        facts: Facts = {"reference": _safe(link), "alike": len(index.alike(link))}
        found = joined(found, [Fault(BUNDLE_REFERENCE, facts)], f".entry[0].resource{path}")
    return found


def _head_links(head: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        yield from _links_in(head.get(name), f".{name}")
    waiting = [(".section", head.get("section"))]
    while waiting:
        path, sections = waiting.pop()
        for number, section in enumerate(sections if type(sections) is list else ()):
            if type(section) is dict:
                here = f"{path}[{number}]"
                yield from _links_in(section.get("entry"), f"{here}.entry")
                yield from _links_in(section.get("author"), f"{here}.author")
                waiting.append((f"{here}.section", section.get("section")))


def _links_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if type(value) is list:
        for number, one in enumerate(value):
            yield from _links_in(one, f"{path}[{number}]")
    elif type(value) is dict and type(value.get("reference")) is str:
        yield path, value["reference"]


def _twice_faults(bundle: Mapping[str, Any], index: BundleIndex, run: Run) -> Found:
    """A reference that names several resources of the bundle names none."""
    if bundle.get("type") in ("history", "searchset"):
        return None
    found: Found = None
    for number, entry, resource in entries(bundle):
        full_url = str(entry.get("fullUrl", ""))
        for path, link in _all_links(resource):
            several = index.resolve(link, full_url)
            run.charge(1 + len(index.alike(link)))
            if len(several) > 1:
                facts: Facts = {"reference": _safe(link), "count": len(several)}
                where = f".entry[{number}].resource{path}"
                found = joined(found, [Fault(BUNDLE_REFERENCE_TWICE, facts)], where)
    return found


def _all_links(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    waiting: list[tuple[str, Any]] = [("", resource)]
    while waiting:
        path, value = waiting.pop()
        if type(value) is dict:
            link = value.get("reference")
            if type(link) is str and path:
                yield path, link
            waiting += [(f"{path}.{key}", one) for key, one in value.items()]
        elif type(value) is list:
            waiting += [(f"{path}[{n}]", one) for n, one in enumerate(value)]


def _safe(link: str) -> str:
    """Return a link as it may stand in a message: its type, never an identifier."""
    parts = _RELATIVE.match(link)
    return f"{parts[1]}/…" if parts is not None else link.partition(":")[0] + ":…"
