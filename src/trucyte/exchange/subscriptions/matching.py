"""Which subscriptions ask for a version: compiled once, found by what they name.

A criterion that names a code, an identifier or a reference is a key; a version is looked up
by its own values, so that of thousands of subscriptions only those few are asked that may
be meant. The others of its type are asked one by one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from trucyte.exchange.subscriptions.definition import Criteria, Definition
from trucyte.exchange.subscriptions.problems import SubscriptionRefused
from trucyte.exchange.subscriptions.topics import Pairs, Trigger
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.fhir.search.converters import split_reference
from trucyte.journal.change import Entry, Operation
from trucyte.records.search.asked.codes import Codes
from trucyte.records.search.asked.leaf import Criterion
from trucyte.records.search.asked.tree import And, Node, Not, Or, every_node
from trucyte.records.search.match import Matcher
from trucyte.records.search.query import read_query

# (parameter, form, what it names): see `_keys_of_values`.
Key = tuple[int, str, str | None, str | None]
# Asks the index whether a current resource meets what its own body does not tell.
AskIndex = Callable[[str, Pairs, str], bool]
_CONTROLS = frozenset({"_count", "_sort", "_total", "_summary", "_include", "_revinclude"})


class NoLinks:
    """Leaves what lies outside the body to the index."""

    def holds(self, resource_type: str, node: Node, id: str, values: SearchValues) -> bool | None:
        """Tell nothing."""
        return None


@dataclass(frozen=True, slots=True)
class Test:
    """One search, compiled."""

    type: str
    matcher: Matcher
    keys: frozenset[Key]  # a version that meets it has one of these; empty: it names none
    beyond: Pairs  # what only the index can tell

    def meets(self, id: str, values: SearchValues, ask: AskIndex) -> bool:
        """Whether a version with these values meets it."""
        if not self.matcher.matches(id, values):
            return False
        return not self.beyond or ask(self.type, self.beyond, id)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way for a subscription to be meant: a trigger, and its own filters."""

    operations: frozenset[Operation]
    before: Test | None
    tests: tuple[Test, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """The keys of the test that names the fewest things."""
        named = [test.keys for test in self.tests if test.keys]
        return min(named, key=len) if named else frozenset()


@dataclass(slots=True)
class Version:
    """One version about to be matched; what was before is read when it is asked for."""

    entry: Entry
    values: SearchValues  # of a deletion: those of the version before
    values_before: Callable[[], SearchValues | None]  # None: there was none


class Compiler:
    """Makes tests of searches."""

    def __init__(self, extractor: Extractor, codes: Codes | None, now: Callable[[], int]) -> None:
        """Take the language of searches; `now` in µs since 1970."""
        self._extractor = extractor
        self._codes = codes
        self._now = now

    def rules(self, definition: Definition) -> Mapping[str, Sequence[Rule]]:
        """Return the rules of a subscription by resource type; raises what a search raises."""
        if definition.topic is None:
            (criteria,) = definition.criteria
            made = frozenset({Operation.CREATE, Operation.UPDATE})
            return {criteria.type: [Rule(made, None, (self.test(criteria),))]}
        found: dict[str, list[Rule]] = {}
        for trigger in definition.topic.triggers:
            found.setdefault(trigger.type, []).append(self._rule(trigger, definition.criteria))
        return found

    def _rule(self, trigger: Trigger, filters: Sequence[Criteria]) -> Rule:
        own = [Criteria(trigger.type, trigger.after)] if trigger.after else []
        own += [one for one in filters if one.type == trigger.type]
        before = self.test(Criteria(trigger.type, trigger.before)) if trigger.before else None
        return Rule(trigger.operations, before, tuple(self.test(one) for one in own))

    def test(self, criteria: Criteria) -> Test:
        """Compile one search; raises what reading it raises, SubscriptionRefused."""
        if any(name in _CONTROLS for name, _ in criteria.pairs):
            raise SubscriptionRefused(element="criteria")
        query = read_query(criteria.type, criteria.pairs, self._extractor, codes=self._codes)
        parameters = self._extractor.parameters(criteria.type)
        return Test(
            criteria.type,
            Matcher(criteria.type, query.criteria, parameters, self._now(), NoLinks()),
            _keys_of(query.criteria),
            tuple(
                pair
                for pair, node in zip(criteria.pairs, query.criteria, strict=True)
                if not _is_local(node)
            ),
        )


@dataclass(slots=True)
class Catalogue:
    """The rules of all subscriptions of a node, by type and key."""

    by_key: dict[str, dict[Key, list[tuple[str, Rule]]]] = field(default_factory=dict)
    keyless: dict[str, list[tuple[str, Rule]]] = field(default_factory=dict)
    _of: dict[str, Mapping[str, Sequence[Rule]]] = field(default_factory=dict)

    def put(self, id: str, rules: Mapping[str, Sequence[Rule]]) -> None:
        """Let a subscription be found by these rules alone."""
        self.drop(id)
        self._of[id] = rules
        for kind, rule in _each(rules):
            for places in self._places(kind, rule):
                places.append((id, rule))

    def drop(self, id: str) -> None:
        """Forget a subscription."""
        for kind, rule in _each(self._of.pop(id, {})):
            for places in self._places(kind, rule):
                places[:] = [one for one in places if one[0] != id]

    def wants(self, kind: str) -> bool:
        """Whether any subscription is about a type."""
        return bool(self.by_key.get(kind) or self.keyless.get(kind))

    def met_by(self, version: Version, ask_for: Callable[[str], AskIndex]) -> list[str]:
        """Return the subscriptions that ask for a version, each once."""
        entry, values = version.entry, version.values
        found: dict[str, None] = {}
        for id, rule in self._candidates(entry.type, values):
            if id not in found and _is_met(rule, version, ask_for(id)):
                found[id] = None
        return list(found)

    def _candidates(self, kind: str, values: SearchValues) -> Iterator[tuple[str, Rule]]:
        yield from self.keyless.get(kind, ())
        by_key = self.by_key.get(kind)
        if by_key:
            for key in set(_keys_of_values(values)):
                yield from by_key.get(key, ())

    def _places(self, kind: str, rule: Rule) -> Iterator[list[tuple[str, Rule]]]:
        if not rule.keys:
            yield self.keyless.setdefault(kind, [])
        for key in rule.keys:
            yield self.by_key.setdefault(kind, {}).setdefault(key, [])


def _each(rules: Mapping[str, Sequence[Rule]]) -> Iterator[tuple[str, Rule]]:
    for kind, listed in rules.items():
        for rule in listed:
            yield kind, rule


def _is_met(rule: Rule, version: Version, ask: AskIndex) -> bool:
    entry = version.entry
    if entry.operation not in rule.operations:
        return False
    if not all(test.meets(entry.id, version.values, ask) for test in rule.tests):
        return False
    if rule.before is None:
        return True
    before = version.values_before()
    return before is None or rule.before.meets(entry.id, before, ask)


def _is_local(node: Node) -> bool:
    """Whether a body tells by itself if it meets a condition."""
    return all(
        isinstance(part, (And, Or, Not))
        or (isinstance(part, Criterion) and (part.parameter is not None or part.type == "id"))
        for part in every_node(node)
    )


def _keys_of(nodes: Sequence[Node]) -> frozenset[Key]:
    """Return the keys of the condition that names the fewest things, of those that name any."""
    named = [keys for node in nodes if (keys := _keys_of_node(node))]
    return min(named, key=len) if named else frozenset()


def _keys_of_node(node: Node) -> frozenset[Key]:
    if not isinstance(node, Criterion) or node.parameter is None or node.modifier:
        return frozenset()
    if node.type == "token":
        made = [_token_key(value.parts) for value in node.values]
    elif node.type == "reference":
        made = [_reference_key(value.parts[0]) for value in node.values]
    else:
        return frozenset()
    if any(key is None for key in made):
        return frozenset()  # one alternative is beyond keys, so any version may be meant
    return frozenset((source, *key) for source in node.parameter.sources for key in made if key)


def _token_key(parts: Sequence[str]) -> tuple[str, str | None, str | None] | None:
    if len(parts) == 1:
        return "code", None, parts[0]
    if not parts[0]:
        return "coding", None, parts[1]
    return ("coding", parts[0], parts[1]) if parts[1] else ("system", parts[0], None)


def _reference_key(text: str) -> tuple[str, str | None, str | None] | None:
    kind, id_, url = split_reference(text)
    if id_ is not None:
        return "reference", None, id_
    # An id alone is read as an address, which a reference to it is not.
    return ("reference", None, url) if kind is None and url and "/" not in url else None


def _keys_of_values(values: SearchValues) -> Iterator[Key]:
    codings = [token[:3] for token in values.tokens]
    codings += [identifier[:3] for identifier in values.identifiers]
    for number, system, code in codings:
        if code is not None:
            yield number, "code", None, code
            yield number, "coding", system, code
        if system is not None:
            yield number, "system", system, None
    for number, _, id_, *_ in values.references:
        if id_ is not None:
            yield number, "reference", None, id_
