"""How long the mapping table takes: `python -m bench.mapping [VISITS]`.

Generated visits, one process, CPU time; JSON is written and read between the directions
but not counted.
"""

import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from bench.record import record
from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Visit
from trucyte.synth.run import Options, visits
from trucyte.vietnam.packaged_lists import PackagedLists

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
KEY = b"bench key of thirty-two bytes..."
VISITS = 300


def generated(count: int) -> list[Visit]:
    """Return visits of the synthetic country."""
    return list(visits(Options(visits=count, seed=7)))


def measured(step: Callable[[], object]) -> float:
    """Return the seconds of CPU one call takes."""
    begin = time.process_time()
    step()
    return time.process_time() - begin


def versions(people: Sequence[Draft]) -> dict[str, int]:
    return {f"{d.resource['resourceType']}/{d.resource['id']}": 1 for d in people}


def through_json(resource: Resource) -> Resource:
    read: Resource = _DECODER.decode(_ENCODER.encode(resource))
    return read


def main() -> None:
    sample = generated(int(sys.argv[1]) if len(sys.argv) > 1 else VISITS)
    mapping = TableMapping(KEY, PackagedLists())
    made: list[tuple[list[Draft], list[Draft]]] = []

    def forward() -> None:
        made.clear()
        for visit in sample:
            people = list(mapping.people(visit))
            made.append((people, list(mapping.rest(visit, versions(people)))))

    forward()
    spent = measured(forward)
    resources = sum(len(people) + len(rest) for people, rest in made)
    size = sum(len(_ENCODER.encode(d.resource)) for people, rest in made for d in (*people, *rest))
    kept = [
        (
            {f"{name}/_history/1": through_json(d.resource) for name, d in zip(
                versions(people), people, strict=True)},
            [through_json(d.resource) for d in rest],
        )
        for people, rest in made
    ]  # fmt: skip
    back = measured(lambda: [mapping.claim(rest, pins.__getitem__) for pins, rest in kept])
    record(
        "mapping",
        {
            "XML to FHIR": (spent / resources * 1e6, "µs CPU/resource"),
            "FHIR to XML": (back / resources * 1e6, "µs CPU/resource"),
            "resources": (resources / len(sample), "per visit"),
            "JSON": (size / resources, "bytes/resource"),
        },
        note=f"{len(sample)} generated visits, one process",
    )


if __name__ == "__main__":
    main()
