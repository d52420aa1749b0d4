"""Chains, `_has` and filters give what a walk over parsed resources gives, whoever asks."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.search import links

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

Resources = dict[str, dict]  # by Type/id: those that may be seen
Test = Callable[[dict, Resources], bool]
Question = tuple[str, str, str, Test]  # type, name, value, what it means

CODES = ["a", "b", "c"]
FAMILIES = ["Đặng", "Lê", "Ngô"]
# How a resource of one type refers to others: parameter, element, types it may lead to.
REFERENCES = {
    "Observation": [
        ("subject", "subject", ["Patient", "Group"]),
        ("patient", "subject", ["Patient"]),
        ("encounter", "encounter", ["Encounter"]),
        ("has-member", "hasMember", ["Observation"]),
    ],
    "Encounter": [
        ("subject", "subject", ["Patient", "Group"]),
        ("patient", "subject", ["Patient"]),
        ("part-of", "partOf", ["Encounter"]),
        ("service-provider", "serviceProvider", ["Organization"]),
    ],
    "Patient": [("organization", "managingOrganization", ["Organization"])],
    "Organization": [("partof", "partOf", ["Organization"])],
    "Group": [("member", "member", ["Patient"])],
}


class World:
    """A small world of references, some into nothing, some in circles, some restricted."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick
        self.made: list[dict] = []
        for number in range(5):
            self.place(number)
        for number in range(14):
            self.person(number)
        for number in range(3):
            self.group(number)
        for number in range(16):
            self.encounter(number)
        for number in range(50):
            self.observation(number)
        pick.shuffle(self.made)

    def to(self, kind: str, most: int) -> dict:
        return {"reference": f"{kind}/{kind[0].lower()}{self.pick.randrange(most + 1)}"}

    def maybe(self, value: object) -> object:
        return value if self.pick.random() < 0.8 else None

    def who(self) -> dict:
        return self.to("Patient", 14) if self.pick.random() < 0.8 else self.to("Group", 3)

    def add(self, kind: str, number: int, elements: dict) -> None:
        one = {"resourceType": kind, "id": f"{kind[0].lower()}{number}"}
        one |= {key: value for key, value in elements.items() if value is not None}
        if self.pick.random() < 0.15:
            one["meta"] = RESTRICTED
        self.made.append(one)

    def place(self, number: int) -> None:
        name = f"Viện {self.pick.choice(CODES)}"
        above = self.maybe(self.to("Organization", 5))
        self.add("Organization", number, {"name": name, "partOf": above})

    def person(self, number: int) -> None:
        elements = {
            "name": [{"family": self.pick.choice(FAMILIES)}],
            "birthDate": self.maybe(f"19{self.pick.randrange(50, 53)}-01-01"),
            "managingOrganization": self.maybe(self.to("Organization", 5)),
        }
        self.add("Patient", number, elements)

    def group(self, number: int) -> None:
        members = [{"entity": self.to("Patient", 13)} for _ in range(self.pick.randrange(1, 4))]
        self.add("Group", number, {"type": "person", "actual": True, "member": members})

    def encounter(self, number: int) -> None:
        elements = {
            "status": self.pick.choice(["planned", "finished"]),
            "class": {"code": self.pick.choice(CODES)},
            "subject": self.maybe(self.who()),
            "partOf": self.maybe(self.to("Encounter", 16)),
            "serviceProvider": self.maybe(self.to("Organization", 5)),
        }
        self.add("Encounter", number, elements)

    def observation(self, number: int) -> None:
        elements = {
            "status": "final",
            "code": {"coding": [{"system": "urn:c", "code": self.pick.choice(CODES)}]},
            "subject": self.maybe(self.who()),
            "encounter": self.maybe(self.to("Encounter", 16)),
            "hasMember": [self.to("Observation", 50) for _ in range(self.pick.randrange(3))],
            "valueQuantity": self.maybe({"value": self.pick.randrange(4)}),
        }
        if not elements["hasMember"]:
            del elements["hasMember"]
        self.add("Observation", number, elements)


def referred(resource: dict, element: str) -> list[str]:
    held = resource.get(element, [])
    parts = held if isinstance(held, list) else [held]
    return [part.get("entity", part)["reference"] for part in parts]


def _code(resource: dict) -> str:
    return resource["code"]["coding"][0]["code"]


def leaves(type: str) -> st.SearchStrategy[Question]:
    """Questions of the resource itself."""
    ids = st.sampled_from([0, 1, 2, 9]).map(
        lambda n: (type, "_id", f"{type[0].lower()}{n}",
                   lambda r, _: r["id"] == f"{type[0].lower()}{n}")
    )  # fmt: skip
    named = st.sampled_from(["dang", "Đặng", "l", "vien a", "VIỆN"]).map(
        lambda text: (type, "name", text, lambda r, _: _is_named(r, text))
    )
    own = {
        "Observation": st.one_of(
            st.sampled_from(CODES).map(
                lambda c: (type, "code", c, lambda r, _: _code(r) == c)
            ),
            st.sampled_from(CODES).map(
                lambda c: (type, "code:not", c, lambda r, _: _code(r) != c)
            ),
            st.tuples(st.sampled_from(CODES), st.integers(0, 3)).map(
                lambda p: (type, "code-value-quantity", f"urn:c|{p[0]}$gt{p[1]}",
                           lambda r, _: _code(r) == p[0]
                           and r.get("valueQuantity", {"value": -1})["value"] > p[1])
            ),
            st.sampled_from(["true", "false"]).map(
                lambda wanted: (type, "encounter:missing", wanted,
                                lambda r, _: ("encounter" not in r) == (wanted == "true"))
            ),
        ),
        "Encounter": st.sampled_from(["planned", "finished", "planned,finished"]).map(
            lambda text: (type, "status", text, lambda r, _: r["status"] in text.split(","))
        ),
        "Patient": st.one_of(
            named,
            st.sampled_from(["1950", "1951", "1952"]).map(
                lambda y: (type, "birthdate", f"ge{y}",
                           lambda r, _: r.get("birthDate", "0") >= y)
            ),
        ),
        "Organization": named,
        "Group": ids,
    }  # fmt: skip
    return own[type] | ids


