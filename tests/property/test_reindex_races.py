"""Writes by eight threads of two writers while rows are walked: nothing missing, nothing extra."""

import random
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.parameters.walk import Walk

COLOURS = ("brown", "green", "blue", None)
URL = "https://example.org/fhir/StructureDefinition/eye-colour"
BEFORE = 300
EACH = 40
# What is allowed beside R4's own: the eye as a token, the town as side rows of strings, and a
# pair of a token and a date, whose rows know their place among the pairs.
PARAMETERS = (
    ("eye", "token", f"Patient.extension('{URL}').value", {}),
    ("town", "string", "Patient.address.city", {}),
    ("born", "date", "Patient.identifier.period", {}),
)


def parameter(code: str, kind: str, expression: str, more: dict) -> dict:
    return {
        "resourceType": "SearchParameter",
        "id": code,
        "url": f"https://example.org/fhir/SearchParameter/{code}",
        "status": "active",
        "code": code,
        "base": ["Patient"],
        "type": kind,
        "expression": expression,
    } | more


def patient(id_: str, colour: str | None) -> dict:
    found: dict = {"resourceType": "Patient", "id": id_, "address": [{"city": f"Huế {id_}"}]}
    if colour is not None:
        found["extension"] = [{"url": URL, "valueCode": colour}]
        found["identifier"] = [
            {"value": id_, "period": {"start": "2001-02-03", "end": "2001-02-03"}}
        ]
    return found


@pytest.fixture
def nodes(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[tuple[Node, Node]]:
    with (
        open_node(database, tmp_path, clock, definitions) as one,
        open_node(database, tmp_path, clock, definitions) as other,
    ):
        yield one, other


def write(node: Node, thread: int, model: dict[str, str | None], failures: list[str]) -> None:
    """Create, change and delete people of this thread's own, and some that were there before."""
    dice = random.Random(thread)  # noqa: S311 - test data
    own = [f"t{thread}-{n}" for n in range(10)] + [f"p{n}" for n in range(thread, BEFORE, 8)]
    try:
        for _ in range(EACH):
            id_ = dice.choice(own)
            if id_ in model and dice.random() < 0.25:
                node.delete("Patient", id_)
                del model[id_]
            else:
                model[id_] = dice.choice(COLOURS)
                node.put(patient(id_, model[id_]))
    except Exception as error:  # noqa: BLE001 - a thread's defect must fail the test
        failures.append(repr(error))


@pytest.mark.parametrize("ends", [False, True])
def test_writes_amid_a_walk_leave_no_row_behind(nodes: tuple[Node, Node], ends: bool) -> None:
    node, other = nodes
    dice = random.Random(7)  # noqa: S311 - test data
    before = {f"p{n}": dice.choice(COLOURS) for n in range(BEFORE)}
    node.put(*[patient(id_, colour) for id_, colour in before.items()])
    models = [
        {id_: colour for id_, colour in before.items() if int(id_[1:]) % 8 == thread}
        for thread in range(8)
    ]
    failures: list[str] = []
    threads = [
        Thread(target=write, args=((node, other)[n % 2], n, models[n], failures)) for n in range(8)
    ]
    done = Event()

    def walking() -> None:
        walk = Walk(node.database, node.journal, node.index, node.clock)
        while not done.is_set():
            walk.run(lambda done, total: True)

    walker = Thread(target=walking)
    for thread in threads:
        thread.start()
    walker.start()
    for code, kind, expression, more in PARAMETERS:
        node.put(parameter(code, kind, expression, more))
    if ends:
        other.delete("SearchParameter", "town")
        node.put(parameter("eye", "token", "Patient.identifier.value", {}))
    for thread in threads:
        thread.join()
    done.set()
    walker.join()
    assert Walk(node.database, node.journal, node.index, node.clock).run(lambda *_: True)
    assert not failures
    model = {id_: colour for one in models for id_, colour in one.items()}
    _check_eyes(other, {} if ends else model)
    _check_others(node, model, ends=ends)
    assert node.journal.compare() is None


def _found(node: Node, name: str, value: str) -> set[str]:
    return set(node.search("Patient", (name, value), ("_count", "500")))


def _check_eyes(node: Node, model: dict[str, str | None]) -> None:
    for colour in ("brown", "green", "blue"):
        wanted = {id_ for id_, has in model.items() if has == colour}
        assert _found(node, "eye", colour) == wanted
        assert node.total("Patient", ("eye", colour)) == len(wanted)


def _check_others(node: Node, model: dict[str, str | None], *, ends: bool) -> None:
    dated = {id_ for id_, has in model.items() if has is not None}
    assert _found(node, "born", "2001-02-03") == dated
    assert node.total("Patient", ("born:missing", "false")) == len(dated)
    if ends:
        assert _found(node, "eye:missing", "false") == dated
    else:
        assert _found(node, "town", "hue") == set(model)
