"""What asking who may sign costs a write: no act, someone known, and just after a revocation.

And what it costs a transaction of many acts, beside the same one in a node without registers.

    python -m bench.registers [--rounds 2000] [--note TEXT]

The embedded database, fresh data, one thread; no HTTP.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from bench.ingest import folder
from bench.record import record
from trucyte.base.hashing import opaque_id
from trucyte.base.problem import Problem
from trucyte.base.settings import load_settings
from trucyte.fhir.text import accept_own
from trucyte.intake.interactions.values import Reads
from trucyte.journal.change import Change, Operation
from trucyte.node.parts import make_interactions
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.registers.licence import NUMBERS, STATE
from trucyte.shared.identity.registers.many import Many
from trucyte.shared.identity.registers.reader import lines_of_node
from trucyte.shared.identity.registers.signing import Signing

RESULT: Mapping[str, Any] = {"resourceType": "Observation", "status": "final"}
PRESCRIPTION: Mapping[str, Any] = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "requester": {"reference": "Practitioner/dr"},
    "authoredOn": "2026-11-22",
}


def put(node: Node, *, revoked: bool) -> None:
    """Accept the practitioner, with the licence in force or revoked."""
    period = {"start": "2024-01-01"}
    parts = [{"url": "state", "valueCode": "revoked"}, {"url": "period", "valuePeriod": period}]
    licence: dict[str, Any] = {
        "identifier": [{"system": NUMBERS, "value": "000001/MAU-GPHN"}],
        "code": {"text": "Bác sĩ"},
        "period": {"start": "2020-01-01"},
    }
    if revoked:
        licence["extension"] = [{"url": STATE, "extension": parts}]
    resource = {"resourceType": "Practitioner", "id": "dr", "qualification": [licence]}
    accepted = accept_own(resource)
    change = Change("Practitioner", "dr", Operation.UPDATE, accepted.body, accepted.meta_offset, 1)
    node.journal.commit([change])


def each(work: Callable[[], object], rounds: int) -> tuple[float, str]:
    """Return the microseconds of one call."""
    work()
    began = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - began) / rounds * 1e6, "µs"


def after_revocations(node: Node, signing: Signing, rounds: int) -> tuple[float, str]:
    """Return what the first question after a register's line costs; it must know of it."""
    spent = 0.0
    for number in range(rounds):
        put(node, revoked=number % 2 == 1)
        began = time.perf_counter()
        try:
            signing.check(PRESCRIPTION, None)
            is_refused = False
        except Problem:
            is_refused = True
        spent += time.perf_counter() - began
        assert is_refused == (number % 2 == 1)
    return spent / rounds * 1e6, "µs"


def transaction(acts: int, signers: int, *, are_new: bool) -> bytes:
    """Return a transaction of prescriptions; who signs is here, or comes along."""
    names = [
        f"urn:uuid:0d5f2a3e-0000-4000-8000-{number:012}" if are_new else "Practitioner/dr"
        for number in range(signers)
    ]
    people: list[dict[str, Any]] = [
        {
            "fullUrl": name,
            "resource": {"resourceType": "Practitioner", "active": True},
            "request": {"method": "POST", "url": "Practitioner"},
        }
        for name in names
        if are_new
    ]
    signed = [
        {
            "resource": {
                **PRESCRIPTION,
                "medicationCodeableConcept": {"text": "Paracetamol 500 mg"},
                "subject": {"display": "Người bệnh mẫu"},
                "requester": {"reference": names[number % signers]},
                "authoredOn": f"2026-11-{1 + number % 22:02}",
            },
            "request": {"method": "POST", "url": "MedicationRequest"},
        }
        for number in range(acts)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [*people, *signed]}
    return json.dumps(bundle).encode()


def many_acts(node: Node, acts: int) -> dict[str, tuple[float, str]]:
    """Return the seconds of transactions, the better of two, with registers and without."""
    without = make_interactions(
        node.parts, node.keyring, node.journal, node.records, node.clock, None
    )
    access, reads = system_access("bench"), cast(Reads, None)  # nothing is read in them
    found: dict[str, tuple[float, str]] = {}
    for who, are_new in (("of one known", False), ("of 50 new", True)):
        body = transaction(acts, 50, are_new=are_new)
        for name, side in (("without registers", without), ("asked", node.interactions)):
            seconds = min(_seconds(partial(side.bundle, access, body, reads)) for _ in range(2))
            found[f"{acts:,} acts {who}, {name}"] = seconds, "s"
    return found


def looked_up(node: Node) -> dict[str, tuple[float, str]]:
    """Return what a batch of a file costs that names 100 people, known or not."""
    numbers = [f"{number:06}/MAU-CCHN" for number in range(100)]
    for number in numbers[::2]:
        licence = {"identifier": [{"system": NUMBERS, "value": number}]}
        id_ = opaque_id(node.keyring.ids, "Practitioner", number)
        person = {"resourceType": "Practitioner", "id": id_, "qualification": [licence]}
        person["identifier"] = licence["identifier"]
        accepted = accept_own(person)
        change = Change(
            "Practitioner", id_, Operation.UPDATE, accepted.body, accepted.meta_offset, 1
        )
        node.journal.commit([change])
    many = Many(node.records, system_access("bench"), partial(lines_of_node, node.database))
    keys = [("", (NUMBERS, number)) for number in numbers]
    assert len(many.facts(keys)) == len(numbers) / 2
    once = min(_seconds(partial(many.facts, keys)) for _ in range(5))
    return {"100 numbers of a file looked up": (once * 1000, "ms")}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--acts", type=int, default=5000)
    parser.add_argument("--note", default="")
    arguments = parser.parse_args()
    with folder(None) as place:
        environment = {**os.environ, "TRUCYTE_DATA": str(place / "var")}
        environment["TRUCYTE_SYSTEM_FOLDER"] = str(place / "system")
        environment.pop("TRUCYTE_DATABASE_URL", None)
        with open_node(load_settings(environment)) as node:
            signing = Signing(node.registers, system_access("bench"), node.clock)
            put(node, revoked=False)
            rounds = arguments.rounds
            figures = {
                "no act": each(lambda: signing.check(RESULT, None), rounds),
                "prescription": each(lambda: signing.check(PRESCRIPTION, None), rounds),
                "after a revocation": after_revocations(node, signing, rounds // 20),
            }
            put(node, revoked=False)
            figures |= looked_up(node)
            figures |= many_acts(node, arguments.acts)
    record("registers", figures, arguments.note)


if __name__ == "__main__":
    main()
