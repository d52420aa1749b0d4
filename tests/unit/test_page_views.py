"""From FHIR to what a page shows: nothing invented, nothing that would mislead."""

from datetime import date
from decimal import Decimal

import pytest

from tests.support.web_records import CCCD, drug, encounter, extension, limits, result
from trucyte.web.reader import Shown
from trucyte.web.views import elements
from trucyte.web.views.medicines import medicines_of
from trucyte.web.views.person import person_line, visit_line
from trucyte.web.views.trend import trends_of
from trucyte.web.views.visit import (
    living,
    outcome_of,
    reports_of,
    result_of,
    vitals_of,
)

AT = "2026-11-22T08:00:00+07:00"


def shown(resource: dict, **more) -> Shown:
    facts = {"version": 1, "seq": 1, "accepted_at": None, "source": 0, "person": 1, **more}
    return Shown(resource["resourceType"], resource["id"], resource=resource, **facts)


def by_type(*resources: dict) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for resource in resources:
        found.setdefault(resource["resourceType"], []).append(resource)
    return found


def test_a_result_keeps_its_digits_and_is_judged_by_the_senders_limits_only() -> None:
    bare = result_of(result("o", "v", "Glucose", "7.80", "mmol/L", AT))
    assert (bare.value, bare.unit, bare.outside, bare.low) == ("7.80", "mmol/L", "", "")
    ranged = result("o", "v", "K", "3.1", "mmol/L", AT, referenceRange=limits("3.5", "5.1"))
    assert result_of(ranged).outside == "low"


@pytest.mark.parametrize("value", ["<0.5", "1:160", "(+)", "âm tính"])
def test_words_and_titres_are_never_out_of_range(value: str) -> None:
    told = result("o", "v", "HBsAg", "1", "", AT, referenceRange=limits("2", "3"))
    del told["valueQuantity"]
    assert result_of({**told, "valueString": value}).value == value
    assert result_of({**told, "valueString": value}).outside == ""


def test_a_comparator_is_shown() -> None:
    told = result("o", "v", "TSH", "0.01", "mIU/L", AT)
    told["valueQuantity"]["comparator"] = "<"
    assert result_of(told).value == "<0.01"


def test_what_was_ended_or_restricted_is_not_shown() -> None:
    wrong = {"resourceType": "Observation", "id": "x", "status": "entered-in-error"}
    closed = Shown("Observation", "y", 1, None, 1, None, 0, 1)
    fine = {"resourceType": "Observation", "id": "z", "status": "final"}
    assert living([shown(wrong), closed, shown(fine)]) == {"Observation": [fine]}


def test_results_outside_a_report_are_shown_too() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "code": {"text": "Sinh hóa"},
        "issued": AT,
        "result": [{"reference": "Observation/a"}],
        "text": {"div": "<div>Mẫu <b>đạt</b><br/>yêu cầu</div>"},
    }
    found = reports_of(
        by_type(
            report,
            result("a", "v", "Glucose", "5", "mmol/L", AT),
            result("b", "v", "Na", "140", "mmol/L", "2026-11-23T08:00:00+07:00"),
        )
    )
    assert [(one.name, [r.name for r in one.results]) for one in found] == [
        ("Sinh hóa", ["Glucose"]),
        ("", ["Na"]),
    ]
    assert found[0].description == "Mẫu đạt\nyêu cầu"


def test_vital_signs_are_a_table_by_time() -> None:
    def sign(id: str, code: str, value: str, at: str) -> dict:
        made = result(id, "v", "", value, "x", at, category="vital-signs")
        return {**made, "code": {"coding": [{"system": "http://loinc.org", "code": code}]}}

    pressure = sign("p", "85354-9", "1", AT)
    del pressure["valueQuantity"]
    pressure["component"] = [
        {"valueQuantity": {"value": Decimal(value), "unit": "mmHg"}} for value in ("120", "70")
    ]
    later = "2026-11-23T08:00:00+07:00"
    vitals = vitals_of(
        by_type(sign("w", "29463-7", "60", AT), sign("m", "8867-4", "75", later), pressure)
    )
    assert vitals and list(vitals.names) == ["Mạch", "Huyết áp", "Cân nặng"]
    assert [at for at, _ in vitals.rows] == [AT, later]
    assert vitals.rows[0][1]["Huyết áp"].value == "120/70"
    assert vitals_of({}) is None


