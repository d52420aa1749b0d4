"""Decide one visit: who comes where, when, for what, and how it ends."""

from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from itertools import accumulate

from trucyte.intake.claims.tables import Variant
from trucyte.synth.catalogue import Diagnosis, load_catalogue
from trucyte.synth.country import COMMUNE, SPECIALISED, Facility, Staff
from trucyte.synth.dice import Dice
from trucyte.synth.people import HOUSEHOLD, Person, Population
from trucyte.synth.times import DAY, at, end_of_day
from trucyte.vietnam.calendar import last_working_day
from trucyte.vietnam.sensitivity import load_triggers

_STREAM_VISIT = 5
_NEW_CARE_FROM = date(2026, 8, 1).toordinal()  # Decision 1804/2026
_TRIES = 400

# Shares of kinds of care, per mille; commune stations do only what they can.
_CARE = {
    "01": 822, "05": 62, "08": 12, "03": 64, "04": 5, "07": 9, "09": 5, "02": 12,
    "06": 3, "10": 1, "11": 1, "12": 1, "13": 1, "14": 1, "15": 1, "16": 1,
}  # fmt: skip
_COMMUNE_CARE = {"01": 900, "05": 60, "07": 30, "06": 10}
_COMMUNE_DIAGNOSES = frozenset(
    (
        *("J02.9", "J06.9", "J00", "A09", "I10", "E11.9", "M54.5", "L50.9", "H10.9"),
        *("R42", "K29.7", "B35.4", "Z34.9"),
    )
)
_SENSITIVE = ("B20", "B20", "Z20.6", "O04.9", "F20.9", "A15.0", "A15.0", "F32.1", "F41.1")


@dataclass(frozen=True, slots=True)
class Case:
    """A visit decided beforehand, and whom it needs."""

    care: str
    code: str
    sex: str = ""
    age_max: int = 120
    is_worker: bool = False

    def suits(self, person: Person, age: int, diagnosis: Diagnosis) -> bool:
        """Say whether the person can be the patient."""
        if self.is_worker and not person.employer:
            return False
        if age > self.age_max or self.sex not in ("", person.sex):
            return False
        return _fits(diagnosis, person.sex, age) and bool(person.cards)


# Every `_RICH_EVERY`th visit is one of these, with all its papers, so that nothing rare is missing.
_RICH_EVERY = 36
_RICH = (
    Case("03", "O82.0"),
    Case("03", "I21.9"),
    Case("03", "O03.9"),
    Case("01", "O20.0", is_worker=True),
    Case("02", "M51.1"),
    Case("03", "S72.0"),
    Case("03", "J18.0", age_max=5),
    Case("01", "J06.9", age_max=5),
    Case("01", "M54.5", is_worker=True),
    Case("03", "D50.9"),
    Case("05", "B20", sex="2", age_max=44),
    Case("01", "O04.9", is_worker=True),
    Case("02", "A15.0"),
    Case("01", "M53.1"),
)
_TRANSFERRED = ("M51.1", "S72.0")
STAYS = frozenset(("03", "04", "06", "09"))
COURSES = frozenset(("02", "05", "07"))  # NGAY_RA is the last day of drug use
_PAPERS_TELL = ("A15.0", "O03.9")  # XML15, and the termination fields of XML7 and XML11
_ON_ROUTE_2025 = ("1.1", "1.1", "1.1", "1.3", "1.5", "1.12", "1.15", "1.4", "1.16", "3.3")
_ON_ROUTE = ("1.1", "1.1", "1.1", "1.3", "1.5", "1.4", "3.3")
_BEFORE_2025 = (Variant.D4210, Variant.D130, Variant.D4750)


