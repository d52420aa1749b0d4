"""Time operations of the API within one process: microseconds of one call, one core.

No server and no sockets: the call through routing to the bytes of the answer. Give a
PostgreSQL of your own as TRUCYTE_DATABASE_URL and a scratch folder as TRUCYTE_DATA.
"""

import json
import os
import time
from typing import Any

from tests.support.asgi import ask
from tests.support.record import record
from trucyte.base.settings import load_settings
from trucyte.node.serve import make_site
from trucyte.node.wiring import open_node

GENDER = "http%3A%2F%2Fhl7.org%2Ffhir%2Fadministrative-gender"
FHIR = {"content-type": "application/fhir+json"}
CALLS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("metadata", "GET", "metadata", None),
    ("lookup", "GET", f"CodeSystem/$lookup?system={GENDER}&code=male", None),
    ("expand", "GET", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender",
     None),
    ("validate", "POST", "Patient/$validate", {"resourceType": "Patient", "birthDate": "1990"}),
    ("summary", "GET", "Patient/p1/$summary", None),
    ("graphql", "GET", "$graphql?query=%7BPatient(id:p1)%7BbirthDate%7D%7D", None),
    ("read", "GET", "Patient/p1", None),
]  # fmt: skip


def main() -> None:
    """Print a line a call."""
    with open_node(load_settings(os.environ)) as node:
        site = make_site(node)
        for resource in record():
            place = f"{resource['resourceType']}/{resource['id']}"
            body = json.dumps(resource).encode()
            ask(site, "PUT", f"/fhir/{place}", body=body, headers=FHIR)
        for name, method, target, resource in CALLS:
            body = b"" if resource is None else json.dumps(resource).encode()
            times = []
            for _ in range(60):
                start = time.perf_counter()
                reply = ask(site, method, f"/fhir/{target}", body=body, headers=FHIR)
                times.append(time.perf_counter() - start)
                assert reply.status == 200, (name, reply.body)
            times = sorted(times[10:])
            print(f"{name:<12} p50 {times[25] * 1e6:>9,.0f} µs   max {times[-1] * 1e6:>9,.0f} µs")


if __name__ == "__main__":
    main()
