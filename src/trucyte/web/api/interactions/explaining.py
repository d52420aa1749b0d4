"""`_why`: which rules decided, told to who may read the trail; nothing of any record.

The answer is made before anything is read: it says the same whether a record is hidden, or
was never there. It is FHIR Parameters, one part a rule, with its words and its article.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import orjson

from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.routes import Row

WHY: Final = "_why"
_LETTERS: Final = {"read": "r", "vread": "r", "history": "r", "search": "s"}
_TRAIL: Final = "AuditEvent"


class WhyForAuditors(Problem):
    """Only who may read the trail may ask which rule decided."""

    kind = Kind.FORBIDDEN
    code = "why-for-auditors"


class Ruled(NamedTuple):
    """A rule that decided, in words."""

    id: str
    effect: str
    says: str
    law: str
    is_verified: bool


# The rules that decided an access, in a language.
RulesOf = Callable[[Access, str], Sequence[Ruled]]


class Explaining:
    """Answers `_why` before others answer."""

    def __init__(self, rules_of: RulesOf) -> None:
        """Tell by `rules_of` which rules decided."""
        self._rules_of = rules_of

    def before(self, row: Row) -> Row:
        """Return a row that says why, where that is asked of what it reads."""
        letter = _LETTERS.get(row.code.partition("-")[0])
        if letter is None or row.method != "GET":
            return row

        def handler(call: FhirCall) -> Answer:
            is_asked = any(name == WHY for name, _ in call.pairs)
            return self._why(call, letter) if is_asked else row.handler(call)

        return replace(row, handler=handler)

    def _why(self, call: FhirCall, letter: str) -> Answer:
        if not call.access.may("s", _TRAIL):
            raise WhyForAuditors
        type = call.places.get("inside") or call.type
        parameters = [
            {"name": "caller", "valueString": call.access.caller},
            {"name": "purpose", "valueCode": call.access.purpose},
            {"name": "granted", "valueBoolean": not type or call.access.may(letter, type)},
            *(_part(rule) for rule in self._rules_of(call.access, call.language)),
        ]
        body = {"resourceType": "Parameters", "parameter": parameters}
        return Answer(200, orjson.dumps(body), FHIR_JSON, [("Cache-Control", "no-store")])


def _part(rule: Ruled) -> dict[str, Any]:
    told = [
        {"name": "id", "valueCode": rule.id},
        {"name": "effect", "valueCode": rule.effect},
        {"name": "says", "valueString": rule.says},
        {"name": "verified", "valueBoolean": rule.is_verified},
    ]
    if rule.law:
        told.append({"name": "law", "valueString": rule.law})
    return {"name": "rule", "part": told}
