"""From the bytes of a body to what can be accepted: read, spliced, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trucyte.fhir.issue import Severity
from trucyte.fhir.parse import parse
from trucyte.fhir.patch import Patch
from trucyte.fhir.text import (
    DEPTH_MAX,
    Accepted,
    NoResourceType,
    TooDeep,
    accept,
    accept_own,
    scan,
)
from trucyte.intake.interactions.problems import IdMismatch, ResourceInvalid, TypeMismatch
from trucyte.intake.tools import Checker

_FATAL = (Severity.ERROR, Severity.FATAL)


@dataclass(frozen=True, slots=True)
class Draft:
    """A body that passed the door, as it came."""

    body: bytes
    resource: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id the sender gave it, "" for none that is a text."""
        own = self.resource.get("id")
        return own if isinstance(own, str) else ""


@dataclass(frozen=True, slots=True)
class Ready:
    """A version that holds to FHIR: its bytes, and the same parsed."""

    accepted: Accepted
    resource: Mapping[str, Any]


def read_draft(type_name: str, body: bytes, size_max: int) -> Draft:
    """Read a body that must be a resource of the type; raises the Problems of `scan`."""
    scanned = scan(body, size_max=size_max)
    return draft_of(type_name, body, scanned.resource)


def draft_of(type_name: str, body: bytes, resource: Mapping[str, Any]) -> Draft:
    """Take a parsed body; raises NoResourceType, TypeMismatch."""
    said = resource.get("resourceType")
    if said is None:
        raise NoResourceType()
    if said != type_name:
        raise TypeMismatch(type=type_name)
    return Draft(body, resource)


def check_own_id(draft: Draft, type_name: str, id_: str) -> None:
    """Raise IdMismatch unless the body says the id of the URL (R4 3.1.0.4)."""
    if draft.resource.get("id") != id_:
        raise IdMismatch(type=type_name)


def made_ready(draft: Draft, id_: str, links: Mapping[str, str], checker: Checker) -> Ready:
    """Give a body its id and its links, and check it; raises ResourceInvalid."""
    body = draft.body.strip(b" \t\r\n")
    accepted = accept(body, id=id_, references=links or None)
    # Where only the id and the node's own fields of meta changed, nothing need be read again.
    resource = parse(accepted.body) if links else {**draft.resource, "id": id_}
    check(resource, checker)
    return Ready(accepted, resource)


def patched(current: bytes, patch: Patch, size_max: int, checker: Checker) -> Ready:
    """Apply a patch to a body that is in force; raises its Problems, ResourceInvalid."""
    before = parse(current)
    try:
        after = patch.apply(before)
        for name in ("resourceType", "id"):
            if after.get(name) != before.get(name):
                raise IdMismatch(type=before["resourceType"])
        check_meta(after)
        accepted = accept_own(after)
    except RecursionError:
        raise TooDeep(depth_max=DEPTH_MAX, offset=0) from None
    resource = scan(accepted.body, size_max=size_max).resource
    check(resource, checker)
    return Ready(accepted, resource)


def check_meta(resource: Mapping[str, Any]) -> None:
    """Raise TypeMismatch where a patch made of `meta` something that cannot hold a version."""
    if not isinstance(resource.get("meta", {}), dict):
        raise TypeMismatch(type=resource["resourceType"])


def check(resource: Mapping[str, Any], checker: Checker) -> None:
    """Raise ResourceInvalid with every finding where one of them is an error."""
    if resource.get("meta") == {}:  # held nothing but the version and time of another server
        resource = {name: value for name, value in resource.items() if name != "meta"}
    issues = checker.check(resource)
    errors = sum(issue.severity in _FATAL for issue in issues)
    if errors:
        kind = resource.get("resourceType")
        raise ResourceInvalid(issues=tuple(issues), type=str(kind), count=errors)