def test_orders_that_repeat_are_one_medicine() -> None:
    one = drug("a", "v", "Thuốc A", "500mg", "1 viên", "Uống", "3.000")
    two = drug("b", "v", "Thuốc A", "500mg", "1 viên", "Uống", "2.000")
    other = drug("c", "v", "Thuốc A", "500mg", "2 viên", "Uống", "4")
    found = medicines_of(by_type(*one, *two, *other))
    assert [(m.dose, m.quantity, len(m.ordered)) for m in found] == [
        ("1 viên", "5.000", 2),
        ("2 viên", "4", 1),
    ]


def test_a_sum_is_never_made_of_parts_that_are_missing() -> None:
    one, two = (drug(id, "v", "A", "", "1", "", "3") for id in "ab")
    del two[1]["quantity"]
    two[1]["quantity"] = {"unit": "Viên"}
    found = medicines_of(by_type(*one, *two))
    assert {m.quantity for m in found} == {"3", ""}


def test_an_order_is_not_told_as_given() -> None:
    (found,) = medicines_of(by_type(drug("a", "v", "A", "", "1", "", "3")[0]))
    assert found.given == [] and found.handed == [] and found.quantity == ""


def test_going_home_to_die_is_not_death() -> None:
    told = {"extension": [extension("treatment-result", valueCoding={"code": "6"})]}
    assert outcome_of(told) == "tiên lượng nặng, xin về"
    assert outcome_of({}) == ""


def test_a_person_without_anything_still_has_a_line() -> None:
    line = person_line({"id": "x"}, date(2026, 11, 22))
    assert (line.name, line.sex, line.age, line.phone, list(line.numbers)) == ("", "", None, "", [])


def test_the_dead_do_not_grow_older() -> None:
    dead = {"id": "x", "birthDate": "1950-01-01", "deceasedDateTime": "2020-06-01T00:00:00+07:00"}
    line = person_line(dead, date(2026, 11, 22))
    assert line.age == 70 and line.is_deceased


def test_a_number_sent_twice_is_shown_once() -> None:
    twice = [{"system": CCCD, "value": "000085000001"}] * 2
    numbers = person_line({"id": "x", "identifier": twice}, date(2026, 1, 1)).numbers
    assert [(number.kind, number.value) for number in numbers] == [("personal", "000085000001")]


def test_an_emergency_is_known_by_class_or_priority() -> None:
    urgent = encounter("v", "p", AT, "", priority={"coding": [{"code": "EM"}]})
    assert visit_line(shown(urgent), ()).is_emergency
    assert visit_line(shown(encounter("v", "p", AT, "", kind="EMER")), ()).is_emergency
    assert not visit_line(shown(encounter("v", "p", AT, "")), ()).is_emergency


def test_a_masked_visit_carries_its_month_only() -> None:
    line = visit_line(Shown("Encounter", "v", 0, None, 0, None, 0, 0, "2026-05"), ())
    assert (line.is_restricted, line.start, line.year) == (True, "2026-05", "2026")
    assert (line.facility, line.diagnosis, line.kind, line.reason) == ("", "", "", "")


def test_a_trend_never_mixes_units() -> None:
    rows = [
        shown(result("a", "v", "Glucose", "5.6", "mmol/L", "2026-01-01")),
        shown(result("b", "v", "Glucose", "101", "mg/dL", "2026-02-01")),
        shown(result("c", "v", "Glucose", "5.9", "mmol/L", "2026-03-01")),
    ]
    trends = {(t.result.unit, tuple(t.course)) for t in trends_of(rows)}
    assert trends == {("mmol/L", (5.6, 5.9)), ("mg/dL", (101.0,))}


def test_a_narrative_becomes_text() -> None:
    div = "<div><p>Một &amp; hai</p><ul><li>ba</li></ul><script>x</script></div>"
    assert elements.narrative_text(div).splitlines() == ["Một & hai", "ba", "x"]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"display": "Khoa: Nội", "identifier": {"value": "79001:K01"}}, "Khoa: Nội"),
        ({"identifier": {"value": "79001:K01:H12"}}, "H12"),
        ({"reference": "Organization/x"}, ""),
        (None, ""),
    ],
)
def test_a_reference_is_called_by_what_people_know(reference, words: str) -> None:
    assert elements.reference_words(reference) == words