@dataclass(slots=True)
class Plan:
    """All that is decided before rows are written. Moments are minutes (see `times`)."""

    number: int
    population: Population
    variant: Variant
    dice: Dice
    facility: Facility
    person: Person
    diagnosis: Diagnosis
    care: str
    arrival: int
    admitted: int  # 0: no admission
    contact_end: int  # the last real contact
    leave: int  # NGAY_RA
    paid: int  # 0: left without paying
    category: str  # MA_DOITUONG_KCB
    benefit: int  # MUC_HUONG in tenths before the low-cost rule; 0: not insured
    method: str  # MA_PTTT
    doctor: Staff
    nurse: Staff
    result: str
    discharge: str
    companions: list[str]
    drug_days: int = 0
    is_sensitive: bool = False
    is_terminated: bool = False
    may_test_hiv: bool = True
    departments: list[str] = field(default_factory=list)
    appointment: int = 0  # ordinal of the next visit
    has_pregnancy_rest: bool = False
    is_rich: bool = False  # has every optional paper and field

    @property
    def day(self) -> int:
        """The ordinal of the arrival."""
        return self.arrival // DAY

    def may(self, probability: float) -> bool:
        """Say yes with that probability, and always in a rich visit."""
        return self.dice.happens(probability) or self.is_rich

    @property
    def link(self) -> str:
        """MA_LK."""
        return f"{self.facility.code}.SYN{self.number:09d}"

    @property
    def patient(self) -> str:
        """MA_BN: the facility's own number of the person."""
        return f"BN{self.facility.number:02d}-{self.person.serial:08d}"

    @property
    def father(self) -> Person:
        """The man of the household."""
        return self.population.person(self.person.household.index, 0, self.facility)

    @property
    def mother(self) -> Person:
        """The woman of the household."""
        return self.population.person(self.person.household.index, 1, self.facility)

    @property
    def age(self) -> int:
        """The person's age at arrival."""
        return self.person.age(self.day)

    @property
    def is_birth(self) -> bool:
        """Whether a child is born."""
        return self.care == "03" and self.diagnosis.code in ("O80.9", "O82.0")

    @property
    def is_stay(self) -> bool:
        """Whether the person lies in a bed."""
        return self.care in STAYS

    @property
    def is_insured(self) -> bool:
        """Whether a fund pays."""
        return self.benefit > 0


def visit_dice(seed: int, number: int) -> Dice:
    """Return the chance that belongs to one visit."""
    return Dice(seed, _STREAM_VISIT, number)


def make_plan(
    population: Population,
    *,
    number: int,
    day: int,
    facility: Facility,
    homes: int,
    variant: Variant,
    sensitive: float,
) -> Plan:
    """Decide visit `number` at a facility on about `day`; `homes` households live near it."""
    dice = visit_dice(population.seed, number)
    is_sensitive = facility.tier != COMMUNE and dice.happens(sensitive)
    case = _rich_case(number, facility, sensitive)
    if case is None and is_sensitive:
        chosen = dice.pick(_SENSITIVE)
        case = Case(next(iter(load_catalogue().diagnoses[chosen].care)), chosen)
    care, person, diagnosis = _who(dice, population, facility, homes, day, case)
    opening = day if care in ("03", "09") else last_working_day(date.fromordinal(day)).toordinal()
    arrival = at(opening, _arrival_minute(dice, care))
    plan = Plan(
        number=number,
        population=population,
        variant=variant,
        dice=dice,
        facility=facility,
        person=person,
        diagnosis=diagnosis,
        care=care,
        arrival=arrival,
        admitted=0,
        contact_end=arrival,
        leave=arrival,
        paid=0,
        category="",
        benefit=0,
        method="2" if facility.tier == COMMUNE else dice.pick("1111113"),
        doctor=facility.staff[1 + dice.between(0, 13)],
        nurse=facility.staff[15 + dice.between(0, 8)],
        result="2",
        discharge="1",
        companions=[],
        is_sensitive=_is_sensitive(diagnosis.code),
        may_test_hiv=sensitive > 0,
        is_terminated=diagnosis.code in ("O04.9", "O03.9"),
    )
    plan.is_rich = number % _RICH_EVERY == _RICH_EVERY - 1
    plan.companions = _companions(plan)
    plan.departments = _departments(plan)
    _set_clock(plan)
    _set_ending(plan)
    _set_cover(plan)
    if plan.diagnosis.code in ("O20.0", "Z34.9") and person.employer:
        plan.has_pregnancy_rest = plan.may(0.5)
    return plan


