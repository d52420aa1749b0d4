"""One consent as a value, and as the FHIR Consent (R4) that keeps it; pure.

A person's consent for one purpose and one receiver is one Consent, whose versions are its
history: given, withdrawn, given again under a newer text. `policy.uri` names the text with its
SHA-256 and `sourceAttachment` holds the words themselves; of a consent on paper the source is
the scanned original. A permit is written only where data go to somebody; what is not given is
not written as a denial, so that refusing to share hides nothing from those who treat the person.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from trucyte.base.clock import VIETNAM
from trucyte.shared.access.consent.catalogue import Purpose, Text

TYPE: Final = "Consent"
SYSTEM: Final = "https://trucyte.vn/fhir/CodeSystem/consent-purpose"
GIVEN: Final = "https://trucyte.vn/fhir/StructureDefinition/consent-given"
WITHDRAWN: Final = "https://trucyte.vn/fhir/StructureDefinition/consent-withdrawn"
TEXTS: Final = "https://trucyte.vn/fhir/consent-text/"
SCOPES: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_LOINC: Final = {"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}
_AUTHORITY: Final = "https://trucyte.vn"
ACTIVE, INACTIVE, PROPOSED = "active", "inactive", "proposed"
CHANNELS: Final = ("web", "paper", "command")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Who agreed, and when: the person, or one who may act for it."""

    by: str  # "Patient/x" or "RelatedPerson/y"
    at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """A person's consent for one purpose, in one version."""

    id: str
    version: int
    person: str  # "Patient/x"
    purpose: str
    receiver: str  # "Organization/x"; "": whoever the text names
    status: str
    confirmed: Sequence[Confirmed]
    text: str  # its version
    digest: str  # SHA-256 of the words, hex
    language: str
    channel: str
    account: str  # who entered it; of paper, the member of staff who witnessed it
    relation: str  # of the proxy to the person, "" where the person gave it
    ends_at: datetime | None
    original: str = ""  # "DocumentReference/x": the scanned paper
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    reason: str = ""

    @property
    def at(self) -> datetime:
        """When the last one who had to agree did."""
        return self.confirmed[-1].at

    def holds(self, now: datetime) -> bool:
        """Say whether it is in force."""
        return self.status == ACTIVE and (self.ends_at is None or now < self.ends_at)


def withdrawn(given: Given, *, at: datetime, by: str, reason: str) -> Given:
    """Return the consent as it is once it was taken back."""
    return replace(given, status=INACTIVE, withdrawn_at=at, withdrawn_by=by, reason=reason)


def resource_of(given: Given, purpose: Purpose, text: Text) -> dict[str, Any]:
    """Return the Consent."""
    resource: dict[str, Any] = {"resourceType": TYPE, "id": given.id}
    resource["extension"] = [_given(given)]
    if given.withdrawn_at is not None:
        resource["extension"].append(_withdrawn(given, given.withdrawn_at))
    resource["status"] = given.status
    resource["scope"] = {"coding": [{"system": SCOPES, "code": purpose.scope}]}
    resource["category"] = [
        {"coding": [_LOINC]},
        {"coding": [{"system": SYSTEM, "code": purpose.id, "display": purpose.words["vi"]}]},
    ]
    resource["patient"] = {"reference": given.person}
    resource["dateTime"] = moment(given.withdrawn_at or given.at)
    resource["performer"] = [{"reference": one.by} for one in given.confirmed]
    if given.original:
        resource["sourceReference"] = {"reference": given.original}
    else:
        resource["sourceAttachment"] = _attachment(given, text)
    uri = f"{TEXTS}{purpose.id}?version={given.text}&language={given.language}"
    resource["policy"] = [{"authority": _AUTHORITY, "uri": f"{uri}#sha256={given.digest}"}]
    resource["provision"] = _provision(given, purpose)
    return resource


def moment(at: datetime) -> str:
    """Return a moment as a FHIR dateTime at the time of Viet Nam."""
    return at.astimezone(VIETNAM).isoformat(timespec="milliseconds")


def _given(given: Given) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"url": "channel", "valueCode": given.channel},
        {"url": "account", "valueString": given.account},
    ]
    if given.relation:
        parts.append({"url": "relation", "valueCode": given.relation})
    for one in given.confirmed:
        inner = [
            {"url": "by", "valueReference": {"reference": one.by}},
            {"url": "at", "valueDateTime": moment(one.at)},
        ]
        parts.append({"url": "confirmed", "extension": inner})
    return {"url": GIVEN, "extension": parts}


