"""The signed sheet of a consent on paper, kept as a DocumentReference of the person.

Only what a browser can show safely is taken, known by its first bytes, not by its name.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from trucyte.base.clock import Clock
from trucyte.base.new_ids import new_id
from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.consent import consent

SCAN_BYTES_MAX: Final = 5 << 20
_LOINC: Final = {"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}
_STARTS: Final = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}


class ScanUnreadable(Problem):
    """The scanned sheet must be a PDF, PNG or JPEG of at most {megabytes} MB."""

    kind = Kind.INVALID
    code = "consent-scan"


@dataclass(frozen=True, slots=True)
class Scan:
    """A scanned sheet."""

    content_type: str
    data: bytes


def scan_of(data: bytes) -> Scan:
    """Return the bytes as a scan; raises ScanUnreadable."""
    kind = next((kind for start, kind in _STARTS.items() if data.startswith(start)), "")
    if not kind or len(data) > SCAN_BYTES_MAX:
        raise ScanUnreadable(megabytes=SCAN_BYTES_MAX >> 20)
    return Scan(kind, data)


def document_of(scan: Scan, person: str, clock: Clock) -> dict[str, Any]:
    """Return the DocumentReference that keeps a scan."""
    now = consent.moment(clock.now())
    attachment = {
        "contentType": scan.content_type,
        "data": base64.b64encode(scan.data).decode(),
        "size": len(scan.data),
        "hash": base64.b64encode(hashlib.sha1(scan.data, usedforsecurity=False).digest()).decode(),
        "creation": now,
    }
    return {
        "resourceType": "DocumentReference",
        "id": new_id(clock),
        "status": "current",
        "type": {"coding": [_LOINC]},
        "subject": {"reference": person},
        "date": now,
        "content": [{"attachment": attachment}],
    }


def read_scan(document: dict[str, Any]) -> Scan:
    """Return the scan that a DocumentReference keeps; raises ScanUnreadable."""
    attachment = document["content"][0]["attachment"]
    return scan_of(base64.b64decode(attachment.get("data", "")))
