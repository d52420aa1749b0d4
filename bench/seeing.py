"""What each bound of an access costs: reads and searches under it, against one that has none.

    python -m bench.seeing URL DEFINITIONS [PEOPLE]

URL is an empty database, DEFINITIONS the compiled cache. Each of PEOPLE (2,000) has a visit
and eleven observations; fifty doctors treat them, one in fifty refused something, one
observation in ten is labelled. Prints one JSON line a figure: the median of 41, warm.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from bench.search import KEY, Silence, say
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.fhir.text import accept
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records import Access, Hasher, Records, SearchIndex, person_key, person_reference
from trucyte.records.access import Agreed, Grant, Labels, Related
from trucyte.records.persons.consents import consents
from trucyte.records.persons.memberships import memberships
from trucyte.records.persons.relations import relations

RUNS = 41
DOCTORS = 50
ORGANISATION = "Organization/a"
LOINC = "http://loinc.org"


def resources(people: int) -> Iterator[dict[str, Any]]:
    """Yield what everybody has."""
    for n in range(people):
        subject = {"reference": f"Patient/p{n}"}
        doctor = {"reference": f"Practitioner/d{n % DOCTORS}"}
        yield {"resourceType": "Patient", "id": f"p{n}", "name": [{"text": f"Người Thử {n}"}]}
        yield {"resourceType": "Encounter", "id": f"e{n}", "status": "in-progress",
               "class": {"code": "AMB"}, "subject": subject, "period": {"start": "2026-01-01"},
               "participant": [{"individual": doctor}]}  # fmt: skip
        for k in range(11):
            category = "vital-signs" if k % 2 else "laboratory"
            label = {"meta": {"security": [_HIV]}} if (n + k) % 10 == 0 else {}
            yield {"resourceType": "Observation", "id": f"o{n}-{k}", "status": "final", **label,
                   "category": [{"coding": [{"code": category}]}], "subject": subject,
                   "code": {"coding": [{"system": LOINC, "code": f"{8300 + k}-5"}]},
                   "effectiveDateTime": f"2026-03-{1 + k:02d}"}  # fmt: skip
        if n % 50 == 0:
            yield {"resourceType": "Consent", "id": f"c{n}", "status": "active",
                   "scope": {"coding": [_PRIVACY]}, "patient": subject, "provision": {
                       "type": "deny", "securityLabel": [_HIV]}}  # fmt: skip


_HIV = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
_PRIVACY = {
    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
    "code": "patient-privacy",
}


def accesses() -> Mapping[str, Access]:
    plain = Access("bench", "TREAT", sees_restricted=False, recorder=Silence())
    labels = {"labels": Labels.HIV | Labels.TB | Labels.MENTAL}
    bounds: dict[str, dict[str, Any]] = {
        "labels": labels,
        "all labels": {"sees_restricted": True},
        "organisation": {"sees_organisations": frozenset({ORGANISATION})},
        "persons": {"persons": frozenset({person_key(KEY, "Patient/p7")})},
        "grants": {"grants": (Grant(frozenset({"Observation", "Patient"}), frozenset("rs")),)},
        "narrowed": {"grants": (Grant(None, frozenset("rs"), (("category", "vital-signs"),)),)},
        "related": {"related": Related(("Practitioner/d7",))},
        "agreed": {"agreed": Agreed("TREAT", (ORGANISATION,), needs_permit=False)},
    }
    staff = {**labels, **bounds["organisation"], **bounds["related"], **bounds["agreed"]}
    made = {name: replace(plain, **bound) for name, bound in bounds.items()}
    return {"none": plain, **made, "staff": replace(plain, **staff)}


def deeds(records: Records) -> Mapping[str, Callable[[Access], Any]]:
    def search(*pairs: tuple[str, str], kind: str = "Observation") -> Callable[[Access], Any]:
        return lambda access: records.search(access, kind, pairs)

    mine, newest = ("patient", "Patient/p7"), ("_count", "50")
    return {
        "read": lambda access: records.read(access, "Observation", "o7-5"),
        "history of one": lambda access: records.history(access, "Observation", "o7-5"),
        "of a person": search(mine, newest),
        "of a person by date": search(mine, ("_sort", "-date"), newest),
        "a code, newest": search(("code", f"{LOINC}|8305-5"), newest),
        "newest": search(newest),
        "chain": search(("patient.name", "nguoi thu 7"), newest),
        "has": search(("_has:Observation:patient:code", "8305-5"), newest, kind="Patient"),
        "include": search(mine, ("_include", "Observation:patient")),
        "count of a person": search(mine, ("_summary", "count")),
        "count of a code": search(("code", f"{LOINC}|8305-5"), ("_summary", "count")),
        "newest versions": lambda access: records.history(access, "Observation", count=50),
    }


def measure(records: Records) -> None:
    under = accesses()
    for deed, do in deeds(records).items():
        medians: dict[str, float] = {}
        found: dict[str, int | None] = {}
        spent: dict[str, list[float]] = {name: [] for name in under}
        for _ in range(RUNS):  # in turns, so that a slow moment falls on all alike
            for name, access in under.items():
                begin = time.perf_counter()
                try:
                    told = do(access)
                except Exception as refusal:  # noqa: BLE001 - what an access may not read
                    found[name] = None
                    assert "Resource" in type(refusal).__name__
                else:
                    found[name] = len(getattr(told, "entries", (1,)))
                spent[name].append((time.perf_counter() - begin) * 1000)
        medians = {name: statistics.median(times) for name, times in spent.items()}
        for name, ms in medians.items():
            ratio = round(ms / medians["none"], 2)
            say(deed=deed, access=name, ms=round(ms, 2), times=ratio, shown=found[name])


def main() -> None:
    url, cache = sys.argv[1], Path(sys.argv[2])
    people = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    database = Database(url)
    migrate(database)
    index = SearchIndex(Extractor(Definitions.load(cache.read_bytes())), Hasher(KEY))
    with tempfile.TemporaryDirectory() as keys:
        clock = SystemClock()
        facts = relations(), memberships(), consents()
        keyring = Keyring.open(Path(keys) / "keys")
        journal = Journal(database, keyring, clock, [index, *facts])
        source = Behalf(database).standing("bench", ORGANISATION)
        batch: list[Change] = []
        for resource in resources(people):
            accepted = accept(orjson.dumps(resource))
            person = person_key(KEY, person_reference(resource) or "")
            kind, id_ = resource["resourceType"], resource["id"]
            batch.append(
                Change(kind, id_, Operation.UPDATE, accepted.body, accepted.meta_offset, person,
                       source=source, resource=resource)
            )  # fmt: skip
            if len(batch) == 1000:
                journal.commit(batch)
                batch = []
        journal.commit(batch)
        with database.connect(autocommit=True) as connection:
            connection.execute("vacuum analyze")
        measure(Records(database, journal, index, clock, KEY))
        journal.close()
    database.close()


if __name__ == "__main__":
    main()
