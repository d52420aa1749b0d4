"""No signature without a licence: asked of every write that comes through the API.

Acts of signing are read from a table (`acts`). Each is judged at the time it says; one that
takes effect on acceptance, such as a prescription, at this moment too. A licence that was
revoked or suspended since refuses what claims to be older: the claimed time is the
signer's own word. A version that alters nothing but its labels is no new signature.

Files that are taken in, claims among them, tell of the past and do not come through here.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from trucyte.base.clock import Clock
from trucyte.base.tracing import Event
from trucyte.fhir.parse import parse
from trucyte.fhir.search.moments import moment_range
from trucyte.records.access import Access
from trucyte.shared.identity.registers.acts import Act, acts_of
from trucyte.shared.identity.registers.licence import numbers_of
from trucyte.shared.identity.registers.problems import OF_REASON, SignerLostSince, SignerRefused
from trucyte.shared.identity.registers.reader import Registers, key_of
from trucyte.shared.identity.registers.standing import UNTOLD, Standing, Why

UNTOLD_SIGNER: Final = Event("registers.signer-untold", logging.INFO, act=str, why=str)
_LOST: Final = frozenset({Why.REVOKED, Why.SUSPENDED})
_SIGNERS: Final = frozenset({"Practitioner", "PractitionerRole"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Json = Mapping[str, Any]
_At = Callable[[datetime], Standing]


class Signing:
    """Judges who signs. Safe to share between threads."""

    def __init__(self, registers: Registers, access: Access, clock: Clock) -> None:
        """Ask `registers` with an access that shows nothing to anyone."""
        self._registers = registers
        self._access = access
        self._clock = clock

    def check(
        self,
        resource: Json,
        before: bytes | None,
        coming: Mapping[str, Json] = MappingProxyType({}),
        found: dict[object, Any] | None = None,
    ) -> None:
        """Raise a SignerRefused, with its place, where someone signs who may not.

        `before` is the body that the resource replaces, `coming` what is written together
        with it, by "Type/id": who signs may be among that. In `found` is kept what is known
        of signers, so that all that is decided together is judged by the same.
        """
        acts = acts_of(resource)
        if not acts or (before is not None and _is_same(resource, parse(before))):
            return
        known: dict[object, Any] = {} if found is None else found
        for act in acts:
            signer = signer_of(act.signer, resource)
            if signer is None:
                continue
            asked = (act.kind.name, key_of(signer), act.moment)
            if asked not in known:
                known[asked] = self._judged(act, self._at(signer, coming, known), known)
            refusal: type[SignerRefused] | None = known[asked]
            if refusal is not None:
                problem = refusal(type=act.kind.type)
                problem.location = act.place
                raise problem

    def _at(self, signer: Json, coming: Mapping[str, Json], known: dict[object, Any]) -> _At:
        key = key_of(signer)
        if key not in known:
            known[key] = self._registers.asked(self._access, signer, coming)
        at: _At = known[key]
        return at

    def _judged(self, act: Act, at: _At, known: dict[object, Any]) -> type[SignerRefused] | None:
        now = self._clock.now()
        present = at(now)
        told = present if act.kind.is_now else _best(at, act.moment, now)
        if told.may_sign and act.kind.is_now:
            told = _best(at, act.moment, now)
        if not told.may_sign:
            return OF_REASON[told.why]
        if present.why in _LOST:
            return SignerLostSince
        said = (act.kind.name, told.why)
        if told.why in UNTOLD and said not in known:
            known[said] = True
            UNTOLD_SIGNER.log(act=act.kind.name, why=told.why.value)
        return None


def _best(at: _At, text: str, now: datetime) -> Standing:
    """Return the standing at a claimed time; where that is a day, the best of its ends."""
    found = [at(moment) for moment in _moments(text, now)]
    return next((one for one in found if one.may_sign), found[-1])


def _moments(text: str, now: datetime) -> Iterator[datetime]:
    """Yield first and last moment of what a text covers, none behind this one."""
    try:
        low, high = moment_range(text)
    except ValueError:
        yield now  # silent; a text that is no date was refused before
        return
    for microseconds in (low, high - 1):
        yield min(_EPOCH + timedelta(microseconds=microseconds), now)


def signer_of(reference: Json, resource: Json) -> Json | None:
    """Return the Reference to a practitioner who signs; None for anyone else."""
    target = str(reference.get("reference", ""))
    if target.startswith("#"):
        return _contained(target[1:], resource)
    if target.partition("/")[0] in _SIGNERS or reference.get("type") in _SIGNERS:
        return reference
    identifier = reference.get("identifier")
    return reference if isinstance(identifier, Mapping) and not target else None


def _contained(id_: str, resource: Json) -> Json | None:
    held = resource.get("contained")
    for one in held if isinstance(held, list) else ():
        if not isinstance(one, Mapping) or one.get("id") != id_:
            continue
        if one.get("resourceType") == "PractitionerRole":
            practitioner = one.get("practitioner")
            return practitioner if isinstance(practitioner, Mapping) else None
        if one.get("resourceType") == "Practitioner":
            numbers = sorted(numbers_of(one))
            return (
                {"identifier": dict(zip(("system", "value"), numbers[0], strict=True))}
                if (numbers)
                else {}
            )
    return None


def _is_same(resource: Json, before: Json) -> bool:
    """Say whether two versions differ in their labels at most."""
    return {**resource, "meta": None} == {**before, "meta": None}
