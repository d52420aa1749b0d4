"""R4's terminology operations over HTTP: of a type, and of one CodeSystem, ValueSet, ConceptMap.

The answers are those of `shared.terminology.operations`; here a call becomes its parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trucyte.fhir.parse import parse
from trucyte.records.gate import Records
from trucyte.shared.terminology.operations.answer import ANSWERS, KNOWN
from trucyte.shared.terminology.operations.given import Given, ParameterRefused
from trucyte.shared.terminology.service import Terminology
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FhirCall
from trucyte.web.api.operations.asked import BOTH, HL7, answered, given_of
from trucyte.web.api.operations.table import Level, Operation

# What a body that is no Parameters is taken for.
_RESOURCE: Final = {"ValueSet": "valueSet", "ConceptMap": "conceptMap"}
# What names the artefact at the type's level, and may not at an instance, which is it.
_NAMING: Final = ("url", "valueSet", "conceptMap", "valueSetVersion", "conceptMapVersion")
# R4 has no $lookup on an instance.
_OF_TYPE_ONLY: Final = frozenset({("CodeSystem", "lookup")})


def terminology_operations(
    terminology: Callable[[], Terminology], records: Records
) -> Sequence[Operation]:
    """Return the rows; `terminology` is asked for when one is first called."""
    return [_row(type, name, terminology, records) for type, name in ANSWERS]


def _row(
    type: str, name: str, terminology: Callable[[], Terminology], records: Records
) -> Operation:
    answer, known = ANSWERS[type, name], KNOWN[type, name]

    def handle(call: FhirCall) -> Answer:
        given = given_of(call, known, _RESOURCE.get(type, ""))
        if call.id:
            _check_unnamed(given)
            resource = parse(records.read(call.access, type, call.id).body)
            given = Given({**given.values, **_named(resource, name)})
        return answered(answer(terminology(), given))

    is_of_type = (type, name) in _OF_TYPE_ONLY
    return Operation(
        name=name,
        levels=frozenset({Level.TYPE} if is_of_type else {Level.TYPE, Level.INSTANCE}),
        types=frozenset({type}),
        methods=BOTH,
        affects_state=False,
        definition=f"{HL7}{type}-{name}",
        handler=handle,
    )


def _check_unnamed(given: Given) -> None:
    for name in _NAMING:
        if name in given.values:
            raise ParameterRefused(name=name, reason="the address says which one")


def _named(resource: Mapping[str, Any], operation: str) -> Mapping[str, Sequence[Any]]:
    """Return the parameters that mean an instance. Raises ParameterRefused."""
    type_name = resource["resourceType"]
    url, version = resource.get("url", ""), resource.get("version", "")
    if type_name == "ConceptMap" or "compose" in resource:
        return {_RESOURCE[type_name]: (resource,)}
    if not url:
        raise ParameterRefused(name="url", reason="the resource has none")
    if type_name == "ValueSet":  # one that is an expansion alone is found by its canonical
        return {"url": (f"{url}|{version}" if version else url,)}
    return {
        "system" if operation == "subsumes" else "url": (url,),
        **({"version": (version,)} if version else {}),
    }
