"""What asking who may sign costs a write: no act, someone known, and just after a revocation.

    python -m bench.registers [--rounds 2000] [--note TEXT]

The embedded database, fresh data, one thread; no HTTP.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.ingest import folder
from bench.record import record
from trucyte.base.problem import Problem
from trucyte.base.settings import load_settings
from trucyte.fhir.text import accept_own
from trucyte.journal.change import Change, Operation
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.registers.licence import NUMBERS, STATE
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
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
    record("registers", figures, arguments.note)


if __name__ == "__main__":
    main()
