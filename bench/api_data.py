"""Many thousand people for `bench.api`: Synthea's, copied under ids and names of their own.

Of each of the 57 people at most `RESOURCES_MAX` resources are taken, evenly from all the kinds
there are, so that 64,000 people fit this machine; the same cut is taken at every size. They go
in through the journal, indexed and proved like all that is accepted, but not validated.
"""

import json
import os
import re
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept, without_own_fields
from trucyte.intake.bulk.accept import without_looking_for_cycles
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.node.parts import make_parts
from trucyte.node.wiring import Node
from trucyte.records import Hasher, person_reference

RESOURCES_MAX = 40
BATCH = 1000
# Where copies differ: no JSON has these bytes.
_SUFFIX, _NUMBER = b"\x7fid\x7f", b"\x7fnumber\x7f"
_LINK = re.compile(rb"urn:uuid:([0-9a-f-]{36})")

Resource = dict[str, Any]


def suites() -> Path:
    """Return where the data of others lie."""
    return Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))


def transactions() -> Iterator[bytes]:
    """Yield Synthea's bundles as they are."""
    with tarfile.open(suites() / "synthea-bundles.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None and b'"transaction"' in (body := file.read()):
                yield body


def people() -> list[list[Resource]]:
    """Return the cut of each person, the Patient first; hospitals and practitioners whole."""
    whole = [[entry["resource"] for entry in json.loads(body)["entry"]] for body in transactions()]
    return [cut(resources) for resources in whole if _is_person(resources)]


def shared() -> list[Resource]:
    """Return the hospitals and practitioners, which all copies of the people share."""
    bodies = [json.loads(body)["entry"] for body in transactions()]
    found = [[entry["resource"] for entry in entries] for entries in bodies]
    return [one for resources in found if not _is_person(resources) for one in resources]


def _is_person(resources: Sequence[Resource]) -> bool:
    return any(one["resourceType"] == "Patient" for one in resources)


def cut(resources: Sequence[Resource]) -> list[Resource]:
    """Take the latest of each kind, then the latest of all, until there are enough."""
    latest = list(reversed(resources))
    first = {one["resourceType"]: one for one in resources}  # the last one said stays
    others = [one for one in latest if one is not first[one["resourceType"]]]
    chosen = [*first.values(), *others][:RESOURCES_MAX]
    return sorted(chosen, key=lambda one: one["resourceType"] != "Patient")


def template(resource: Resource, kinds: dict[str, str]) -> bytes:
    """Return a resource of which `copied` makes copies: marks stand where they differ."""
    own = resource | {"id": f"{resource['id'][:-5]}{_SUFFIX.decode()}"}
    if own["resourceType"] == "Patient":
        number = _NUMBER.decode()
        own["identifier"] = [
            one | {"value": f"{one['value']}-{number}"} for one in own["identifier"]
        ]
        own["name"] = [one | {"family": f"{one['family']}{number}"} for one in own["name"]]
    return _LINK.sub(partial(_relative, kinds, _SUFFIX), orjson.dumps(own))


def copied(templates: Iterable[bytes], copy: int) -> Iterator[bytes]:
    """Yield one person under ids, identifiers and a family name of the copy's own."""
    suffix, number = _suffix(copy), str(copy).encode()
    for made in templates:
        yield made.replace(_SUFFIX, suffix).replace(_NUMBER, number)


def linked(resource: Resource, copy: int, kinds: dict[str, str]) -> Resource:
    """Let the links of a resource lead into its copy; `kinds` are the types by id."""
    found: Resource = orjson.loads(
        _LINK.sub(partial(_relative, kinds, _suffix(copy)), orjson.dumps(resource))
    )
    return found


def kinds_of(resources: Iterable[Resource]) -> dict[str, str]:
    """Return the types by id."""
    return {one["id"]: one["resourceType"] for one in resources}


def _relative(kinds: dict[str, str], suffix: bytes, link: re.Match[bytes]) -> bytes:
    id = link[1]
    kind = kinds.get(id.decode(), "Encounter")  # of one that was cut away: it points to nobody
    is_shared = kind in ("Organization", "Practitioner")
    return b"%b/%b" % (kind.encode(), id if is_shared else id[:-5] + suffix)


def _suffix(copy: int) -> bytes:
    return b"%05x" % copy


def renamed(id: str, copy: int) -> str:
    """Return the id of a copy."""
    return f"{id[:-5]}{copy:05x}"


def load(node: Node, persons: int, processes: int = 3) -> tuple[int, float]:
    """Load so many people from several processes; return resources and seconds."""
    began = time.perf_counter()
    whole = people()
    copies = -(-persons // len(whole))
    parts = [range(number, copies, processes) for number in range(processes)]
    keys = node.settings.data / "keys"
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_load_part, node.database.url, keys, part) for part in parts]
        count = sum(task.result() for task in tasks)
    with node.database.connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return count, time.perf_counter() - began


def _load_part(url: str, keys: Path, copies: range) -> int:
    """Commit some of the copies, as a process of its own."""
    whole, others = people(), shared()
    kinds = kinds_of(chain(others, *whole))
    templates = [template(one, kinds) for person in whole for one in person]
    keyring = Keyring.open(keys)
    database = Database(url)
    hasher = Hasher(keyring.persons)
    journal = Journal(database, keyring, SystemClock(), make_parts(keyring).projections)
    without_looking_for_cycles()
    count = 0
    for copy in copies:
        found = list(copied(templates, copy))
        if copy == 0:
            found = [*(orjson.dumps(linked(one, 0, kinds)) for one in others), *found]
        for place in range(0, len(found), BATCH):
            journal.commit_many([[_change(one, hasher)] for one in found[place : place + BATCH]])
        count += len(found)
    journal.close()
    database.close()
    return count


def _change(body: bytes, hasher: Hasher) -> Change:
    resource = parse(body)
    accepted = accept(body, resource=resource)
    person = person_reference(resource)
    return Change(
        resource["resourceType"],
        resource["id"],
        Operation.CREATE,
        accepted.body,
        accepted.meta_offset,
        hasher.person(person) if person else 0,
        resource=without_own_fields(resource),
    )
