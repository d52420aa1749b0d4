"""Targets of the language itself: the door, the checks, expressions, narrative, XML."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache

from tests.fuzz import seeds
from tests.fuzz.target import Check, Json, Shape, Target, document, encoded, said
from tests.support.profiles import URL
from trucyte.base.problem import Problem
from trucyte.fhir import parse, text
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.read import NotADefinition, read_definition
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.moment import DATE, DATE_TIME, TIME, read, read_literal
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.path.render import to_json
from trucyte.fhir.path.units.ucum import read_unit
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.search.by_path import add_values_by_path
from trucyte.fhir.search.extractor import Extractor
from trucyte.fhir.search.moments import moment_range
from trucyte.fhir.search.values import SearchValues
from trucyte.fhir.validate import Validator
from trucyte.fhir.validation.lexical import explain
from trucyte.fhir.validation.narrative import check_narrative
from trucyte.fhir.xml import NotFhirXml, XmlTooLarge, read_xml
from trucyte.intake.claims.variant import date_of
from trucyte.node.language import load_definitions, load_structures
from trucyte.vietnam.numbers.card import parse_card
from trucyte.vietnam.numbers.personal import parse_personal_number

NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


@cache
def definitions() -> Definitions:
    return load_definitions()


@cache
def structures() -> Cache:
    return load_structures()


def library(*resources: Json) -> Library:
    made = Library(definitions(), structures())
    made.add(read_definition(one) for one in encoded(resources))
    return made


# --- the door ---------------------------------------------------------------------------


def make_door() -> Check:
    def check(data: bytes) -> None:
        list(parse.lines([data[:7], data[7:]]))
        _quiet(parse.head, data)
        _quiet(parse.bundle, data)
        try:
            found = text.scan(data)
        except Problem as problem:
            assert problem.message
            return
        assert parse.parse(data) == found.resource
        try:
            accepted = text.accept(data, id="x1", references={"Patient/1": "Patient/2"})
        except Problem:
            return
        served = text.with_meta(accepted.body, accepted.meta_offset, 7, "2026-02-15T08:00:00Z")
        again = text.scan(served, size_max=2 * len(served), depth_max=found.depth + 2).resource
        assert again["id"] == "x1"
        assert again["meta"]["versionId"] == "7"

    return check


def _quiet(function, data: bytes) -> None:
    with suppress(text.NotJson):
        function(data)


# --- checks -----------------------------------------------------------------------------


def make_structure() -> Check:
    validator = Validator(definitions())

    def check(data: bytes) -> None:
        said(validator.check(document(data)))

    return check


def make_full() -> Check:
    validators = [full_validator(library(one, seeds.VALUE_SET, seeds.CODE_SYSTEM), now=NOW)
                  for one in seeds.PROFILES if one["type"] != "Extension"]  # fmt: skip

    def check(data: bytes) -> None:
        resource = document(data)
        kind = resource.get("resourceType") if resource else None
        place = {"Observation": 1, "Bundle": 2}.get(kind, 0) if isinstance(kind, str) else 0
        said(validators[place].check(resource, [URL + "x"]))

    return check


def make_profiles() -> Check:
    """Use whatever a profile says: its snapshot, and a check by it."""

    def check(data: bytes) -> None:
        case = document(data)
        if case is None:
            return
        try:
            known = library()
            known.add(read_definition(_written(one)) for one in _list(case, "definitions"))
        except NotADefinition:
            return
        for one in known.added("StructureDefinition"):
            try:
                known.structure(one.url)
                known.snapshot_of(one.content)
            except Problem as problem:
                assert problem.message
        said(full_validator(known, now=NOW).check(case.get("resource"), [URL + "x"]))

    return check


def profile_seeds() -> Iterator[bytes]:
    resources: dict[str, Json] = {one["resourceType"]: one for one in seeds.MADE}
    extras = [seeds.VALUE_SET, seeds.CODE_SYSTEM, seeds.PROFILES[2]]
    yield from encoded(
        {"definitions": [one, *extras], "resource": resources.get(one["type"], seeds.OBSERVATION)}
        for one in seeds.PROFILES
    )
    yield from encoded(
        {"definitions": [one], "resource": resources[one["type"]]}
        for one in seeds.PROFILES
        if one["type"] in resources
    )


def _written(value: object) -> bytes:
    return next(encoded([value]))


def _list(case: Json, key: str) -> list[Json]:
    found = case.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


# --- expressions ------------------------------------------------------------------------


def make_fhirpath() -> Check:
    paths = Paths(definitions())

    def check(data: bytes) -> None:
        case = document(data) or {}
        expression, resource = case.get("expression"), case.get("resource")
        if not isinstance(expression, str) or not isinstance(resource, dict):
            return
        node = paths.resource(resource)
        around = Environment(resource=node, root_resource=node, now=NOW)
        for is_strict in (True, False):
            try:
                to_json(paths.compile(expression, is_strict=is_strict).evaluate(node, around))
            except PathProblem as problem:
                assert problem.message
        try:
            paths.check(expression, node.kind.name)
        except PathProblem as problem:
            assert problem.message

    return check


def fhirpath_seeds() -> Iterator[bytes]:
    for number, expression in enumerate(seeds.expressions()):
        resource = (seeds.PATIENT, seeds.OBSERVATION, seeds.QUESTIONNAIRE)[number % 3]
        yield from encoded([{"expression": expression, "resource": resource}])


def make_search() -> Check:
    """Take the search values of what structure has accepted, by generated code and by paths."""
    validator, extractor = Validator(definitions()), Extractor(definitions())
    paths = Paths(definitions())

    def check(data: bytes) -> None:
        resource = document(data)
        if resource is None:
            return
        if validator.check(resource):
            return
        extractor.values(resource)
        node = paths.resource(resource)
        for kind, expression in _BY_PATH:
            try:
                add_values_by_path(SearchValues(), 0, kind, paths.compile(expression), node)
            except PathProblem:
                continue

    return check


_BY_PATH = (("token", "descendants().identifier"), ("date", "descendants().period"))


# --- narrative, XML, literals -----------------------------------------------------------


def make_narrative() -> Check:
    def check(data: bytes) -> None:
        found = check_narrative(data.decode("utf-8", "surrogateescape"), None)
        said(one.issue("Patient") for one in found or ())

    return check


def make_xml() -> Check:
    def check(data: bytes) -> None:
        try:
            found = read_xml(data, definitions())
        except (NotFhirXml, XmlTooLarge) as problem:
            assert problem.message
            return
        said(validator.check(found))

    validator = Validator(definitions())
    return check


def xml_seeds() -> Iterator[bytes]:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">x<br/>y</p></div>'
    yield (
        '<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><id value="a"/><text>'
        f'<status value="generated"/>{div}</text><contained><Organization><id value="o"/>'
        '</Organization></contained><extension url="urn:a"><valueDecimal value="1.50"/>'
        '</extension><active value="true"/><name id="n"><given value="A"/><given><extension '
        'url="urn:b"><valueCode value="x"/></extension></given></name></Patient>'
    ).encode()
    folder = seeds.SUITES / "fhirpath-r4" / "input"
    for path in sorted(folder.glob("*.xml")) if folder.exists() else ():
        if path.stat().st_size < 8000:
            yield path.read_bytes()


def narrative_seeds() -> Iterator[bytes]:
    start = '<div xmlns="http://www.w3.org/1999/xhtml">'
    for inner in (
        "a", '<a href="#x">&nbsp;</a><img src="a.png" alt="a"/>',
        "<table><tr><td>1</td></tr></table>",
        '<p style="color:red">&lt;&#169;<!-- c --><![CDATA[d]]></p>',
        "<?php 1?>",
    ):  # fmt: skip
        yield f"{start}{inner}</div>".encode()
    yield b'<!DOCTYPE div [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>'


_LEXICAL = ("date", "dateTime", "instant", "time", "decimal", "base64Binary", "uri", "oid", "id",
            "code", "markdown", "positiveInt", "string", "uuid")  # fmt: skip


def make_literals() -> Check:
    """Read short texts as everything short there is: moments, units, numbers, cards."""

    def check(data: bytes) -> None:
        said_text = data.decode("utf-8", "replace")
        for kind in (DATE, DATE_TIME, TIME):
            moment = read(said_text, kind)
            assert moment is None or read(str(moment), kind) == moment
        read_literal("@" + said_text)
        read_unit(said_text)
        for kind in _LEXICAL:
            said(one.issue("Patient") for one in explain(kind, said_text))
        date_of(said_text)
        parse_personal_number(said_text)
        parse_card(said_text)
        with suppress(ValueError):
            moment_range(said_text)

    return check


def literal_seeds() -> Iterator[bytes]:
    for one in (
        "2026-02-15", "2026-02", "2026", "2026-02-15T08:00:00.123+07:00", "08:00:00", "T14:30",
        "mg/dL", "10*3/uL", "kg.m2/s2", "[in_i]", "Cel", "{score}", "%", "(m.s)-2", "1.50E-3",
        "202602150800", "20260215", "000085000001", "GD4000000000001", "urn:oid:1.2.3", "QUJD",
    ):  # fmt: skip
        yield one.encode()
    yield "0\u0663\u0664".encode()


FHIR_WORDS = tuple(
    """resourceType id meta profile text div status contained extension modifierExtension url
    reference identifier valueString _valueString valueQuantity valueReference #a Patient/1
    entry resource fullUrl request item linkId answer parameter component period start end
    differential snapshot element path sliceName slicing discriminator rules ordered binding
    valueSet strength constraint expression severity fixedCode patternCodeableConcept type code
    targetProfile contentReference baseDefinition derivation min max maxLength minValueDecimal
    value pattern exists profile $this open closed openAtEnd required Extension Reference
    http://hl7.org/fhir/StructureDefinition/Patient http://test.vn/StructureDefinition/x
    resolve() ofType(Quantity) extension('urn:a') value[x] Patient.identifier""".split()  # noqa: SIM905 - a list of words reads best as words
)
PATH_WORDS = tuple(
    """$this $index $total %resource %context %ucum . ( ) [ ] { } , | & + - * / div mod and or xor
    implies = != ~ !~ < > <= >= is as in contains 'a' `a` 1 0 -1 1.5 @2026-02-15 @T08:00 @2026
    'mg' days year 9999999999 0.00000001 {} name given value extension where( select( repeat(
    all( exists( first() last() tail() skip(1) take(1) children() descendants() ofType( as(
    toString() toInteger() toDecimal() toQuantity( toDate() convertsToTime() matches( matchesFull(
    replaceMatches( replace( indexOf( substring( split( join( encode('base64') decode('hex')
    escape('json') unescape('html') upper() length() trim() aggregate( iif( not() combine( union(
    intersect( exclude( distinct() isDistinct() subsetOf( resolve() memberOf( conformsTo( trace(
    now() today() timeOfDay() lowBoundary( highBoundary( precision() type() sort( defineVariable(
    power( sqrt() log( ln() exp() round( truncate() abs() ceiling() comparable( hasValue()
    getValue() extension( elementDefinition() slice( checkModifiers( htmlChecks()""".split()  # noqa: SIM905 - a list of words reads best as words
)

TARGETS = (
    Target("door", Shape.DOOR, make_door, lambda: encoded(seeds.resources()), FHIR_WORDS),
    Target("structure", Shape.JSON, make_structure, lambda: encoded(seeds.resources()),
           FHIR_WORDS),
    Target("full", Shape.JSON, make_full, lambda: encoded(seeds.resources()), FHIR_WORDS),
    Target("profiles", Shape.JSON, make_profiles, profile_seeds, FHIR_WORDS),
    Target("fhirpath", Shape.JSON, make_fhirpath, fhirpath_seeds, PATH_WORDS, 4096),
    Target("search", Shape.JSON, make_search, lambda: encoded(seeds.resources()), FHIR_WORDS),
    Target("narrative", Shape.MARKUP, make_narrative, narrative_seeds,
           ("<p>", "</p>", "&nbsp;", "<script>", "<![CDATA[", "]]>", "<!DOCTYPE", "<!ENTITY",
            'href="javascript:', "&#0;", "&#x110000;", 'xmlns="'), 2048),
    Target("xml", Shape.MARKUP, make_xml, xml_seeds,
           ("<extension>", "<contained>", 'value="1"', 'url="urn:a"', "<?xml", "<!DOCTYPE",
            'xmlns:a="b"', "<div/>", 'id="a"', "&#0;", "<active value='true'/>")),
    Target("literals", Shape.BYTES, make_literals, literal_seeds,
           ("T", "Z", "+07:00", "-", ".", "10*", "[", "]", "{", "}", "/", "mg", "(", ")"), 128),
)  # fmt: skip
