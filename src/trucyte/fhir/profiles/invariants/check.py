"""Invariants: rules in FHIRPath, compiled once (R4 2.27.0.5 `constraint`).

What structure has already proved is not evaluated again. The rules that nearly every
resource meets are plain Python, each held against its FHIRPath in a test.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from trucyte.fhir.profiles.invariants.natives import NATIVE, Native
from trucyte.fhir.profiles.rules import INVARIANT, INVARIANT_SKIPPED, INVARIANT_WARNING
from trucyte.fhir.profiles.scope import Check, Scope
from trucyte.fhir.validation.fault import Fault, Found

# Proved by the checks of structure and references, wherever they appear. dom-6 is good
# practice, and its absence no finding: most machine-made records have no narrative.
PROVED = frozenset(
    {"ele-1", "ext-1", "dom-2", "dom-3", "dom-6", "txt-1", "txt-2", "sqty-1", "ref-1"}
)
_HUMAN_MAX = 300
# Where R4's expression says something else than R4's own sentence beside it.
ERRATA = {
    # FHIR's own boolean is meant, not that of the language.
    "operator = 'exists' implies (answer is Boolean)": (
        "operator = 'exists' implies (answer is boolean)"
    ),
    # Parameters of a resource type have target profiles too, as later releases say.
    "targetProfile.exists() implies (type = 'Reference' or type = 'canonical')": (
        "targetProfile.exists() implies (type = 'Reference' or type = 'canonical' or "
        "type.memberOf('http://hl7.org/fhir/ValueSet/resource-types'))"
    ),
    # "If there are more than one enableWhen": the expression begins at three.
    "enableWhen.count() > 2 implies enableBehavior.exists()": (
        "enableWhen.count() > 1 implies enableBehavior.exists()"
    ),
}

# Does the rule hold for a value? None: it could not be evaluated.
Holds = Callable[[Any, Any, Scope], bool | None]


class Evaluator(Protocol):
    """Compiles an expression for elements of a type."""

    def rule(self, expression: str, type_name: str) -> Holds | None:
        """Return what says whether the rule holds, None where the expression is none."""


class Invariants:
    """Makes checks of rules."""

    def __init__(self, evaluator: Evaluator | None) -> None:
        """Keep what evaluates FHIRPath; without it only plain rules are checked."""
        self._evaluator = evaluator
        self._checks: dict[tuple[str, str, str, str], Check | None] = {}

    def checks(
        self, rules: Iterable[Mapping[str, Any]], type_name: str, known: Iterable[str] = ()
    ) -> list[Check]:
        """Return the checks of the rules whose keys are neither proved nor `known`."""
        skipped = PROVED | set(known)
        made = [
            self._check(rule, type_name) for rule in rules if rule.get("key", "") not in skipped
        ]
        return [check for check in made if check is not None]

    def _check(self, rule: Mapping[str, Any], type_name: str) -> Check | None:
        expression = str(rule.get("expression", ""))
        expression = ERRATA.get(expression, expression)
        if not expression:
            return None
        key = (str(rule.get("key", "")), expression, str(rule.get("severity", "")), type_name)
        if key not in self._checks:
            native = NATIVE.get(expression)
            holds = None if native is None else _of_objects(native)
            if holds is None and self._evaluator is not None:
                holds = self._evaluator.rule(expression, type_name)
            self._checks[key] = None if holds is None else _checked(rule, holds)
        return self._checks[key]


def _of_objects(native: Native) -> Holds:
    """Ask a plain rule of objects only; what is none is a fault of structure."""
    return lambda value, extra, scope: type(value) is not dict or native(value, extra, scope)


def _checked(rule: Mapping[str, Any], holds: Holds) -> Check:
    kind = INVARIANT if rule.get("severity") == "error" else INVARIANT_WARNING
    facts = {"key": str(rule.get("key", "")), "human": str(rule.get("human", ""))[:_HUMAN_MAX]}
    broken = [Fault(kind, facts)]
    skipped = [Fault(INVARIANT_SKIPPED, facts)]

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        answer = holds(value, extra, scope)
        if answer:
            return None
        return skipped if answer is None else broken

    return check
