"""Who is who, in memory, as pages ask for it: pairs of people who do not exist."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trucyte.records import Access
from trucyte.shared.identity.links import Decided, Link, LinkState
from trucyte.shared.identity.matching.deciding import decide
from trucyte.shared.identity.matching.explaining import explain
from trucyte.shared.identity.matching.model import load_model
from trucyte.shared.identity.matching.person import person_of_patient
from trucyte.shared.identity.newcomers import DayDone, Pair, PairPage, PairState, Verdict, Waiting
from trucyte.shared.identity.newcomers.pair import PairUnknown
from trucyte.shared.identity.newcomers.worklist import PairEnded
from trucyte.web.identity import Linked, Place, Side, Told, TwoRecords

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
BHYT = "http://fhir.hl7.org.vn/core/sid/bhyt"
ASKED = datetime(2026, 11, 20, 1, 5, tzinfo=UTC)


def patient(id: str, name: str, birth: str, number: str, card: str, phone: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [
            {"system": system, "value": value}
            for system, value in ((CCCD, number), (BHYT, card))
            if value
        ],
        "name": [{"use": "official", "text": name}],
        "gender": "male",
        "birthDate": birth,
        "telecom": [{"system": "phone", "value": phone}] if phone else [],
        "address": [{"text": "Số 1 đường Mẫu, phường Mẫu", "state": "Tỉnh Mẫu"}],
    }


RECORDS = (
    (
        patient("p1", "Nguyễn Văn Mẫu", "1985-03-15", "000085000001", "GD4000000000001",
                "0900000001"),
        patient("q1", "NGUYEN VAN MAU", "1985-05-13", "000085000017", "GD4000000000001",
                "0900000001"),
    ),
    (
        patient("p2", "Trần Thị Thử", "1990-01-02", "", "", "0900000002"),
        patient("q2", "Trần Thị Thự", "1990-01-02", "000190000002", "", ""),
    ),
    (
        patient("p3", "<b>Lê</b> " + "Ẩ" * 3000, "1990", "", "", ""),
        patient("q3", "Lê", "không rõ", "", "", ""),
    ),
)  # fmt: skip


def _pair(number: int) -> Pair:
    low, high = RECORDS[number - 1]
    one, other, model = person_of_patient(low), person_of_patient(high), load_model()
    decision = replace(decide(one, other, model.weigh(one, other), model), verdict="unsure")
    return Pair(
        number, f"Patient/{low['id']}", f"Patient/{high['id']}", PairState.OPEN, decision,
        model.version, ASKED + timedelta(hours=number), None, "",
    )  # fmt: skip


def _side(resource: dict[str, Any]) -> Side:
    places = [Place("79001", "2025-09-03", "2026-11-22", 4), Place("00003", "", "", 1)]
    return Side(resource, ASKED - timedelta(days=400), ASKED, 3, places)


@dataclass
class FakeIdentityBook:
    """An `IdentityBook` over three pairs; who may see nobody sees none."""

    pairs: dict[int, Pair] = field(default_factory=lambda: {n: _pair(n) for n in (1, 2, 3)})
    told: dict[int, list[Told]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=lambda: {"p4": "q1"})

    def page(
        self, access: Access, states: Sequence[PairState], *, facility: str, after: int, count: int
    ) -> PairPage:
        mine = [one for one in self._seen(access) if one.state in states and one.number > after]
        kept = [] if facility == "Organization/none" else mine
        return PairPage(tuple(kept[:count]), None)

    def decided(self, access: Access) -> Sequence[Pair]:
        return [one for one in self._seen(access) if one.decided_by]

    def waiting(self, access: Access) -> Waiting:
        count = len(self.page(access, [PairState.OPEN], facility="", after=0, count=9).pairs)
        return Waiting(count, [("Organization/o5", count)] if count else [])

    def done(self, access: Access, since: datetime) -> DayDone:
        return DayDone(len(self.decided(access)) + 12, len(self.decided(access)))

    def one(self, access: Access, number: int) -> Pair:
        for pair in self._seen(access):
            if pair.number == number:
                return pair
        raise PairUnknown

    def beside(self, access: Access, number: int, facility: str) -> tuple[int | None, int | None]:
        waits = [one.number for one in self._seen(access) if one.state is PairState.OPEN]
        before = [one for one in waits if one < number]
        behind = [one for one in waits if one > number] or [one for one in waits if one != number]
        return (before[-1] if before else None), (behind[0] if behind else None)

    def pair(self, access: Access, number: int, language: str) -> TwoRecords:
        pair = self.one(access, number)
        low, high = RECORDS[number - 1]
        access.recorder.shown(access, (1, 2), "match Patient")
        history = list(reversed(self.told.get(number, [])))
        return TwoRecords(_side(low), _side(high), history, pair, explain(pair.decision, language))

    def decide(self, access: Access, number: int, verdict: Verdict, note: str) -> Pair:
        pair = self.one(access, number)
        if pair.state not in (PairState.OPEN, PairState.LATER):
            raise PairEnded(state=pair.state.value)
        return self._move(access, pair, verdict, note)

    def revise(
        self, access: Access, number: int, verdict: Verdict, *, was: PairState, reason: str
    ) -> Pair:
        pair = self.one(access, number)
        if pair.state is not was:
            raise PairEnded(state=pair.state.value)
        return self._move(access, pair, verdict, reason)

    def linked(self, access: Access, id: str) -> Sequence[Linked]:
        other = self.joined.get(id)
        if other is None:
            return ()
        told = _told("p4", other, LinkState.LINKED, ("same-insurance-number",), "", "identity")
        return [
            Linked("Patient/q1", RECORDS[0][1], told),
            Linked("from/nut-mau/Patient/x9", None, None),
        ]

    def two(self, access: Access, one: str, other: str) -> TwoRecords:
        if self.joined.get(one) != other:
            raise PairUnknown
        told = _told(one, other, LinkState.LINKED, ("clerk",), "đã gọi điện hỏi", "pages")
        return TwoRecords(_side(RECORDS[0][0]), _side(RECORDS[0][1]), [told])

    def unlink(self, access: Access, one: str, other: str, reason: str) -> None:
        if self.joined.pop(one, None) != other:
            raise PairUnknown

    def organisation(self, access: Access, reference: str) -> str:
        return "Trạm Y tế Xã Mẫu Mới"

    def _seen(self, access: Access) -> list[Pair]:
        if access.sees_organisations is not None:
            return []
        return [self.pairs[number] for number in sorted(self.pairs)]

    def _move(self, access: Access, pair: Pair, verdict: Verdict, note: str) -> Pair:
        state = {
            Verdict.LINK: PairState.LINKED,
            Verdict.DIFFER: PairState.DIFFERENT,
            Verdict.LATER: PairState.LATER,
            Verdict.UNLINK: PairState.BROKEN,
        }[verdict]
        moved = replace(pair, state=state, decided_at=ASKED, decided_by=access.caller)
        self.pairs[pair.number] = moved
        if verdict is not Verdict.LATER:
            told = _told(pair.low, pair.high, LinkState(state.value), ("clerk",), note, "pages")
            self.told.setdefault(pair.number, []).append(told)
        return moved


def _told(
    one: str, other: str, state: LinkState, rules: tuple[str, ...], note: str, by: str
) -> Told:
    decided = Decided(rules, "mau-1", note=note)
    return Told(Link("l1", one, other, state, decided, ASKED, 1), by)
