"""Every invariant of R4 compiles, and is evaluated on every official example.

What an example itself gets wrong is named below; nothing else may say no.
"""

import tarfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from tests.conformance.suites import suite
from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions, Invariant
from trucyte.fhir.parse import parse
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Node, children
from trucyte.fhir.path.path import Path, Paths

# Rules of severity error that examples break, and how often; reasons are in
# docs/spec-clarifications.md. Rules that give nothing are not broken.
BROKEN = {
    # Questionnaires made by a generator: no link ids, groups without items.
    ("que-1", "Questionnaire.item"): 62,
    ("que-2", "Questionnaire"): 82,
    # `answer is Boolean` asks for the language's type where FHIR's is meant.
    ("que-7", "Questionnaire.item.enableWhen"): 1,
    # Logical models without a base.
    ("sdf-4", "StructureDefinition"): 3,
    # Narratives with nothing to read.
    ("txt-1", "xhtml"): 2,
    ("txt-2", "xhtml"): 2,
}
Rules = list[tuple[Invariant, Path]]


class Walk:
    """Walks examples, evaluating the rules of each element."""

    def __init__(self, definitions: Definitions) -> None:
        self.paths = Paths(definitions)
        self.broken: Counter[tuple[str, str]] = Counter()
        self.evaluations = 0
        self._types = definitions.types
        self._rules: dict[str, Rules] = {}
        self._children: dict[tuple[str, str], Rules] = {}

    def resource(self, source: dict[str, Any]) -> None:
        node = self.paths.resource(source)
        self._element(node, Environment(resource=node, root_resource=node), [])

    def _compiled(self, rules: tuple[Invariant, ...]) -> Rules:
        return [(rule, self.paths.compile(rule.expression, is_strict=False)) for rule in rules]

    def _of_type(self, node: Node) -> Rules:
        name = node.kind.name
        if name not in self._rules:
            known = [self._types[one] for one in node.kind.ancestors if one in self._types]
            self._rules[name] = [r for one in known for r in self._compiled(one.invariants)]
        return self._rules[name]

    def _element(self, node: Node, environment: Environment, rules: Rules) -> None:
        for rule, path in (*self._of_type(node), *rules):
            self.evaluations += 1
            if path.holds(node, environment) is False and rule.severity == "error":
                self.broken[rule.key, node.kind.name] += 1
        definition = self._types.get(node.kind.name)
        if node.kind.is_primitive or definition is None:
            for child in children(node):
                self._element(child, environment, [])
            return
        for name in definition.elements:
            self._named(node, name, environment)

    def _named(self, node: Node, name: str, environment: Environment) -> None:
        found: list[Node] = []
        read = node.kind.readers[name]
        assert read is not None
        read(node, found)
        for child in found:
            rules = self._at(node, name, child)
            around = environment
            if child.kind.is_resource:
                root = environment.root_resource if name == "contained" else child
                around = Environment(resource=child, root_resource=root)
            self._element(child, around, rules)

    def _at(self, node: Node, name: str, child: Node) -> Rules:
        """Return what is asked at the place of an element, but not by its type already."""
        place = (node.kind.name, name + child.kind.name)
        if place not in self._children:
            own = {rule.key for rule, _ in self._of_type(child)}
            element = self._types[node.kind.name].elements[name]
            rules = tuple(rule for rule in element.invariants if rule.key not in own)
            self._children[place] = self._compiled(rules)
        return self._children[place]


def examples() -> Iterator[dict[str, Any]]:
    with tarfile.open(suite("r4-examples.tar.xz")) as archive:
        for member in archive:
            file = archive.extractfile(member)
            source = parse(file.read()) if file is not None else {}
            if "resourceType" in source:
                yield source


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.long)])  # 1: all of them
def test_every_invariant_compiles_and_is_evaluated_on_examples(
    definitions: Definitions, step: int
) -> None:
    walk = Walk(definitions)
    for source in islice(examples(), 0, None, step):
        walk.resource(source)
    broken = dict(walk.broken)
    if step == 1:
        assert broken == BROKEN
        assert walk.evaluations > 1_000_000
    assert all(count <= BROKEN.get(rule, 0) for rule, count in broken.items())
    assert walk.evaluations > 100_000


def test_every_search_parameter_compiles_but_the_ones_that_are_no_fhirpath(
    definitions: Definitions,
) -> None:
    paths = Paths(definitions)
    refused = set()
    for parameter in definitions.all_search_parameters:
        if parameter.expression:
            try:
                paths.compile(parameter.expression, is_strict=False)
            except Problem:
                refused.add(parameter.url)
    assert refused == set()


@pytest.mark.parametrize("key", ["dom-3", "ref-1", "eld-19", "sdf-19"])
def test_the_hardest_invariants_are_there(definitions: Definitions, key: str) -> None:
    rules = {rule.key for one in definitions.types.values() for rule in one.invariants}
    placed = {
        rule.key
        for one in definitions.types.values()
        for element in one.elements.values()
        for rule in element.invariants
    }
    assert key in rules | placed