def _rich_case(number: int, facility: Facility, sensitive: float) -> Case | None:
    if number % _RICH_EVERY != _RICH_EVERY - 1 or facility.tier == COMMUNE:
        return None
    cases = _RICH if sensitive else [case for case in _RICH if not _is_sensitive(case.code)]
    turn = number // _RICH_EVERY  # each round starts three further on, so none meets
    return cases[(turn + 3 * (turn // len(cases))) % len(cases)]  # the same facility again


def _who(
    dice: Dice,
    population: Population,
    facility: Facility,
    homes: int,
    day: int,
    case: Case | None,
) -> tuple[str, Person, Diagnosis]:
    catalogue = load_catalogue()
    month = date.fromordinal(day).month
    care = case.care if case else _care(dice, facility)
    if care > "10" and day < _NEW_CARE_FROM + 7:  # a visit may move to the working day before
        care = "01"
    fallback: Person | None = None
    for _ in range(_TRIES):
        person = _passer_by(dice, population, facility, homes)
        age = person.age(day)
        if person.birth > day - 10:
            continue
        fallback = fallback or person
        if case is None:
            found = _diagnosis(dice, person, age, care, month, facility.tier == COMMUNE)
        else:
            wanted = catalogue.diagnoses[case.code]
            found = wanted if case.suits(person, age, wanted) else None
        if found:
            return care, person, found
    return "01", fallback or person, catalogue.diagnoses["J06.9"]


def _passer_by(dice: Dice, population: Population, facility: Facility, homes: int) -> Person:
    # a third of the visits are made by the tenth of people who come often
    reach = max(1, homes // 10) if dice.happens(0.34) else homes
    index = dice.between(0, reach - 1) * population.facilities + facility.number - 1
    return population.person(index, dice.between(0, HOUSEHOLD - 1), facility)


def _care(dice: Dice, facility: Facility) -> str:
    table = _COMMUNE_CARE if facility.tier == COMMUNE else _CARE
    return dice.weighed(tuple(table), tuple(accumulate(table.values())))


def _fits(diagnosis: Diagnosis, sex: str, age: int) -> bool:
    return diagnosis.sex in ("", sex) and diagnosis.age_min <= age <= diagnosis.age_max


def _diagnosis(
    dice: Dice, person: Person, age: int, care: str, month: int, is_commune: bool
) -> Diagnosis | None:
    is_chronic = care in ("05", "07", "08")
    table = _table(care, person.sex, age, 0 if is_chronic else month, is_commune)
    if not table[0]:
        return None
    if is_chronic and person.leaning > _chronic_share(age):
        return None
    chance = person.leaning / _chronic_share(age) if is_chronic else dice.chance()
    code = table[0][min(int(_place(table[1], chance)), len(table[0]) - 1)]
    return load_catalogue().diagnoses[code]


def _chronic_share(age: int) -> float:
    return 0.03 if age < 15 else 0.08 if age < 40 else 0.4 if age < 60 else 0.72


def _place(cumulative: tuple[float, ...], chance: float) -> int:
    target = chance * cumulative[-1]
    return next((n for n, value in enumerate(cumulative) if value > target), len(cumulative) - 1)


@lru_cache(maxsize=40_000)
def _table(
    care: str, sex: str, age: int, month: int, is_commune: bool
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    catalogue = load_catalogue()
    codes, weights = [], []
    for code, diagnosis in catalogue.diagnoses.items():
        if _is_sensitive(code) or (is_commune and code not in _COMMUNE_DIAGNOSES):
            continue
        weight = diagnosis.care.get("01" if is_commune and care == "06" else care, 0)
        if weight and _fits(diagnosis, sex, age):
            curve = catalogue.seasons[diagnosis.season]
            codes.append(code)
            weights.append(weight * (curve[month - 1] if month else 83))
    return tuple(codes), tuple(accumulate(weights))


def _arrival_minute(dice: Dice, care: str) -> int:
    if care in ("03", "09"):
        return dice.between(0, 22 * 60)
    return dice.between(7 * 60, 11 * 60) if dice.happens(0.7) else dice.between(13 * 60, 15 * 60)


def _companions(plan: Plan) -> list[str]:
    chosen = [code for code in plan.diagnosis.companions if plan.dice.happens(0.55)]
    return [
        code
        for code in chosen
        if code != plan.diagnosis.code and (plan.is_sensitive or not _is_sensitive(code))
    ]


@cache
def _is_sensitive(code: str) -> bool:
    """Say whether a disease makes a visit sensitive: by code, by name or by its papers."""
    row = {"MA_BENH_CHINH": code, "CHAN_DOAN_RV": load_catalogue().names[code]}
    return code in _PAPERS_TELL or bool(load_triggers().of_visit({"XML1": [row]}))


def _departments(plan: Plan) -> list[str]:
    if not plan.is_stay or plan.care == "09":
        return ["K01"] if plan.care == "01" else [plan.diagnosis.department]
    own = plan.diagnosis.department
    first = ["K02"] if plan.care == "03" and plan.dice.happens(0.12) and own != "K02" else []
    return [*first, own]


def _set_clock(plan: Plan) -> None:
    dice, care = plan.dice, plan.care
    if care in ("03", "06"):
        plan.admitted = plan.arrival + dice.between(20, 150)
        days = dice.between(2, 9) if care == "03" else dice.between(1, 3)
        plan.leave = at(plan.day + days, dice.between(9 * 60, 16 * 60))
    elif care == "04":
        plan.admitted = plan.arrival + dice.between(20, 60)
        plan.leave = at(plan.day, 16 * 60 + dice.between(0, 55))
    elif care == "09":
        plan.admitted = plan.arrival + dice.between(10, 30)
        plan.leave = plan.admitted + dice.between(70, 230)
    elif care in ("02", "05", "07"):
        plan.drug_days = 30 if care != "02" else dice.between(7, 10)
        plan.leave = end_of_day(plan.day + plan.drug_days - 1)
    elif care == "08":
        plan.leave = at(plan.day + dice.between(0, 3), 16 * 60 + dice.between(0, 59))
    else:
        plan.leave = plan.arrival + dice.between(75, 240)
    plan.contact_end = plan.leave
    if care in COURSES:
        plan.contact_end = plan.arrival + dice.between(60, 200)
    if not dice.happens(0.015):
        plan.paid = plan.contact_end + dice.between(2, 45)


def _set_ending(plan: Plan) -> None:
    dice = plan.dice
    if plan.is_rich and plan.diagnosis.code in _TRANSFERRED:
        plan.result, plan.discharge = "3", "2"
    elif plan.care == "03":
        _end_stay(plan, dice.chance())
    elif dice.happens(0.012):
        plan.result, plan.discharge = "3", dice.pick("25")
    elif plan.care == "01":
        plan.result = dice.pick("2222227")
    if plan.result != "5" and plan.discharge == "1" and plan.may(_again(plan.care)):
        last = plan.leave // DAY
        plan.appointment = last + (dice.between(5, 14) if plan.care == "01" else 1)


def _end_stay(plan: Plan, roll: float) -> None:
    dice = plan.dice
    if roll < 0.012:
        plan.result = "5"
    elif roll < 0.03:
        plan.result, plan.discharge = "6", "4"
    elif roll < 0.1:
        plan.result, plan.discharge = "4", dice.pick("225")
    elif roll < 0.13:
        plan.result, plan.discharge = "3", "3"
    else:
        plan.result = dice.pick("11222222")


def _again(care: str) -> float:
    return 0.9 if care in ("05", "07") else 0.35 if care == "03" else 0.12


def _set_cover(plan: Plan) -> None:
    card = plan.person.card(plan.day)
    if card is None:
        plan.category = "9"
        return
    share = {"1": 1000, "2": 1000, "3": 950, "4": 800, "5": 1000}[card.digit]
    route = 100
    if plan.care == "07":
        plan.category = "10" if plan.dice.happens(0.9) else "7.4"
    elif plan.care in ("03", "09") and plan.dice.happens(0.35):
        plan.category = "2"
    elif plan.facility.tier == COMMUNE:
        plan.category, share = "1.2", 1000
    elif plan.diagnosis.code in ("B20", "Z20.6") and plan.variant in _BEFORE_2025:
        plan.category = "1.9"
    else:
        plan.category, route = _route(plan)
    plan.benefit = share * route // 100


def _route(plan: Plan) -> tuple[str, int]:
    """Return MA_DOITUONG_KCB and the share of the benefit rate that the route leaves."""
    dice = plan.dice
    if plan.facility.tier == SPECIALISED and dice.happens(0.3 if plan.care == "03" else 0.12):
        if plan.care == "03":
            return "3.1", 40
        if plan.variant is Variant.D1931:
            return dice.pick(("1.13", "1.14", "1.18")), 50
    return dice.pick(_ON_ROUTE if plan.variant in _BEFORE_2025 else _ON_ROUTE_2025), 100
