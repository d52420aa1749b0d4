"""Search parameters of users: taken into force with their line, walked, asked, and gone again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from tests.support.records import Node, change_of, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import read_tail
from trucyte.records.parameters.book import ParametersChanging, turn
from trucyte.records.parameters.plan import State, Vocabulary
from trucyte.records.parameters.progress import read_progress
from trucyte.records.parameters.walk import Walk

BASE = "https://example.org/fhir/SearchParameter/"
EYES = "https://example.org/fhir/StructureDefinition/eye-colour"


def parameter(code: str, expression: str, kind: str = "token", **more: object) -> dict:
    """Return a SearchParameter on Patient, unless `more` says else."""
    return {
        "resourceType": "SearchParameter",
        "id": code,
        "url": BASE + code,
        "name": code,
        "status": "active",
        "description": code,
        "code": code,
        "base": ["Patient"],
        "type": kind,
        "expression": expression,
    } | more


def patient(id_: str, colour: str | None = None, **more: object) -> dict:
    found: dict = {"resourceType": "Patient", "id": id_} | more
    if colour is not None:
        found["extension"] = [{"url": EYES, "valueCode": colour}]
    return found


EYE = parameter("eye", f"Patient.extension('{EYES}').value")
SEVEN = (
    EYE,
    parameter("town", "Patient.address.city", "string"),
    parameter("seen", "Patient.identifier.period", "date"),
    parameter("births", "Patient.multipleBirth", "number"),
    parameter("photo", "Patient.photo.url", "uri"),
    parameter("chief", "Patient.contact.organization", "reference", target=["Organization"]),
    parameter("dose", "Observation.value", "quantity", base=["Observation"]),
    parameter(
        "eye-and-sex", "Patient", "composite",
        component=[
            {"definition": BASE + "eye", "expression": f"extension('{EYES}').value"},
            {
                "definition": "http://hl7.org/fhir/SearchParameter/individual-gender",
                "expression": "gender",
            },
        ],
    ),
)  # fmt: skip


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def walked(node: Node) -> Walk:
    walk = Walk(node.database, node.journal, node.index, node.clock)
    assert walk.run(lambda done, total: True)
    return walk


def refused(node: Node, *resources: dict) -> str:
    with pytest.raises(Problem) as caught:
        node.put(*resources)
    return caught.value.code


def test_what_was_there_before_is_found_when_the_walk_is_done(node: Node) -> None:
    node.put(patient("a", "brown"), patient("b", "green"), patient("c"))
    node.put(EYE)
    with pytest.raises(Problem, match="being indexed"):
        node.search("Patient", ("eye", "brown"))
    walked(node)
    assert node.search("Patient", ("eye", "brown")) == ["a"]
    assert node.search("Patient", ("eye:missing", "true")) == ["c"]
    assert node.search("Patient", ("eye:not", "brown")) == ["c", "b"]


def test_what_comes_after_the_line_has_its_values_at_once(node: Node) -> None:
    node.put(EYE)
    node.put(patient("a", "brown"))
    walked(node)
    assert node.search("Patient", ("eye", "brown")) == ["a"]
    assert node.journal.compare() is None


def test_a_writer_that_has_not_heard_of_it_leaves_no_gap(
    node: Node, definitions: Definitions, tmp_path: Path, clock: FixedClock
) -> None:
    node.put(patient("a", "brown"))
    with open_node(node.database, tmp_path, clock, definitions) as other:
        other.put(patient("b", "brown"))
        node.put(EYE)
        walked(node)
        other.put(patient("c", "brown"))  # knows nothing before its own lock
        assert node.search("Patient", ("eye", "brown")) == ["c", "b", "a"]
    assert node.journal.compare() is None


def test_all_types_are_walked_and_a_replay_gives_the_same_rows(node: Node) -> None:
    node.put(
        patient(
            "a",
            "brown",
            gender="male",
            address=[{"city": "Huế"}],
            identifier=[{"value": "1", "period": {"start": "2020-01-01", "end": "2020-12-31"}}],
            multipleBirthInteger=2,
            photo=[{"url": "https://example.org/a"}],
            contact=[{"organization": {"reference": "Organization/o"}}],
        ),
        {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "code": {"text": "x"},
            "valueQuantity": {"value": 3, "unit": "mg"},
        },
    )
    for resource in SEVEN:
        node.put(resource)
    walked(node)
    for name, value in (
        ("eye", "brown"),
        ("town", "hue"),
        ("seen", "2020"),
        ("births", "2"),
        ("photo", "https://example.org/a"),
        ("chief", "Organization/o"),
        ("eye-and-sex", "brown$male"),
    ):
        assert node.search("Patient", (name, value)) == ["a"], name
    assert node.search("Observation", ("dose", "gt2")) == ["o"]
    assert node.journal.compare() is None
    assert node.journal.rebuild() > 0
    assert node.search("Patient", ("town", "hue")) == ["a"]


@pytest.mark.parametrize("ending", ["delete", "retire"])
def test_what_is_ended_is_unknown_at_once_and_leaves_the_rows(node: Node, ending: str) -> None:
    node.put(patient("a", "brown", address=[{"city": "Huế"}]))
    node.put(EYE, parameter("town", "Patient.address.city", "string"))
    walked(node)
    if ending == "delete":
        node.delete("SearchParameter", "eye")
        node.delete("SearchParameter", "town")
    else:
        node.put({**EYE, "status": "retired"})
        node.put(parameter("town", "Patient.address.city", "string", status="retired"))
    with pytest.raises(Problem, match="is not known"):
        node.search("Patient", ("eye", "brown"))
    walked(node)
    assert node.journal.compare() is None
    assert not node.index.book.plan.kept


def test_another_expression_is_another_walk(node: Node) -> None:
    node.put(patient("a", "brown", gender="male"))
    node.put(EYE)
    walked(node)
    node.put({**EYE, "expression": "Patient.gender"})
    with pytest.raises(Problem, match="being indexed"):
        node.search("Patient", ("eye", "male"))
    walked(node)
    assert node.search("Patient", ("eye", "male")) == ["a"]
    assert node.search("Patient", ("eye", "brown")) == []
    assert node.journal.compare() is None


def test_other_words_for_the_same_need_no_walk(node: Node) -> None:
    node.put(EYE)
    walked(node)
    node.put({**EYE, "description": "The colour of both eyes"})
    assert node.search("Patient", ("eye", "brown")) == []


def test_a_draft_is_kept_and_not_asked(node: Node) -> None:
    node.put({**EYE, "status": "draft", "expression": "§"})
    with pytest.raises(Problem, match="is not known"):
        node.search("Patient", ("eye", "brown"))


def test_what_describes_a_parameter_of_r4_changes_nothing(node: Node) -> None:
    url = "http://hl7.org/fhir/SearchParameter/Patient-active"
    own = parameter("active", "Patient.active")
    node.put({**own, "url": url}, {**own, "id": "narrow", "derivedFrom": url})
    assert not node.index.book.plan.kept


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (parameter("gender", "Patient.gender"), "search-parameter-taken"),
        (parameter("x", "Patient.nothing.at.all"), "search-parameter-expression"),
        (parameter("x", "Patient.gender", derivedFrom=BASE + "no"), "search-parameter-beyond"),
        (parameter("x", "Patient.gender", "special"), "search-parameter-beyond"),
        (parameter("x", "Patient.gender", modifier="exact"), "search-parameter-unreadable"),
        (parameter("x", "Patient.gender", base=["Nobody"]), "search-parameter-base"),
        (parameter("x y", "Patient.gender"), "search-parameter-unreadable"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    node: Node, resource: dict, code: str
) -> None:
    assert refused(node, resource) == code
    assert node.journal.tail() == 0


def test_two_of_one_code_collide_also_within_a_batch(node: Node) -> None:
    assert refused(node, EYE, {**EYE, "id": "other", "url": BASE + "other"}) == (
        "search-parameter-taken"
    )
    node.put(EYE)
    assert refused(node, {**EYE, "id": "other", "url": BASE + "other"}) == "search-parameter-taken"


def test_limits_of_its_author_hold(node: Node) -> None:
    limited = {
        **EYE,
        "modifier": ["missing"],
        "multipleOr": False,
        "multipleAnd": False,
    }
    node.put(limited, parameter("seen", "Patient.identifier.period", "date", comparator=["ge"]))
    walked(node)
    assert node.search("Patient", ("eye:missing", "true")) == []
    for pairs in (
        [("eye:not", "brown")],
        [("eye", "brown,green")],
        [("eye", "brown"), ("eye", "green")],
        [("seen", "lt2020")],
    ):
        with pytest.raises(Problem) as caught:
            node.search("Patient", *pairs)
        assert caught.value.code == "search-parameter-limits"


def test_a_stopped_walk_says_so_and_goes_on_when_resumed(node: Node) -> None:
    node.put(*[patient(f"p{n}", "brown") for n in range(120)])
    node.put(EYE)
    walk = Walk(node.database, node.journal, node.index, node.clock)
    turns = iter([True, False])
    assert not walk.run(lambda done, total: next(turns))
    with node.database.connection() as connection:
        rows = connection.execute("select walked, done from records.parameter").fetchall()
    assert 0 < rows[0][0] < 121
    assert 0 < rows[0][1] < 120
    walk.stop()
    with pytest.raises(Problem, match="was stopped"):
        node.search("Patient", ("eye", "brown"))
    assert walk.resume("eye")
    walked(node)
    assert len(node.search("Patient", ("eye", "brown"))) == 120
    assert node.index.book.plan.kept["eye"].state is State.READY


def test_rows_are_laid_under_the_lock_of_writers_alone(node: Node) -> None:
    node.put(patient("a", "brown"))
    node.put(EYE)
    with node.database.connection() as holder:
        read_tail(binary_cursor(holder), lock=True)
        thread = Thread(target=walked, args=(node,))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        row = holder.execute("select walked from records.parameter").fetchone()
    thread.join()
    assert row == (0,)
    assert node.search("Patient", ("eye", "brown")) == ["a"]


def test_two_composites_of_one_type_keep_their_places(node: Node) -> None:
    """Rows of a composite know its place among the composites, which another one moves."""
    definition = {"expression": "period", "definition": f"{BASE}seen"}
    use = {"expression": "use", "definition": f"{BASE}use"}
    node.put(
        patient("a", identifier=[{"use": "usual", "value": "1", "period": {"start": "2020-01-01"}}])
    )
    node.put(
        parameter("seen", "Patient.identifier.period", "date"),
        parameter("use", "Patient.identifier.use"),
    )
    for code in ("z-pair", "a-pair"):
        node.put(parameter(code, "Patient.identifier", "composite", component=[use, definition]))
        walked(node)
    assert node.journal.compare() is None
    for code in ("z-pair", "a-pair"):
        assert node.search("Patient", (code, "usual$ge2020")) == ["a"]


def test_a_walk_that_another_overtakes_goes_on_behind_it(node: Node) -> None:
    node.put(*[patient(f"p{n}", "brown") for n in range(120)])
    node.put(EYE)
    other = Walk(node.database, node.journal, node.index, node.clock)
    turns = iter([True, False])
    is_first = iter([True])

    def report(done: int, total: int) -> bool:
        if next(is_first, False):
            assert not other.run(lambda *_: next(turns))
        return True

    assert Walk(node.database, node.journal, node.index, node.clock).run(report)
    with node.database.connection() as connection:
        row = connection.execute("select done from records.parameter").fetchone()
    assert row == (120,)
    assert node.journal.compare() is None


def test_a_rebuild_brings_all_that_is_under_way_to_its_end(node: Node) -> None:
    node.put(patient("a", "brown"))
    node.put(EYE, parameter("town", "Patient.address.city", "string"))
    walked(node)
    node.delete("SearchParameter", "town")
    node.put({**EYE, "expression": "Patient.id"})
    node.journal.rebuild()
    assert node.search("Patient", ("eye", "a")) == ["a"]
    assert set(node.index.book.plan.kept) == {"eye"}
    assert node.journal.compare() is None


def test_a_replay_passes_over_what_was_looked_at(node: Node) -> None:
    node.put(EYE)
    node.put({**EYE, "expression": "Patient.gender"})
    walked(node)
    node.put(patient("a", gender="male"))
    node.journal.rebuild()
    assert node.search("Patient", ("eye", "male")) == ["a"]


def test_parameters_of_other_nodes_are_kept_alone(node: Node) -> None:
    node.journal.commit([replace(change_of(EYE), origin=3)])
    assert not node.index.book.plan.kept


def test_what_this_program_cannot_compile_is_shown_and_has_no_values(node: Node) -> None:
    node.put(EYE)
    walked(node)
    with node.database.connection() as connection:
        connection.execute(
            "update records.parameter set body = replace(body, 'Patient.ext', 'Patient.§')"
        )
        connection.execute("update records.plan set stamp = 5")
    with pytest.raises(Problem, match="is not known"):
        node.search("Patient", ("eye", "brown"))
    (one,) = read_progress(node.database, node.index.book)
    assert one.word == "broken"


def test_a_search_is_done_again_where_what_it_used_has_changed(node: Node) -> None:
    node.put(EYE)
    walked(node)
    book, stamps = node.index.book, []

    def answer(words: Vocabulary) -> int:
        words.check_ready("Patient", "eye")
        if len(stamps) < changes:
            with node.database.connection() as connection:
                turn(connection.cursor())
        stamps.append(words.plan.stamp)
        return len(stamps)

    changes = 1
    assert book.answered(node.database, answer) == 2
    assert len(set(stamps)) == 2
    stamps, changes = [], 100
    with pytest.raises(ParametersChanging):
        book.answered(node.database, answer)


def test_one_that_waits_for_others_joins_them_on_the_way(node: Node) -> None:
    node.put(*[patient(f"p{n}", "brown", gender="male") for n in range(120)])
    node.put(EYE)
    walk = Walk(node.database, node.journal, node.index, node.clock)
    turns = iter([True, False])
    walk.run(lambda *_: next(turns))
    node.put(parameter("sex", "Patient.gender"))
    walked(node)
    assert len(node.search("Patient", ("sex", "male"), ("eye", "brown"))) == 120
    with node.database.connection() as connection:
        rows = connection.execute("select id, done from records.parameter").fetchall()
    assert dict(rows) == {"eye": 120, "sex": 120}
