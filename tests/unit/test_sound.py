"""What is said fast to be sound has no fault for the checks that explain, wherever it is bent."""

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validation import sound
from trucyte.fhir.validation.sound import SoundChecks
from trucyte.fhir.validation.structure import Checks

RESOURCE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "hb-1",
    "extension": [
        {"url": "http://example.vn/a", "valueMoney": {"value": Decimal("1.50"), "currency": "VND"}},
        {"url": "http://example.vn/b", "extension": [{"url": "c", "valueInteger": -1}]},
    ],
    "identifier": [{"use": "usual", "system": "urn:oid:1.2.3", "value": "12\n3"}],
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": "Hb"},
    "subject": {"reference": "Patient/7"},
    "performer": [{"reference": "Practitioner/3", "display": "Bs An"}, {"reference": "Patient/7"}],
    "effectiveDateTime": "2026-11-22T09:12:00+07:00",
    "issued": "2026-11-22T09:12:00Z",
    "valueQuantity": {"value": Decimal("120.0"), "unit": "g/L"},
    "component": [{"code": {"text": "b"}, "valueString": "x", "_valueString": {"id": "e"}}],
}
WRONG: tuple[Any, ...] = (
    None, "", " ", "a\x00", "x" * 2_000_000, 0, -1, 2**40, True, [], {}, [None], [[]], "Patient",
    "Nobody/1", "#a", "2026-02-30", {"url": "a"}, {"coding": []}, {"reference": "Group/1"},
)  # fmt: skip


@pytest.fixture(scope="module")
def checks(definitions: Definitions) -> tuple[SoundChecks, Checks]:
    return SoundChecks(definitions), Checks(definitions)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of a tree."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places(value[key])


def bent() -> Iterator[dict[str, Any]]:
    """Yield the resource with something else, nothing, or something more at each place."""
    count = sum(1 for _ in places(RESOURCE))
    for number in range(count):
        for wrong in WRONG:
            made = copy.deepcopy(RESOURCE)
            container, key = list(places(made))[number]
            container[key] = wrong
            yield made
        made = copy.deepcopy(RESOURCE)
        container, key = list(places(made))[number]
        del container[key]
        yield made
        if isinstance(container, dict):
            for more in ("value", "valueCode", "_code", "modifierExtension", "nothing"):
                yield_more = copy.deepcopy(RESOURCE)
                list(places(yield_more))[number][0][more] = "x"
                yield yield_more


def test_sound_is_what_has_no_fault(checks: tuple[SoundChecks, Checks]) -> None:
    fast, explaining = checks
    assert fast.resource(RESOURCE, None) is None
    wrongly = [
        one
        for one in bent()
        if fast.resource(one, None) is None and explaining.resource(one, None) is not None
    ]
    assert wrongly == []


def test_what_is_sound_is_seldom_doubted(checks: tuple[SoundChecks, Checks]) -> None:
    fast, explaining = checks
    sound_ones = [one for one in bent() if explaining.resource(one, None) is None]
    assert len(sound_ones) > 20
    assert all(fast.resource(one, None) is None for one in sound_ones)


def test_ever_new_keys_are_not_remembered_for_ever(
    definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "SHAPES_MAX", 3)
    fast = SoundChecks(definitions)
    known = {"resourceType": "Patient", "id": "a"}
    assert fast.resource(known, None) is None
    for number in range(10):
        assert fast.resource({**known, f"key{number}": 1}, None) is not None
    assert fast.resource(known, None) is None
    assert fast.resource({**known, "active": True}, None) is not None  # doubted, not faulty