def _withdrawn(given: Given, at: datetime) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"url": "at", "valueDateTime": moment(at)}]
    parts.append({"url": "by", "valueString": given.withdrawn_by})
    if given.reason:
        parts.append({"url": "reason", "valueString": given.reason})
    return {"url": WITHDRAWN, "extension": parts}


def _attachment(given: Given, text: Text) -> dict[str, Any]:
    words = text.words[given.language].encode()
    return {
        "contentType": "text/plain; charset=utf-8",
        "language": given.language,
        "data": base64.b64encode(words).decode(),
        "size": len(words),
        # R4 asks for SHA-1 here; what proves the words is the SHA-256 in `policy.uri`.
        "hash": base64.b64encode(hashlib.sha1(words, usedforsecurity=False).digest()).decode(),
        "title": f"{given.purpose} {given.text}",
    }


def _provision(given: Given, purpose: Purpose) -> dict[str, Any]:
    """Return the permit; of what shares nothing, how long it holds and no more."""
    provision: dict[str, Any] = {}
    if purpose.shares:
        provision["type"] = "permit"
    provision["period"] = {"start": moment(given.at)}
    if given.ends_at is not None:
        provision["period"]["end"] = moment(given.ends_at)
    if purpose.shares:
        if given.receiver:
            role = {"coding": [{"system": ROLES, "code": "IRCP"}]}
            provision["actor"] = [{"role": role, "reference": {"reference": given.receiver}}]
        provision["purpose"] = [{"system": REASONS, "code": purpose.code}]
    return provision


def read_given(resource: Mapping[str, Any], version: int) -> Given | None:
    """Read a Consent that this node wrote; None for any other."""
    parts = _parts(resource, GIVEN)
    purpose = _coded(resource)
    texts = _text_of(resource)
    if parts is None or not purpose or texts is None:
        return None
    confirmed = [
        Confirmed(inner["by"]["reference"], datetime.fromisoformat(inner["at"]))
        for inner in parts.get("confirmed", ())
    ]
    if not confirmed:
        return None
    end = resource.get("provision", {}).get("period", {}).get("end")
    back = _parts(resource, WITHDRAWN) or {}
    return Given(
        id=str(resource["id"]),
        version=version,
        person=resource["patient"]["reference"],
        purpose=purpose,
        receiver=_receiver(resource),
        status=str(resource["status"]),
        confirmed=confirmed,
        text=texts[0],
        digest=texts[2],
        language=texts[1],
        channel=str(parts.get("channel", "")),
        account=str(parts.get("account", "")),
        relation=str(parts.get("relation", "")),
        ends_at=datetime.fromisoformat(end) if end else None,
        original=resource.get("sourceReference", {}).get("reference", ""),
        withdrawn_at=datetime.fromisoformat(back["at"]) if "at" in back else None,
        withdrawn_by=str(back.get("by", "")),
        reason=str(back.get("reason", "")),
    )


def _parts(resource: Mapping[str, Any], url: str) -> dict[str, Any] | None:
    """Return the parts of an extension by name; of those with parts of their own, a list."""
    whole = next((one for one in resource.get("extension", ()) if one.get("url") == url), None)
    return None if whole is None else _read_parts(whole)


def _read_parts(whole: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in whole.get("extension", ()):
        if "extension" in part:
            found.setdefault(part["url"], []).append(_read_parts(part))
        else:
            found[part["url"]] = next(v for k, v in part.items() if k.startswith("value"))
    return found


def _coded(resource: Mapping[str, Any]) -> str:
    codes = [
        coding.get("code", "")
        for category in resource.get("category", ())
        for coding in category.get("coding", ())
        if coding.get("system") == SYSTEM
    ]
    return str(codes[0]) if codes else ""


def _receiver(resource: Mapping[str, Any]) -> str:
    actors = resource.get("provision", {}).get("actor") or [{}]
    return str(actors[0].get("reference", {}).get("reference", ""))


def _text_of(resource: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return version, language and digest of the text agreed to."""
    policies = resource.get("policy") or [{}]
    address, mark, digest = str(policies[0].get("uri", "")).partition("#sha256=")
    if not mark or not address.startswith(TEXTS):
        return None
    asked = dict(pair.partition("=")[::2] for pair in address.partition("?")[2].split("&"))
    return asked.get("version", ""), asked.get("language", ""), digest