PLAIN = str.maketrans("đặệê", "daee")


def _is_named(resource: dict, text: str) -> bool:
    held = resource["name"]
    name = held if isinstance(held, str) else held[0]["family"]
    return name.lower().translate(PLAIN).startswith(text.lower().translate(PLAIN))


@st.composite
def questions(draw: st.DrawFn, type: str, depth: int = 3) -> Question:
    """A question of a type: of itself, through a reference, or of those that refer to it."""
    way = draw(st.sampled_from(["leaf", "chain", "has"])) if depth else "leaf"
    if way == "leaf":
        return draw(leaves(type))
    if way == "chain" and type in REFERENCES:
        code, element, targets = draw(st.sampled_from(REFERENCES[type]))
        target = draw(st.sampled_from(targets))
        _, name, value, meets = draw(questions(target, depth - 1))

        def leads(resource: dict, all: Resources) -> bool:
            return any(
                link.startswith(f"{target}/") and link in all and meets(all[link], all)
                for link in referred(resource, element)
            )

        return type, f"{code}:{target}.{name}", value, leads
    referring = [
        (other, code, element)
        for other, held in REFERENCES.items()
        for code, element, targets in held
        if type in targets
    ]
    other, code, element = draw(st.sampled_from(referring))
    _, name, value, meets = draw(questions(other, depth - 1))

    def is_referred(resource: dict, all: Resources) -> bool:
        own = f"{type}/{resource['id']}"
        return any(
            own in referred(one, element) and meets(one, all)
            for one in all.values()
            if one["resourceType"] == other
        )

    return type, f"_has:{other}:{code}:{name}", value, is_referred


@st.composite
def filters(draw: st.DrawFn, type: str, depth: int = 2) -> tuple[str, Test]:
    """A filter of a type, and what it means."""
    way = draw(st.sampled_from(["leaf", "and", "or", "not"])) if depth else "leaf"
    if way == "leaf":
        _, name, value, meets = draw(questions(type, 1))
        if name.endswith((":missing", ":not")) or "quantity" in name or "," in value:
            return "_id pr true", lambda r, _: True
        operator = "sw" if name.endswith("name") else "eq"
        if value.startswith("ge"):
            operator, value = "ge", value[2:]
        return f'{name} {operator} "{value}"', meets
    left, left_meets = draw(filters(type, depth - 1))
    if way == "not":
        return f"not ({left})", lambda r, all: not left_meets(r, all)
    right, right_meets = draw(filters(type, depth - 1))
    if way == "and":
        return (
            f"(({left}) and ({right}))",
            lambda r, all: left_meets(r, all) and right_meets(r, all),
        )
    return f"(({left}) or ({right}))", lambda r, all: left_meets(r, all) or right_meets(r, all)


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def check(node: Node, all: list[dict], type: str, asked: list[tuple[str, str, Test]]) -> None:
    pairs = [(name, value) for name, value, _ in asked]
    for access in (node.full, node.plain):
        seen = {
            f"{r['resourceType']}/{r['id']}": r
            for r in all
            if access.sees_restricted or "meta" not in r
        }
        expected = sorted(
            r["id"] for r in seen.values() if r["resourceType"] == type and all_hold(asked, r, seen)
        )
        assert sorted(node.search(type, ("_count", "7"), *pairs, access=access)) == expected, pairs
        assert node.total(type, *pairs, access=access) == len(expected), pairs


def all_hold(asked: list[tuple[str, str, Test]], resource: dict, seen: Resources) -> bool:
    return all(meets(resource, seen) for _, _, meets in asked)


# Both ways of a link: far ends named one by one, and joined.
@pytest.mark.parametrize("most", [None, 0, 3])
def test_links_give_what_a_walk_gives(
    node: Node, monkeypatch: pytest.MonkeyPatch, most: int | None
) -> None:
    if most is not None:
        for name in ("TARGETS_MAX", "PERSONS_MAX", "REFERRING_MAX"):
            monkeypatch.setattr(links, name, most)
    made = World(random.Random(11)).made  # noqa: S311 - repeatable, not secret
    node.put(*made)
    types = st.sampled_from(list(REFERENCES))

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(types.flatmap(lambda type: st.lists(questions(type), min_size=1, max_size=2)))
    def of_links(asked: list[Question]) -> None:
        check(node, made, asked[0][0], [question[1:] for question in asked])

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(types.flatmap(lambda type: st.tuples(st.just(type), filters(type))))
    def of_filters(asked: tuple[str, tuple[str, Test]]) -> None:
        type, (text, meets) = asked
        check(node, made, type, [("_filter", text, meets)])

    of_links()
    of_filters()
