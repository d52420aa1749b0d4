"""A rule is a row with a life.

It says which decision asks for it, at which destination, between which dates (compared
with the end of the visit, NGAY_RA), on what evidence, and which code list it needs. The
wording that people read stands in the row too. A rule resting on recalled or inferred
evidence never rises above *information*; history is never refused for any of them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as with_default
from datetime import date
from enum import Enum
from typing import Any

from trucyte.fhir.issue import Severity


class Destination(Enum):
    """Who a rule is asked by."""

    GATEWAY = "gateway"  # the insurer's reception gateway (cổng tiếp nhận)
    ADJUDICATION = "adjudication"  # the insurer's adjudication (giám định)
    PRECHECK = "precheck"  # what a careful hospital checks before it sends (tiền kiểm)
    HEALTH_BOOK = "health_book"  # the electronic health book on VNeID
    PROVINCE = "province"


class Evidence(Enum):
    """What a rule rests on."""

    OFFICIAL = "official"
    WORKING_SYSTEM = "working_system"
    INFERRED = "inferred"
    RECALLED = "recalled"


SOFT = frozenset({Evidence.INFERRED, Evidence.RECALLED})


class Era(Enum):
    """Which family of tables a rule reads."""

    OLD = "old"  # 917 and 4210: five tables under their own field names
    NEW = "new"  # 130, 4750, 3176, 1931


@dataclass(frozen=True, slots=True)
class Words:
    """What is wrong and how to mend it, in one language; `{…}` filled from the facts."""

    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rule table."""

    number: str
    table: str
    field: str
    check: str  # the name of a check function
    options: Mapping[str, Any]
    severity: Severity
    destination: Destination
    evidence: Evidence
    legal: str
    era: Era
    valid_from: date | None
    valid_to: date | None
    needs_list: str
    words: Mapping[str, Words] = with_default(repr=False)

    def is_in_force(self, on: date) -> bool:
        """Say whether a visit that ended `on` that day falls under this rule."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


def capped(severity: Severity, evidence: Evidence) -> Severity:
    """Return the severity that the evidence can carry."""
    return Severity.INFORMATION if evidence in SOFT else severity


_OWN = frozenset({"number", "table", "field", "check", "severity", "destination", "evidence"}) | {
    "legal",
    "era",
    "from",
    "to",
    "list",
    "vi",
    "vi_mend",
    "en",
    "en_mend",
}


def read_rules(text: str) -> Iterator[Rule]:
    """Yield the rules of one TOML file: `[defaults]` and `[[rule]]` rows.

    Every key of a row that is not the rule's own is an option of its check.
    """
    document = tomllib.loads(text)
    for row in document["rule"]:
        merged = {**document.get("defaults", {}), **row}
        evidence = Evidence(merged["evidence"])
        yield Rule(
            number=merged["number"],
            table=merged.get("table", ""),
            field=merged.get("field", ""),
            check=merged["check"],
            options={key: value for key, value in merged.items() if key not in _OWN},
            severity=capped(Severity(merged["severity"]), evidence),
            destination=Destination(merged["destination"]),
            evidence=evidence,
            legal=merged["legal"],
            era=Era(merged["era"]),
            valid_from=merged.get("from"),
            valid_to=merged.get("to"),
            needs_list=merged.get("list", ""),
            words={
                "vi": Words(merged["vi"], merged["vi_mend"]),
                "en": Words(merged["en"], merged["en_mend"]),
            },
        )
