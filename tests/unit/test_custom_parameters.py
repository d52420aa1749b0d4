"""A user's SearchParameter is compiled like R4's own, or refused with the reason."""

import pytest

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor, SearchValues, compile_parameter
from trucyte.fhir.search.moments import moment_range
from trucyte.records.hashing import Hasher
from trucyte.records.rows import RowMaker

EXTENSION = "http://x.vn/ethnicity"
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "birthDate": "1990-02-03",
    "name": [{"use": "official", "family": "Lý", "given": ["An"]}, {"use": "old", "family": "Lê"}],
    "contact": [{"name": {"family": "Đỗ"}, "organization": {"reference": "Organization/1"}}],
    "extension": [
        {"url": EXTENSION, "valueCodeableConcept": {"coding": [{"code": "01"}]}},
        {"url": "http://x.vn/other", "valueString": "no"},
    ],
}
HOME = "http://hl7.org/fhir/SearchParameter/"


def parameter(expression: str, type: str = "string", code: str = "my-one", **more: object) -> dict:
    return {
        "resourceType": "SearchParameter",
        "url": f"http://x.vn/{code}",
        "code": code,
        "type": type,
        "base": ["Patient"],
        "expression": expression,
        **more,
    }


def found(definitions: Definitions, resource: dict, definition: dict) -> list[tuple]:
    compiled = compile_parameter(definition, definitions)
    extractor = Extractor(definitions, [compiled])
    own = extractor.parameters(resource["resourceType"])[-1]
    assert (own.code, own.is_custom) == (definition["code"], True)
    values = extractor.values(resource)
    return [
        value[1:]
        for name in SearchValues.__slots__
        for value in getattr(values, name)
        if value[0] == own.number
    ]


COMPILED = [
    ("Patient.name.family", "string", [("Lý",), ("Lê",)], True),
    ("name.family", "string", [("Lý",), ("Lê",)], True),
    ("Patient.name.where(use='official').family", "string", [("Lý",)], True),
    ("Patient.name.where(use = 'official').family", "string", [("Lý",)], False),
    ("Patient.name.where(given='An').family", "string", [("Lý",)], False),
    ("Patient.name.first().family", "string", [("Lý",)], False),
    ("Patient.name.given.upper()", "string", [("AN",)], False),
    ("Patient.name.count() > 1", "token", [("", "true", None)], False),
    ("Patient.descendants().ofType(HumanName).family", "string", [("Lý",), ("Lê",), ("Đỗ",)],
        False),
    (f"Patient.extension('{EXTENSION}').value", "token", [(None, "01", None)], True),
    (f"Patient.extension.where(url='{EXTENSION}').value", "token", [(None, "01", None)], True),
    (f"Patient.extension('{EXTENSION}').value.as(CodeableConcept)", "token",
        [(None, "01", None)], True),
    (f"Patient.extension('{EXTENSION}').value.coding.code", "token", [("", "01", None)], False),
    ("Patient.birthDate", "date", [moment_range("1990-02-03")], True),
    ("(Patient.birthDate)", "date", [moment_range("1990-02-03")], False),
    ("Patient.contact.organization", "reference",
        [("Organization", "1", None, None, None)], True),
    ("Patient.contact.organization.where(resolve() is Organization)", "reference",
        [("Organization", "1", None, None, None)], True),
    ("Patient.contact.where(organization.resolve() is Organization).name.family", "string",
        [("Đỗ",)], False),
    ("Practitioner.name | Patient.name.family", "string", [("Lý",), ("Lê",)], True),
    ("Patient.deceased", "date", [], True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "type", "expected", "is_plain"), COMPILED)
def test_an_expression_finds_the_same_by_code_and_by_the_language(
    definitions: Definitions, expression: str, type: str, expected: list, is_plain: bool
) -> None:
    definition = parameter(expression, type)
    compiled = compile_parameter(definition, definitions)
    assert ("Patient" in compiled.plain) == is_plain
    assert found(definitions, PATIENT, definition) == expected


def test_a_base_for_all_types_is_each_of_them(definitions: Definitions) -> None:
    definition = parameter("Resource.language", "token", base=["Resource"])
    compiled = compile_parameter(definition, definitions)
    assert set(compiled.expressions) == definitions.resource_types
    assert found(definitions, {"resourceType": "Binary", "language": "vi"}, definition) == [
        ("", "vi", None)
    ]


def composite(*components: tuple[str, str], base: str = "Observation", **more: object) -> dict:
    return parameter(
        **{"expression": base, "type": "composite", "base": ["Observation"], **more},
        component=[{"definition": HOME + d, "expression": e} for d, e in components],
    )


@pytest.mark.parametrize("base", ["Observation.component", "Observation.component.where(true)"])
def test_a_composite_keeps_the_values_of_an_element_together(
    definitions: Definitions, base: str
) -> None:
    resource = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient/1"},
        "component": [
            {"code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": 1}},
            {"code": {"coding": [{"code": "b"}]}, "valueQuantity": {"value": 2}},
        ],
    }
    definition = composite(
        ("Observation-component-code", "code"),
        ("Observation-component-value-quantity", "value.as(Quantity)"),
        ("clinical-patient", "%resource.subject"),
        base=base,
    )
    pairs = [p for (p,) in found(definitions, resource, definition)]
    assert [(p.tokens[0][2], p.quantities[0][1], p.references[0][2]) for p in pairs] == [
        ("a", 1, "1"),
        ("b", 2, "1"),
    ]


