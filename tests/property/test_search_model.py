"""Search gives what a plain filter over parsed resources gives, whatever is asked."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

SYSTEMS = ["http://loinc.org", "urn:local", None]
CODES = ["a", "b", "c"]
UNITS = ["mg", "cm"]
DISPLAYS = ["Đường huyết", "Chiều cao", "Cân nặng"]
DATES = ["2023", "2024", "2024-02", "2024-02-29", "2024-03-01", "2024-02-29T08:00:00+07:00",
         "2024-02-29T01:00:00Z", "2024-02-28T23:59:59.5Z", "2024-01-01T00:00:00+07:00"]  # fmt: skip
FAMILIES = ["Nguyễn", "Ngô", "Đặng", "Lê"]
GIVENS = ["Đào", "Dao", "Ánh", "Anh", "Văn Anh"]
NUMBERS = ["5", "5.0", "5.4", "5.40", "5.44", "5.45", "5.5", "6", "100", "-3"]
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]
VIETNAM = timezone(timedelta(hours=7))
ASCII = str.maketrans("đĐáàảãạăắằẳẵặâấầẩẫậéêếễệíôốồơờưựúýĂÂÊÔƠƯ",
                      "dDaaaaaaaaaaaaaaaaaeeeeeiooooouuuyAAEOOU")  # fmt: skip


def concept(pick: random.Random) -> dict:
    coding = {"code": pick.choice(CODES), "display": pick.choice(DISPLAYS)}
    system = pick.choice(SYSTEMS)
    return {"coding": [coding | ({"system": system} if system else {})]}


def quantity(pick: random.Random) -> dict:
    return {
        "value": float(pick.choice(NUMBERS)),
        "unit": pick.choice(UNITS),
        "system": "http://unitsofmeasure.org",
        "code": pick.choice(UNITS),
    }


def observation(pick: random.Random, number: int) -> dict:
    made = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": pick.choice(["final", "amended"]),
        "code": concept(pick),
        "category": [concept(pick) for _ in range(pick.randrange(3))],
    }
    if pick.random() < 0.8:
        made["subject"] = {"reference": f"{pick.choice(['Patient', 'Group'])}/{pick.randrange(4)}"}
    if pick.random() < 0.5:
        made["effectiveDateTime"] = pick.choice(DATES)
    elif pick.random() < 0.7:
        ends = sorted(pick.sample(["2023", "2024-02-29", "2025"], 2))
        period = dict(zip(("start", "end"), ends, strict=True))
        if pick.random() < 0.4:
            period.pop(pick.choice(("start", "end")))
        made["effectivePeriod"] = period
    if pick.random() < 0.5:
        made["valueQuantity"] = quantity(pick)
    elif pick.random() < 0.5:
        made["valueString"] = pick.choice(DISPLAYS)
    if pick.random() < 0.4:
        made["component"] = [
            {"code": concept(pick), "valueQuantity": quantity(pick)}
            for _ in range(pick.randrange(1, 3))
        ]
    return made


def patient(pick: random.Random, number: int) -> dict:
    made = {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"family": pick.choice(FAMILIES), "given": [pick.choice(GIVENS)]}],
        "identifier": [{"system": pick.choice(["urn:a", "urn:b"]), "value": pick.choice("123")}],
    }
    if pick.random() < 0.7:
        made["birthDate"] = pick.choice(["1950", "1950-06", "1950-06-01", "1949-12-31"])
    return made


# The filter: written from the specification's words, without the index's helpers.


def instant(text: str) -> tuple[datetime, datetime]:
    if len(text) == 4:
        return (datetime(int(text), 1, 1, tzinfo=VIETNAM),
                datetime(int(text) + 1, 1, 1, tzinfo=VIETNAM))  # fmt: skip
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        following = (year + month // 12, month % 12 + 1)
        return (datetime(year, month, 1, tzinfo=VIETNAM),
                datetime(*following, 1, tzinfo=VIETNAM))  # fmt: skip
    if len(text) == 10:
        start = datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
        return start, start + timedelta(days=1)
    start = datetime.fromisoformat(text.replace("Z", "+00:00"))
    step = timedelta(milliseconds=100) if "." in text else timedelta(seconds=1)
    return start, start + step


FIRST = datetime(1, 1, 2, tzinfo=VIETNAM)
LAST = datetime(9999, 12, 30, tzinfo=VIETNAM)


def span(resource: dict) -> tuple[datetime, datetime] | None:
    if "effectiveDateTime" in resource:
        return instant(resource["effectiveDateTime"])
    if "birthDate" in resource:
        return instant(resource["birthDate"])
    period = resource.get("effectivePeriod")
    if period is None:
        return None
    return (
        instant(period["start"])[0] if "start" in period else FIRST,
        instant(period["end"])[1] if "end" in period else LAST,
    )


def date_is(held: tuple[datetime, datetime] | None, prefix: str, text: str) -> bool:
    if held is None:
        return False
    (start, end), (low, high) = held, instant(text)
    inside = low <= start and end <= high
    return {
        "": inside, "eq": inside, "ne": not inside,
        "gt": end > high, "ge": end > high or inside,
        "lt": start < low, "le": start < low or inside,
        "sa": start >= high, "eb": end <= low,
    }[prefix]  # fmt: skip


def number_is(held: float, prefix: str, text: str) -> bool:
    value, number = Decimal(str(held)), Decimal(text)
    places = len(text.partition(".")[2])
    half = Decimal("0.5") / 10**places
    equal = number - half <= value < number + half
    return {
        "": equal, "eq": equal, "ne": not equal, "gt": value > number, "ge": value >= number,
        "lt": value < number, "le": value <= number, "sa": value > number, "eb": value < number,
    }[prefix]  # fmt: skip


def coded(concepts: list[dict], text: str) -> bool:
    codings = [coding for one in concepts for coding in one["coding"]]
    system, bar, code = text.rpartition("|")
    return any(
        (not bar and coding["code"] == code)
        or (bar and not system and "system" not in coding and coding["code"] == code)
        or (bar and system and coding.get("system") == system and code in ("", coding["code"]))
        for coding in codings
    )


def bare(text: str) -> str:
    return text.lower().translate(ASCII)


def measured(value: dict | None, prefix: str, number: str, unit: str) -> bool:
    if value is None or not number_is(value["value"], prefix, number):
        return False
    return not unit or unit in (value["code"], value["unit"])


Test = Callable[[dict], bool]
Question = tuple[str, str, Test]  # name, value, what it means

token_text = st.builds(
    lambda system, code: code if system == "any" else f"{system or ''}|{code}",
    st.sampled_from(["any", *SYSTEMS]),
    st.sampled_from(CODES),
) | st.sampled_from(["http://loinc.org|", "urn:local|"])


def _codes(name: str, concepts: Callable[[dict], list[dict]]) -> st.SearchStrategy[Question]:
    plain = st.lists(token_text, min_size=1, max_size=2).map(
        lambda texts: (
            name, ",".join(texts), lambda r: any(coded(concepts(r), text) for text in texts)
        )
    )  # fmt: skip
    negative = token_text.map(
        lambda text: (f"{name}:not", text, lambda r: not coded(concepts(r), text))
    )
    worded = st.sampled_from(["duong", "Chiều", "ĐƯỜNG H", "nang"]).map(
        lambda text: (
            f"{name}:text", text,
            lambda r: any(bare(c["coding"][0]["display"]).startswith(bare(text))
                          for c in concepts(r)),
        )
    )  # fmt: skip
    return plain | negative | worded


def _date(prefix: str, text: str) -> Question:
    return "date", prefix + text, lambda r: date_is(span(r), prefix, text)


def _quantity(prefix: str, number: str, unit: str) -> Question:
    value = f"{prefix}{number}" + (f"||{unit}" if unit else "")
    return (
        "value-quantity", value,
        lambda r: measured(r.get("valueQuantity"), prefix, number, unit),
    )  # fmt: skip


def _pair(name: str, code: str, prefix: str, number: str) -> Question:
    def meets(resource: dict) -> bool:
        elements = list(resource.get("component", [])) if name != "code" else []
        elements += [resource] if name != "component-code" else []
        return any(
            coded([e["code"]], code) and measured(e.get("valueQuantity"), prefix, number, "")
            for e in elements
        )

    return f"{name}-value-quantity", f"{code}${prefix}{number}", meets


def _missing(name: str, key: str, wanted: bool) -> Question:
    def is_there(resource: dict) -> bool:
        if name == "patient":
            return resource.get("subject", {}).get("reference", "").startswith("Patient/")
        return any(k.startswith(key) and resource[k] for k in resource)

    return f"{name}:missing", str(wanted).lower(), lambda r: is_there(r) != wanted


def _subject(name: str, text: str) -> Question:
    def meets(resource: dict) -> bool:
        held = resource.get("subject", {}).get("reference", "")
        if "/" in text:
            return held == text
        if name == "subject":
            return held.endswith(f"/{text}")
        kind = name.partition(":")[2] or "Patient"
        return held == f"{kind}/{text}"

    return name, text, meets


observation_question = st.one_of(
    _codes("code", lambda r: [r["code"]]),
    _codes("category", lambda r: r["category"]),
    _codes("combo-code", lambda r: [r["code"], *(c["code"] for c in r.get("component", []))]),
    st.sampled_from(["final", "amended", "final,amended", "x"]).map(
        lambda text: ("status", text, lambda r: r["status"] in text.split(","))
    ),
    st.builds(_date, st.sampled_from(PREFIXES), st.sampled_from(DATES)),
    st.builds(
        _quantity,
        st.sampled_from(PREFIXES),
        st.sampled_from(NUMBERS),
        st.sampled_from(["", *UNITS]),
    ),
    st.builds(
        _pair,
        st.sampled_from(["code", "component-code", "combo-code"]),
        st.sampled_from(["a", "http://loinc.org|b", "|c"]),
        st.sampled_from(PREFIXES),
        st.sampled_from(NUMBERS),
    ),
    st.builds(
        lambda pair, wanted: _missing(*pair, wanted),
        st.sampled_from([("date", "effective"), ("category", "category"), ("patient", ""),
                         ("subject", "subject"), ("value-string", "valueString")]),
        st.booleans(),
    ),
    st.builds(
        _subject,
        st.sampled_from(["subject", "patient", "subject:Group", "patient:Patient"]),
        st.sampled_from(["0", "1", "9"]),
    ),
    st.sampled_from(["Patient/0", "Group/1"]).map(lambda text: _subject("subject", text)),
    st.sampled_from(["o1", "o1,o2", "none"]).map(
        lambda text: ("_id", text, lambda r: r["id"] in text.split(","))
    ),
)  # fmt: skip


def _named(modifier: str, text: str) -> Question:
    def meets(resource: dict) -> bool:
        name = resource["name"][0]
        parts = [name["family"], *name["given"], f"{name['family']} {name['given'][0]}"]
        if modifier == ":exact":
            return text in parts
        if modifier == ":contains":
            return any(bare(text) in bare(part) for part in parts)
        return any(bare(part).startswith(bare(text)) for part in parts)

    return f"name{modifier}", text, meets


def _identified(text: str) -> Question:
    def meets(resource: dict) -> bool:
        held = resource["identifier"][0]
        system, bar, value = text.rpartition("|")
        return value in ("", held["value"]) and (not bar or system == held["system"])

    return "identifier", text, meets


patient_question = st.one_of(
    st.builds(
        _named,
        st.sampled_from(["", ":exact", ":contains"]),
        st.sampled_from(["Đào", "dao", "Dao", "ng", "Nguyễn Ánh", "anh", "Văn Anh", "ê", "%", "_"]),
    ),
    st.sampled_from(["1", "urn:a|1", "urn:b|", "|1", "urn:a|3"]).map(_identified),
    st.builds(_date, st.sampled_from(PREFIXES), st.sampled_from(["1950", "1950-06", "1949"])).map(
        lambda question: ("birthdate", *question[1:])
    ),
)


def check(node: Node, resources: list[dict], type: str, questions: list[Question]) -> None:
    pairs = [(name, value) for name, value, _ in questions]
    expected = sorted(r["id"] for r in resources if all(meets(r) for _, _, meets in questions))
    assert sorted(node.search(type, ("_count", "7"), *pairs)) == expected, pairs
    assert node.total(type, *pairs) == len(expected), pairs


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def test_search_gives_what_a_filter_gives(node: Node) -> None:
    pick = random.Random(5)  # noqa: S311 - repeatable, not secret
    observations = [observation(pick, number) for number in range(80)]
    patients = [patient(pick, number) for number in range(40)]
    node.put(*observations, *patients)

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(observation_question, max_size=3))
    def of_observations(questions: list[Question]) -> None:
        check(node, observations, "Observation", questions)

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(patient_question, max_size=2))
    def of_patients(questions: list[Question]) -> None:
        check(node, patients, "Patient", questions)

    of_observations()
    of_patients()
