"""What expressions give: a table for each chapter of the specification."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.support.fhirpath import PATIENT, quantity, results
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.problems import (
    PathEvaluation,
    PathMeaning,
    PathProblem,
    PathSyntax,
    PathTooCostly,
)


@pytest.fixture(scope="module")
def paths(definitions: Definitions) -> Paths:
    return Paths(definitions)


D = Decimal
TABLE: dict[str, list[Any]] = {
    # Paths, types and choices
    "name.given": ["Văn", "Thử", {"extension": [{"url": "urn:ly-do", "valueString": "x"}]}],
    "Patient.name[0].family": ["Nguyễn"],
    "Resource.id": ["thu-nghiem"],
    "DomainResource.active": [True],
    "Encounter.id": [],
    "multipleBirth": [2],
    "multipleBirth is integer": [True],
    "multipleBirth.ofType(boolean)": [],
    "gender is string": [True],
    "gender is id": [False],
    "contained is Organization": [True],
    "contained.name": ["Bệnh viện Thử Nghiệm"],
    "name.first().type().name": ["HumanName"],
    "1.type()": [{"namespace": "System", "name": "Integer"}],
    "Patient.name.`given`.first()": ["Văn"],
    # Primitives, their extensions, and what stands beside them
    "name.given.select(hasValue())": [True, True, False],
    "name[1].given.extension('urn:ly-do').value": ["x"],
    "birthDate.extension('urn:gio').value": ["07:30:00"],
    "extension('urn:dan-toc').value.getValue()": ["01"],
    "where(hasExtension('urn:dan-toc')).id": ["thu-nghiem"],
    "birthDate.children().count()": [1],
    "name.children().count()": [6],
    "descendants().where($this is code)": ["01", "official", "usual", "male"],
    # Logic of three values
    "{} and false": [False],
    "{} and true": [],
    "{} or true": [True],
    "{} implies true": [True],
    "{} implies false": [],
    "true xor {}": [],
    "false implies {}": [True],
    "'x' and true": [True],
    # Loops
    "name.where(use = 'usual').use": ["usual"],
    "name.select(given.count())": [2, 1],
    "name.all(use.exists())": [True],
    "name.select($index)": [0, 1],
    "(1 | 2 | 3).aggregate($this + $total, 10)": [16],
    "(3 | 1 | 2).sort()": [1, 2, 3],
    "(3 | 1 | 2).sort(-$this)": [3, 2, 1],
    "iif(active, 'a', 1 + 'x')": ["a"],
    "name.repeat(given).count()": [3],
    "defineVariable('n', name.first()).select(gender & %n.family)": ["maleNguyễn"],
    # Collections
    "(1 | 2 | 2 | 1.0)": [1, 2],
    "1.combine(1)": [1, 1],
    "(1 | 2).intersect(2 | 3)": [2],
    "(1 | 2).exclude(2)": [1],
    "(1 | 2).subsetOf(3 | 2 | 1)": [True],
    "(1 | 2 | 3).skip(1).take(1)": [2],
    "(1 | 2 | 3).tail().last()": [3],
    "'a' in ('a' | 'b')": [True],
    "('a' | 'b') contains 'c'": [False],
    "{} in ('a' | 'b')": [],
    # Texts
    "'Văn Thử'.upper()": ["VĂN THỬ"],
    "'abcabc'.lastIndexOf('b')": [4],
    "'abc'.substring(1, 1)": ["b"],
    "'abc'.substring(7)": [],
    "'a,b'.split(',').join(';')": ["a;b"],
    "'tiếng Việt'.encode('base64').decode('base64')": ["tiếng Việt"],
    "'<b>'.escape('html').unescape('html')": ["<b>"],
    "'a\"b\\\\c'.escape('json').unescape('json')": ['a"b\\c'],
    "'2026-11'.matches('^\\\\d{4}-\\\\d\\\\d$')": [True],
    "'ab12'.replaceMatches('(?<w>[a-z]+)(\\\\d+)', '$2${w}')": ["12ab"],
    "'a' & {} & 'b'": ["ab"],
    # Numbers
    "1 / 4": [D("0.25")],
    "1 / 0": [],
    "7 div 2": [3],
    "-7 mod 2": [-1],
    "2147483647 + 1": [],
    "0.1 + 0.2 = 0.3": [True],
    "1.10 + 1": [D("2.10")],
    "2.power(-1)": [D("0.5")],
    "(-1).sqrt()": [],
    "2.5.round()": [D("3")],
    "(-1.5).truncate()": [-1],
    "1.587.lowBoundary(2)": [D("1.58")],
    "1.58700.precision()": [5],
    # Dates and times
    "birthDate = @1990": [],
    "birthDate < @1991": [True],
    "birthDate < @1990-06-01": [True],
    "birthDate > @1990-05-31": [],
    "@2020-01-31 + 1 month": ["2020-02-29"],
    "@2020-02-29 - 1 year": ["2019-02-28"],
    "@2020 + 13 months": ["2021"],
    "@T23:30 + 45 minutes": ["00:15"],
    "@2020-01-01T00:00:00+07:00 = @2019-12-31T17:00:00Z": [True],
    "@2020-01-01T10:00 = @2020-01-01T10:00Z": [],
    "@2020-01-01T10:00 < @2020-01-05T10:00Z": [True],
    "today()": ["2026-11-22"],
    "now()": ["2026-11-22T09:12:30.250+07:00"],
    "timeOfDay()": ["09:12:30.250"],
    "@2014.highBoundary(8)": ["2014-12-31"],
    "@2020-02.highBoundary()": ["2020-02-29"],
    "'2020-13'.toDate()": [],
    "@9999-12-31 + 1 day": [],
    # Quantities
    "4 'g' = 4000 'mg'": [True],
    "37 'Cel' = 98.6 '[degF]'": [True],
    "1 'kg' < 3 '[lb_av]'": [True],
    "1 'kg' = 1 'm'": [],
    "1 year = 1 'a'": [],
    "1 year ~ 1 'a'": [True],
    "12 months = 1 year": [True],
    "1 'g' + 200 'mg'": [quantity("1.2", "g")],
    "2 'm' * 3 'm'": [quantity("6", "m.m")],
    "6 'mg' / 2 'mL'": [quantity("3", "mg/mL")],
    "1 'wk'.toString()": ["1 'wk'"],
    "'5 days'.toQuantity()": [{"value": D(5), "unit": "day"}],
    "1 '[iU]' = 1 'g'": [],
    # Equality and equivalence
    "(1 | 2) = (2 | 1)": [False],
    "(1 | 2) ~ (2 | 1)": [True],
    "'A  b' ~ 'a B'": [True],
    "0.67 ~ 2 / 3": [True],
    "true = 1": [False],
    "'1' = 1": [False],
    "name[0] = name[0]": [True],
    "name[0] = name[1]": [False],
    "name[1].given = name[1].given": [True],
    "name[1].given ~ name[0].given.first()": [False],
    "1 in name.given": [False],
    "@2020 ~ @2020-01": [False],
    # Environment
    "%resource.id = %rootResource.id": [True],
    "contained.select(%resource.id)": ["thu-nghiem"],
    "%ucum": ["http://unitsofmeasure.org"],
    "%`ext-x`": ["http://hl7.org/fhir/StructureDefinition/x"],
    "managingOrganization.resolve().name": ["Bệnh viện Thử Nghiệm"],
    "generalPractitioner.resolve()": [],
    # What does not change is evaluated once, and what does change is not
    "contained.where(id in %resource.contained.id).id": ["bv"],
    "name.where(use in %resource.contained.id)": [],
    "(1 | 2 | 3).aggregate(%resource.name.select($total).first() + 1, 0)": [3],
    "name.select(defineVariable('v', use).select(%resource.select(%v)))": ["official", "usual"],
    "name.select(%resource.name.where(use = 'usual').use & use)": ["usualofficial", "usualusual"],
    # Parts of dates and times
    "@2020-02-03T04:05:06.700+07:00.select(yearOf() | monthOf() | dayOf() | hourOf())": [
        2020,
        2,
        3,
        4,
    ],
    "@2020-02-03T04:05:06.700+07:00.select(minuteOf() | secondOf() | millisecondOf())": [
        5,
        6,
        700,
    ],
    "@2020-02-03T04:05+07:00.timezoneOffsetOf()": [D(7)],
    "@2020-02-03T04:05.dateOf()": ["2020-02-03"],
    "@2020-02-03T04:05.timeOf()": ["04:05"],
    "@2020.monthOf()": [],
    "@T10:30.hourOf()": [10],
    "@2020-01-01T10:00:00.millisecondOf()": [],
    # Equivalence of elements looks past case and order
    "name ~ name.skip(1).combine(name.first())": [True],
    "name[0].given ~ ('THỬ' | 'văn')": [True],
    "(1.0 | 2) ~ (2.00 | 1)": [True],
    "(1 | 2) ~ (1 | 3)": [False],
    "(@2020 | @T10) ~ (@T10 | @2020)": [True],
    # Conversions
    "1 'g'.toQuantity('mg')": [quantity("1000", "mg")],
    "'1 \\'g\\''.convertsToQuantity('m')": [False],
    "true.toDecimal()": [D(1)],
    "2.toBoolean()": [],
    "'10:30'.toTime()": ["10:30"],
    "@2020-01-01.toDateTime()": ["2020-01-01"],
    "'x'.convertsToDecimal()": [False],
    "'t'.toBoolean()": [True],
    "'1.0'.toBoolean()": [True],
    "'1.50'.toDecimal()": [D("1.50")],
    "1.5.toInteger()": [],
    "'٣'.toInteger()": [],
    "1.50.toString()": ["1.50"],
    "'2020-01-01T10'.convertsToDateTime()": [True],
    "@2020-01-01T10:00:00.toDate()": ["2020-01-01"],
}


@pytest.mark.parametrize("text", TABLE)
def test_an_expression_gives(paths: Paths, text: str) -> None:
    assert results(paths, text) == TABLE[text]
    assert list(map(type, results(paths, text))) == list(map(type, TABLE[text]))


ERRORS: dict[str, type[PathProblem]] = {
    "1 +": PathSyntax,
    "'open": PathSyntax,
    "name..given": PathSyntax,
    "@2020-02-30": PathSyntax,
    "a b": PathSyntax,
    "/* open": PathSyntax,
    "9999999999": PathSyntax,
    "": PathSyntax,
    "nope()": PathMeaning,
    "name.first(1)": PathMeaning,
    "id is Nope": PathMeaning,
    "name.ofType(1)": PathMeaning,
    "name.single()": PathEvaluation,
    "name and true": PathEvaluation,
    "1 + 'a'": PathEvaluation,
    "1 < 'a'": PathEvaluation,
    "active < true": PathEvaluation,
    "%nope": PathEvaluation,
    "name.upper()": PathEvaluation,
    "name.as(HumanName)": PathEvaluation,
    "iif(1, 2, 3)": PathEvaluation,
    "@2020 + 1 'mo'": PathEvaluation,
    "defineVariable('a', 1).defineVariable('a', 2)": PathEvaluation,
    "(defineVariable('a', 1).id | id).where(%a = 1)": PathEvaluation,
    "conformsTo('urn:none')": PathEvaluation,
    "checkModifiers()": PathEvaluation,
}


@pytest.mark.parametrize("text", ERRORS)
def test_an_error_of_the_specification_is_one(paths: Paths, text: str) -> None:
    source = PATIENT | {"modifierExtension": [{"url": "urn:no", "valueBoolean": True}]}
    with pytest.raises(ERRORS[text]):
        results(paths, text, source)


def test_as_keeps_all_of_a_type_where_r4_itself_asks_for_it(paths: Paths) -> None:
    assert len(results(paths, "descendants().as(code)", is_strict=False)) == 4


def test_a_syntax_error_says_where(paths: Paths) -> None:
    with pytest.raises(PathSyntax) as raised:
        paths.compile("name.where(use = )")
    assert raised.value.facts["at"] == 17


def test_a_name_no_element_has_is_found_before_anything_is_evaluated(paths: Paths) -> None:
    for text in ("nam", "Encounter.id", "name.given.family", "(multipleBirth as integer).id.x"):
        with pytest.raises(PathMeaning):
            paths.check(text, "Patient")
    for text in ("name.given", "contained.anything", "extension.value.unit", "generalPractitioner"):
        paths.check(text, "Patient")


AMOUNT = {"value": D("2.0"), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}


@pytest.mark.parametrize(
    ("amount", "text", "wanted"),
    [
        (AMOUNT, "value = 0.002 'g'", [True]),
        (AMOUNT, "value + 1 'mg' > 2.5 'mg'", [True]),
        (AMOUNT, "value.value", [D("2.0")]),
        (AMOUNT | {"comparator": "<"}, "value = 2 'mg'", [False]),
        (AMOUNT | {"system": "urn:own", "code": "vien"}, "value = 2 'mg'", []),
        (AMOUNT | {"system": "urn:own", "code": "vien"}, "value = value", [True]),
        (AMOUNT | {"system": "urn:own", "code": "vien"}, "value * 2 'mg'", []),
        ({"value": D(2), "unit": "viên"}, "value = 2 'viên'", [True]),
        ({"value": D(2), "unit": "viên"}, "value = 2 'mg'", []),
        ({"value": D(2), "unit": "viên"}, "value ~ 2 'mg'", [False]),
        ({"value": D(2)}, "value = 2", [True]),
        ({"unit": "mg"}, "value = 2 'mg'", [False]),
    ],
)
def test_a_quantity_of_fhir_is_one_of_the_language(
    paths: Paths, amount: dict[str, Any], text: str, wanted: list[Any]
) -> None:
    source = {"resourceType": "Observation", "valueQuantity": amount}
    assert results(paths, text, source) == wanted


def test_without_a_clock_there_is_no_now(paths: Paths) -> None:
    with pytest.raises(PathEvaluation):
        paths.compile("today()").evaluate(None)


def test_trace_shows_and_changes_nothing(paths: Paths) -> None:
    seen: list[tuple[str, int]] = []
    environment = Environment(trace=lambda name, items: seen.append((name, len(items))))
    assert results(paths, "name.trace('n', given).count()", None, environment) == [2]
    assert seen == [("n", 3)]


class Shelf:
    """Knows two resources, one value set and one hierarchy."""

    def resolve(self, reference: str) -> dict[str, Any] | None:
        known = {"Practitioner/x": {"resourceType": "Practitioner", "id": "x"}}
        return known.get(reference)

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        return code in ("male", "female") if value_set == "urn:gioi-tinh" else None

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        return other.startswith(code)

    def conforms(self, node: Node, profile: str) -> bool | None:
        return profile == "urn:vn-core"


def test_what_others_know_is_asked_of_them(paths: Paths) -> None:
    shelf = Shelf()
    environment = Environment(resolver=shelf, terminology=shelf, profiles=shelf)
    ask: Callable[[str], list[Any]] = lambda text: results(paths, text, None, environment)  # noqa: E731 - one line is clearest
    assert ask("generalPractitioner.resolve() is Practitioner") == [True]
    assert ask("gender.memberOf('urn:gioi-tinh')") == [True]
    assert ask("gender.memberOf('urn:khac')") == []
    assert ask("conformsTo('urn:vn-core')") == [True]


def test_subsumption_needs_one_system(paths: Paths) -> None:
    codings = {
        "resourceType": "Condition",
        "code": {"coding": [{"system": "urn:icd", "code": "A0"}]},
        "category": [{"coding": [{"system": "urn:icd", "code": "A00"}]}],
        "severity": {"coding": [{"system": "urn:other", "code": "A00"}]},
    }
    environment = Environment(terminology=Shelf())
    for text, wanted in {
        "code.subsumes(category)": True,
        "code.subsumedBy(category)": False,
        "category.subsumedBy(code)": True,
        "code.subsumes(severity)": False,
    }.items():
        assert results(paths, text, codings, environment) == [wanted], text


def test_a_reference_inside_a_bundle_is_resolved_in_it(paths: Paths) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "p"}},
            {
                "resource": {
                    "resourceType": "Observation",
                    "subject": {"reference": "urn:uuid:1"},
                    "focus": [{"reference": "Patient/p"}],
                }
            },
        ],
    }
    text = "Bundle.entry.resource.ofType(Observation).select(subject | focus).resolve().id"
    assert results(paths, text, bundle) == ["p", "p"]


def test_work_is_bounded_and_the_bound_is_a_setting(paths: Paths) -> None:
    text = "descendants().where(descendants().where(descendants().exists()).exists())"
    with pytest.raises(PathTooCostly):
        results(paths, text, None, Environment(work_max=100))


def test_a_variable_of_the_caller_is_seen(paths: Paths) -> None:
    environment = Environment(variables={"who": "Thử", "many": [1, 2]})
    assert results(paths, "name.given contains %who", None, environment) == [True]
    assert results(paths, "%many.count()", None, environment) == [2]


def test_what_has_no_definition_is_walked_as_it_comes(paths: Paths) -> None:
    source = {"resourceType": "Model", "a": [{"b": 1}, {"b": 2}], "c": D("1.50")}
    assert results(paths, "a.b | c", source) == [1, 2, D("1.50")]
    assert results(paths, "descendants().count()", source) == [5]