REFUSED = [
    ({"resourceType": "Patient"}, "unreadable"),
    (parameter("Patient.name", code="_mine"), "unreadable"),
    (parameter("Patient.name", code="a:b"), "unreadable"),
    (parameter("Patient.name", code="a" * 65), "unreadable"),
    (parameter("Patient.name", "text"), "unreadable"),
    (parameter("Patient.name", ["token"]), "unreadable"),  # type: ignore[arg-type]  # hostile
    (parameter("Patient.name", base=[]), "unreadable"),
    (parameter("Patient.name", base="Patient"), "unreadable"),
    (parameter("Patient.name", target=["Nobody"]), "unreadable"),
    (parameter(" "), "unreadable"),
    (parameter("a" * 5000), "unreadable"),
    (parameter("Patient.name", url=None), "unreadable"),
    (parameter("Patient", "composite", component=[]), "unreadable"),
    (parameter("Patient", "composite", component=[1, 2]), "unreadable"),
    (composite(("nothing", "code"), ("clinical-code", "code")), "unreadable"),
    (composite(("Observation-value-string", "value"), ("clinical-code", "code")), "beyond"),
    (parameter("Patient.address", "special"), "beyond"),
    (parameter("Patient.name", base=["Patients"]), "base"),
    (parameter("Patient.name", base=["HumanName"]), "base"),
    (parameter("Patient.name", base=[{}]), "base"),
    (parameter("Patient.name", code="birthdate"), "taken"),
    (parameter("Patient.nom"), "expression"),
    (parameter("Patient.name.family.nom"), "expression"),
    (parameter("Patient.name.where(", "token"), "expression"),
    (parameter("Patient.name", "quantity"), "expression"),
    (parameter("Practitioner.name"), "expression"),
    (parameter("Patient.birthDate < today()", "token"), "expression"),
    (parameter("Patient.name.where(now() > @2020)"), "expression"),
    (parameter("Patient.gender.memberOf('http://x')", "token"), "expression"),
    (parameter("Patient.name.nonsense()"), "expression"),
    (parameter("(" * 1900 + "name" + ")" * 1900), "expression"),
]


@pytest.mark.parametrize(("definition", "code"), REFUSED)
def test_what_cannot_be_answered_is_refused(
    definitions: Definitions, definition: dict, code: str
) -> None:
    with pytest.raises(Problem) as raised:
        compile_parameter(definition, definitions)
    assert raised.value.code == f"search-parameter-{code}"


def test_a_code_is_taken_by_another_and_replaced_by_its_own(definitions: Definitions) -> None:
    first = compile_parameter(parameter("Patient.name.family"), definitions)
    with pytest.raises(Problem) as raised:
        compile_parameter(parameter("Patient.name.given", url="http://y"), definitions, [first])
    assert raised.value.code == "search-parameter-taken"
    again = compile_parameter(parameter("Patient.name.given"), definitions, [first])
    assert again.url == first.url


def test_a_composite_may_name_parameters_of_the_user(definitions: Definitions) -> None:
    first = compile_parameter(parameter("Patient.name.use", "token", code="name-use"), definitions)
    both = parameter(
        "Patient.name",
        "composite",
        component=[
            {"definition": first.url, "expression": "use"},
            {"definition": first.url, "expression": "use"},
        ],
    )
    assert compile_parameter(both, definitions, [first]).components[0].type == "token"


def test_a_custom_parameter_moves_nothing_of_the_index(definitions: Definitions) -> None:
    hasher = Hasher(b"key")
    plain = RowMaker(Extractor(definitions), hasher).row(PATIENT, "p", 1, 0)
    custom = compile_parameter(parameter("Patient.name.use", "token", code="aaa"), definitions)
    extractor = Extractor(definitions).with_custom([custom])
    own = Extractor(definitions).parameters("Patient")
    assert extractor.parameters("Patient")[: len(own)] == own
    row = RowMaker(extractor, hasher).row(PATIENT, "p", 1, 0)
    # reference, person, present, date, quantity, small ones: all but the tokens
    fixed = 12 * 3 + 12 * 2 + 8 + 18
    assert row.body[:fixed] == plain.body[:fixed]
    assert (row.dates, row.quantities, row.texts) == (plain.dates, plain.quantities, plain.texts)
    assert len(row.body) > len(plain.body)


def test_more_parameters_than_bits_are_known_by_tokens(definitions: Definitions) -> None:
    custom = [
        compile_parameter(parameter("Patient.name.use", "token", code=f"c{n}"), definitions)
        for n in range(64)
    ]
    row = RowMaker(Extractor(definitions, custom), Hasher(b"key")).row(PATIENT, "p", 1, 0)
    assert row.body


def test_a_resource_an_expression_fails_on_is_indexed_without_it(definitions: Definitions) -> None:
    fails = parameter("Patient.name.given.single()")
    twice = {**PATIENT, "name": [{"given": ["A", "B"], "family": "Lý"}]}
    assert found(definitions, PATIENT, fails) == [("An",)]
    assert found(definitions, twice, fails) == []
    compiled = compile_parameter(fails, definitions)
    assert Extractor(definitions, [compiled]).values(twice).texts


def test_an_expression_that_explodes_is_stopped(definitions: Definitions) -> None:
    costly = parameter(
        "Patient.name.where(%resource.name.combine($this).where(family.exists()).exists()).family"
    )
    many = {**PATIENT, "name": [{"family": f"Lý {n}"} for n in range(500)]}
    assert found(definitions, many, costly) == []
