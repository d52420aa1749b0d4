"""How a value is found to belong to a slice."""

from collections.abc import Callable, Sequence
from typing import Any

from trucyte.fhir.definitions import Element
from trucyte.fhir.packages.library import Library, aliases
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles import values
from trucyte.fhir.profiles.bindings import binding_check
from trucyte.fhir.profiles.items import holder_of
from trucyte.fhir.profiles.paths import Step, kind_of, node_at, parse, profiles_of, values_at
from trucyte.fhir.profiles.scope import Check, Item, Scope, Terminology
from trucyte.fhir.profiles.slicing import Matches, discriminators
from trucyte.fhir.profiles.targets import Conforms, is_wrong

NodeCheck = Callable[[Node, Element | None, str, Sequence[str]], Check | None]


class Discriminators:
    """Makes the tests of slices."""

    def __init__(
        self,
        library: Library,
        terminology: Terminology,
        node_check: NodeCheck,
        conforms: Conforms,
    ) -> None:
        """Keep what definitions are followed by."""
        self._library = library
        self._definitions = library.core
        self._terminology = terminology
        self._node_check = node_check
        self._conforms = conforms

    def matcher(self, holder: Node, one: Node) -> Matches | None:
        """Return the test of a slice; None where its definition tells nothing apart."""
        listed = discriminators(holder)
        made = [self._test(one, d.get("type", "value"), d.get("path", "$this")) for d in listed]
        tests = [test for test in made if test is not None]
        if not tests:
            return None
        if len(tests) == 1:
            return tests[0]
        return lambda item, scope: all(test(item, scope) for test in tests)

    def _test(self, one: Node, kind: str, path: str) -> Matches | None:
        steps = parse(path)
        if steps is None:
            return None
        if kind in ("value", "pattern"):
            return self._by_value(one, steps)
        if kind == "exists":
            return self._by_existence(one, steps)
        if kind == "type":
            return self._by_type(one, steps)
        return self._by_profile(one, steps) if kind == "profile" else None

    # --- value and pattern --------------------------------------------------------------

    def _by_value(self, one: Node, steps: Sequence[Step]) -> Matches | None:
        if [step.name for step in steps] == ["url"] and not one.children.get("url"):
            urls = profiles_of(one)
            if urls:
                names = frozenset(name for url in urls for name in aliases(url))
                return lambda item, scope: _url(item) in names
        node: Node | None = one
        tests: list[Callable[[Any, Any, Scope], bool]] = []
        for at, step in enumerate([*steps, None]):
            if node is None:
                break
            test = self._said_at(node, steps[at:])
            if test is not None:
                tests.append(test)
            node = None if step is None else node_at(self._library, node, step)
        if not tests:
            return None
        definitions = self._definitions

        def matches(item: Item, scope: Scope) -> bool:
            found = values_at(definitions, item, steps, scope)
            return any(
                all(test(value.value, value.extra, scope) for test in tests) for value in found
            )

        return matches

    def _said_at(
        self, node: Node, left: Sequence[Step]
    ) -> Callable[[Any, Any, Scope], bool] | None:
        """Return what an element's own definition says of the value `left` steps below it."""
        fixed, pattern = values.given(node.own, "fixed"), values.given(node.own, "pattern")
        if fixed is not None:
            wanted = _below(values.exact(fixed), left)
            return lambda value, extra, scope: values.same(value, wanted)
        if pattern is not None:
            part = _below(values.exact(pattern), left)
            return None if part is None else lambda value, extra, scope: values.fits(value, part)
        return None if left else self._said_below(node)

    def _said_below(self, node: Node) -> Callable[[Any, Any, Scope], bool] | None:
        """Use a required binding, or else whatever the elements below demand."""
        codes = [str(t.get("code", "")) for t in node.types]
        binding = node.own.get("binding", {})
        if binding.get("strength") == "required" and "valueSet" in binding and codes:
            check = binding_check(self._terminology, binding["valueSet"], "required", codes[0])
        elif node.children and len(codes) == 1:
            holder = holder_of(self._definitions, codes[0])
            check = self._node_check(node, None, holder, codes)
        else:
            return None
        if check is None:
            return None
        return lambda value, extra, scope: not is_wrong(check(value, extra, scope))

    # --- the others ---------------------------------------------------------------------

    def _by_existence(self, one: Node, steps: Sequence[Step]) -> Matches | None:
        node: Node | None = one
        for step in steps:
            node = None if node is None else node_at(self._library, node, step)
        if node is None:
            return None
        wanted = node.own.get("max") != "0"
        if wanted and not node.own.get("min", 0):
            return None
        definitions = self._definitions
        return lambda item, scope: bool(values_at(definitions, item, steps, scope)) == wanted

    def _by_type(self, one: Node, steps: Sequence[Step]) -> Matches | None:
        node: Node | None = one
        for step in steps:
            if step.name == "resolve" and node is not None:
                return self._by_target_type(node, steps)
            node = None if node is None else node_at(self._library, node, step)
        if node is None:
            return None
        kinds = frozenset(str(given.get("code", "")) for given in node.types)
        definitions = self._definitions

        def matches(item: Item, scope: Scope) -> bool:
            found = values_at(definitions, item, steps, scope)
            return any((kind_of(value.value) or value.type) in kinds for value in found)

        return matches if kinds else None

    def _by_target_type(self, node: Node, steps: Sequence[Step]) -> Matches | None:
        targets = [url for given in node.types for url in given.get("targetProfile", ())]
        sources = [self._library.source(url) for url in targets]
        kinds = frozenset(str(source.get("type", "")) for source in sources if source is not None)
        definitions = self._definitions

        def matches(item: Item, scope: Scope) -> bool:
            found = values_at(definitions, item, steps, scope)
            if found:
                return any(kind_of(value.value) in kinds for value in found)
            links = values_at(definitions, item, steps[: _resolve_at(steps)], scope)
            return any(_kind_said(link.value) in kinds for link in links)

        return matches if kinds else None

    def _by_profile(self, one: Node, steps: Sequence[Step]) -> Matches | None:
        through = any(step.name == "resolve" for step in steps)
        node: Node | None = one
        for step in steps:
            if step.name != "resolve" and node is not None:
                node = node_at(self._library, node, step)
        return None if node is None else self._conforming(node, steps, through=through)

    def _conforming(self, node: Node, steps: Sequence[Step], *, through: bool) -> Matches | None:
        key = "targetProfile" if through else "profile"
        profiles = [url for given in node.types for url in given.get(key, ())]
        kinds = frozenset(str(given.get("code", "")) for given in node.types)
        if not profiles and through:
            return None
        definitions, conforms = self._definitions, self._conforms

        def matches(item: Item, scope: Scope) -> bool:
            for value in values_at(definitions, item, steps, scope):
                if not profiles and (kind_of(value.value) or value.type) in kinds:
                    return True
                found = (conforms(value.value, value.extra, scope, url) for url in profiles)
                if not all(is_wrong(one) for one in found):
                    return True
            return False

        return matches


def _resolve_at(steps: Sequence[Step]) -> int:
    return next(n for n, step in enumerate(steps) if step.name == "resolve")


def _kind_said(value: Any) -> str:
    if type(value) is not dict:
        return ""
    link = value.get("reference")
    parts = link.partition("/_history/")[0].rsplit("/", 2) if type(link) is str else []
    kind = parts[-2] if len(parts) > 1 else value.get("type")
    return kind if type(kind) is str else ""


def _url(item: Item) -> str:
    url = item.value.get("url") if type(item.value) is dict else None
    return url if type(url) is str else ""


def _below(value: Any, steps: Sequence[Step]) -> Any:
    """Return the part of a fixed value or pattern that lies below it; None where there is none."""
    for step in steps:
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        if not isinstance(value, dict):
            return None
        value = value.get(step.name)
    if isinstance(value, list) and len(value) == 1 and steps:
        return value[0]
    return value
