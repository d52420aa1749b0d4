"""`$meta`, `$meta-add` and `$meta-delete` of one resource (R4 resource-operation-meta).

A change of labels is a version like any other: the journal is append-only, and who labelled
what as restricted, and when, must stay visible (decision 0190).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trucyte.fhir.parse import parse
from trucyte.fhir.patch.labels import LABELS, LabelPatch
from trucyte.intake.interactions import Interactions
from trucyte.records.gate import Records
from trucyte.records.shown import Resource
from trucyte.shared.terminology.operations.given import ParameterRefused
from trucyte.web.api.answers import of_version
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.headers import read_if_match
from trucyte.web.api.operations.asked import GET, HL7, POST, answered, given_of
from trucyte.web.api.operations.table import Level, Operation

# What a client has from reading, and gives back: the node's own.
_OWN: Final = frozenset({"versionId", "lastUpdated"})


def label_operations(records: Records, interactions: Interactions | None) -> Sequence[Operation]:
    """Return the rows; without `interactions` only `$meta` is there."""

    def read(call: FhirCall) -> Answer:
        given_of(call, {})
        return _answer(records.read(call.access, call.type, call.id))

    def row(name: str, methods: frozenset[str], handler: Any) -> Operation:
        return Operation(
            name=name,
            levels=frozenset({Level.INSTANCE}),
            methods=methods,
            affects_state=methods == POST,
            definition=f"{HL7}Resource-{name}",
            handler=handler,
            documentation="" if methods == GET else "Makes a new version.",
        )

    if interactions is None:
        return [row("meta", GET, read)]
    return [
        row("meta", GET, read),
        row("meta-add", POST, _changing(interactions, is_removal=False)),
        row("meta-delete", POST, _changing(interactions, is_removal=True)),
    ]


def _changing(interactions: Interactions, *, is_removal: bool) -> Any:
    def change(call: FhirCall) -> Answer:
        labels = given_of(call, {"meta": "meta"}).json("meta")
        if labels is None:
            raise ParameterRefused(name="meta", reason="it is needed")
        _check(labels)
        patch = LabelPatch(labels, is_removal=is_removal)
        if_match = read_if_match(call.headers.get("if-match"))
        written = interactions.patch(call.access, call.type, call.id, patch, if_match=if_match)
        return _answer(written.resource)

    return change


def _check(labels: Mapping[str, Any]) -> None:
    """Refuse what is no label, before anything is written. Raises ParameterRefused."""
    if not labels.keys() - _OWN <= set(LABELS):
        raise ParameterRefused(name="meta", reason="only profile, security and tag")
    for name in LABELS:
        kind: type = str if name == "profile" else dict
        listed = labels.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(one, kind) for one in listed):
            raise ParameterRefused(name="meta", reason=f"{name} is not a list of such")


def _answer(resource: Resource) -> Answer:
    meta = parse(resource.body)["meta"]
    shown = answered(
        {"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": meta}]}
    )
    return Answer(200, shown.body, FHIR_JSON, of_version(resource))
