"""Any expression on any JSON: an answer or a Problem, never a crash, never a hang."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.fhirpath import NOW, PATIENT
from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.functions import FUNCTIONS
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.problems import PathProblem, PathTooCostly
from trucyte.fhir.path.render import to_json


@pytest.fixture(scope="module")
def paths(definitions: Definitions) -> Paths:
    return Paths(definitions)


def tried(paths: Paths, text: str, source: dict[str, Any]) -> None:
    """Compile, check and evaluate; a Problem is a fine answer."""
    node = paths.resource(source)
    environment = Environment(now=NOW, work_max=100_000)
    with suppress(PathProblem):
        paths.check(text, node.kind.name)
    with suppress(PathProblem):
        path = paths.compile(text)
        to_json(path.evaluate(node, environment))
        path.holds(node, environment)


LITERALS = ["1", "-1", "2147483647", "1.50", "0.0", "'a'", "'(a+)+$'", "''", "true", "{}", "@2020",
            "@2020-02-29T10:00:00.5Z", "@T10:30", "4 days", "1 'mg'", "1 year", "$this", "$index",
            "$total", "%resource", "%context", "%nope", "name", "name.given", "birthDate",
            "Patient", "extension", "children()", "descendants()", "boolean", "System.String",
            "100000000000000000000000000000.5", "multipleBirth", "contained"]  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "div", "mod", "&", "|", "=", "!=", "~", "!~", "<", "<=", ">",
             ">=", "in", "contains", "and", "or", "xor", "implies", "is", "as", "."]  # fmt: skip


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.tuples(inner, st.sampled_from(sorted(FUNCTIONS)), arguments).map(
        lambda parts: f"({parts[0]}).{parts[1]}({parts[2]})"
    )


EXPRESSIONS = st.recursive(
    st.sampled_from(LITERALS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        _calls(inner),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}]"),
    ),
    max_leaves=8,
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.decimals(allow_nan=False),
    st.sampled_from([Decimal("1E999999"), Decimal("1E-999999"), 10**400, "2020-02-30", "\ud800"]),
)  # fmt: skip
KEYS = st.sampled_from([*PATIENT, "_active", "_name", "given", "_given", "url", "value",
                        "valueQuantity", "_valueString", "code", "coding", "system", "reference",
                        "entry", "resource", "fullUrl", "text", "div", "x"])  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=15,
)
RESOURCES = st.tuples(
    st.sampled_from(["Patient", "Observation", "Bundle", "Extension", "Nope", "string"]),
    st.dictionaries(KEYS, JSON, max_size=6),
).map(lambda pair: pair[1] | {"resourceType": pair[0]})


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(paths: Paths, text: str) -> None:
    tried(paths, text, PATIENT)


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS)
@example("1 in name.given")
@example("(@2020).aggregate($total & $total, 'a')")
def test_any_expression_has_an_answer_on_a_patient(paths: Paths, text: str) -> None:
    tried(paths, text, PATIENT)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, RESOURCES)
@example("1.intersect(%context)", {"resourceType": "string"})
def test_any_expression_has_an_answer_on_any_json(
    paths: Paths, text: str, source: dict[str, Any]
) -> None:
    tried(paths, text, source)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"url": "urn:x", "valueString": "x"}
    for _ in range(depth):
        inner = {"url": "urn:x", "extension": [inner]}
    return {"resourceType": "Patient", "extension": [inner]}


def test_ten_thousand_levels_of_nesting_are_walked_or_refused(paths: Paths) -> None:
    node = paths.resource(nested(10_000))
    text = "descendants().ofType(string).count()"
    assert to_json(paths.compile(text).evaluate(node)) == [1]
    with pytest.raises(PathTooCostly):
        paths.compile("extension = extension").evaluate(node)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "-" * 10_000 + "1",
        "1" + " + 1" * 10_000,
        "a" + ".a" * 10_000,
        "name.where(" * 1_000 + "true" + ")" * 1_000,
        "1 in " * 10_000 + "1",
        "a" + "[0]" * 10_000,
        "x" * 100_000,
        "'" + "x" * 100_000,
        "/*" * 30_000,
        "1" * 60_000,
        "1." + "1" * 60_000,
    ],
)
def test_a_hostile_expression_is_refused_at_once(paths: Paths, text: str) -> None:
    with pytest.raises(PathProblem):
        paths.compile(text)


BIG = "x" * (100 * 1024 * 1024)


@pytest.mark.parametrize(
    "text",
    ["id.length()", "id.toChars().count()", "id.matches('(x+)+y')", "id.matches('x.*y')",
     "id.replace('x', 'yyyyyyyyyy')", "id.replace('', 'yyyyyyyyyy')", "id & id",
     "id.replaceMatches('x', 'yy')", "id.split('x').count()", "id.upper() = id.lower()",
     "id.toDecimal()", "id.toInteger()", "id.toQuantity()", "id.toDate()", "id.toBoolean()",
     "id ~ id", "id.encode('hex').length()", "id.unescape('json').length()"],
)  # fmt: skip
def test_a_text_of_100_mb_is_answered_or_refused(paths: Paths, text: str) -> None:
    node = paths.resource({"resourceType": "Patient", "id": BIG})
    with suppress(PathProblem):
        paths.compile(text).evaluate(node)


def doubling(part: str) -> str:
    numbers = " | ".join(map(str, range(60)))
    return f"({numbers}).aggregate({part}, 'a').count()"


@pytest.mark.parametrize(
    "text",
    [
        doubling("$total & $total"),
        doubling("$total.combine($total)"),
        doubling("$total + $total"),
        doubling("$total.select($total)"),
        doubling("iif($total.count() > 1, $total.select($total), $total.combine($total))"),
        "descendants().select(%resource.descendants()).select(%resource.descendants()).count()",
        "repeatAll($this)",
        "repeat('a' & $this.toString())",
        "repeatAll(%resource)",
        "1.repeat($this + 1)",
        "''.repeat($this & 'a')",
    ],
)
def test_what_grows_without_end_is_stopped(paths: Paths, text: str) -> None:
    node = paths.resource(PATIENT)
    with suppress(PathProblem):
        paths.compile(text).evaluate(node, Environment(work_max=100_000))


@pytest.mark.parametrize("number", ["1E999999", "-1E999999", "1E-999999", "0E999999", "1" * 4000])
@pytest.mark.parametrize(
    "text",
    ["value.value + 1", "value.value * value.value", "value.value / 3", "value.value mod 7",
     "value.value div 7", "value.value.round(2)", "value.value.power(2)", "value.value.sqrt()",
     "value.value.exp()", "value.value.ln()", "value.value.toString()", "value.value.abs()",
     "value.value.toInteger()", "value.value.lowBoundary()", "value.value.precision()",
     "value.value ~ 1.5", "value.value = 1", "value.value > 1", "value = 3 'g'", "value > 3 'g'",
     "value ~ 3 'g'", "value + 1 'g'", "value | value", "@2020 + value", "value.value.ceiling()",
     "value.value.truncate()", "value.toString()", "2.power(value.value)", "-value.value"],
)  # fmt: skip
def test_a_number_beyond_decimal_is_answered_or_refused(
    paths: Paths, text: str, number: str
) -> None:
    value = {"value": Decimal(number), "system": "http://unitsofmeasure.org", "code": "mg"}
    source = {"resourceType": "Observation", "valueQuantity": value}
    tried(paths, text, source)


def test_the_same_expression_gives_the_same_on_json_written_and_read_again(paths: Paths) -> None:
    node, again = (paths.resource(source) for source in (PATIENT, json.loads(json.dumps(PATIENT))))
    path = paths.compile("descendants()")
    assert to_json(path.evaluate(node)) == to_json(path.evaluate(again))


def test_no_problem_tells_what_a_resource_says(paths: Paths) -> None:
    source = PATIENT | {"id": "BI-MAT-123"}
    for text in ("id + 1", "id < 1", "id.single().single() + name", "name.upper()", "%`x` + id"):
        with pytest.raises(Problem) as raised:
            paths.compile(text).evaluate(paths.resource(source))
        assert "BI-MAT" not in str(raised.value)
        assert "Nguyễn" not in str(raised.value)
