"""Records of persons as facilities wrote them: what was true that day, and what went wrong."""

from datetime import date
from typing import Final

from trucyte.synth.country import FACILITIES_MAX
from trucyte.synth.dice import Dice
from trucyte.synth.population.columns import Row
from trucyte.synth.population.corruptions import Corruptions, NumberRates
from trucyte.synth.population.homes import draw_home
from trucyte.synth.population.name_damage import NameDamage, in_script
from trucyte.synth.population.people import END, START
from trucyte.synth.population.scripts import unaccented
from trucyte.synth.population.shapes import FEMALE, MALE, Address, Household, Person

STREAM_RECORDS: Final = 21
MERGER: Final = date(2025, 7, 1).toordinal()
NEWBORN: Final = 28  # days in which a child has no name of its own
_NUMBER_AFTER: Final = 60  # days from birth to a personal number and a card
_CHILD: Final = round(16 * 365.25)
_RECORDS_MAX: Final = 12  # of one person

# What people type into a field that must not be empty. Nobody has these: their province does
# not exist, or their century is to come.
DUMMY_NUMBERS: Final = ("000000000000", "000000000000", "123456789012", "999999999999")
DUMMY_IDENTITIES: Final = ("000000000",)
DUMMY_CARDS: Final = ("GD4000000000000", "TE1000000000000")
DUMMY_SOCIAL: Final = ("0000000000",)
DUMMY_PHONES: Final = ("0000000000", "0123456789")
_SHORT: Final = (
    ("Thành phố ", "TP. "),
    ("Tỉnh ", "T. "),
    ("Phường ", "P. "),
    ("Quận ", "Q. "),
    ("Huyện ", "H. "),
    ("Thị xã ", "TX. "),
    ("Thị trấn ", "TT. "),
    ("Xã ", "X. "),
    ("Đặc khu ", "ĐK. "),
    ("đường ", ""),
)


class Recorder:
    """Writes the records of households."""

    def __init__(self, seed: int, corruptions: Corruptions, further: float) -> None:
        """`further`: how many more records than one a person has on average."""
        self._seed = seed
        self._rates = corruptions
        self._names = NameDamage(corruptions.name)
        self._more = further / (1 + further)

    def rows(self, household: Household) -> list[Row]:
        """Return the records of all members, without their `record_id`."""
        dice = Dice(self._seed, STREAM_RECORDS, household.index)
        found = []
        for person in household.persons:
            for day in self._days(dice, person):
                found.append(self._row(dice, household, person, day))
        return found

    def _days(self, dice: Dice, person: Person) -> list[int]:
        count = 1
        while count < _RECORDS_MAX and dice.chance() < self._more:
            count += 1
        first = max(START, person.birth)
        days = [dice.between(first, END) for _ in range(count)]
        if person.birth > START and dice.happens(0.7):  # born in a facility, and known there
            days[0] = min(END, person.birth + dice.between(0, 6))
        return days

    def _row(self, dice: Dice, household: Household, person: Person, day: int) -> Row:
        errors: list[str] = []
        script = self._names.script(dice)
        is_newborn = person.mother is not None and day - person.birth < NEWBORN
        mother = person.mother
        if is_newborn and mother is not None:
            name = self._newborn_name(dice, mother, script, errors)
        else:
            name = self._name(dice, person, script, errors)
        numbers = self._numbers(dice, person, day, errors)
        if is_newborn and mother is not None:
            self._lend(dice, mother, numbers, errors)
        address = self._address(dice, household, day, errors)
        return [
            "",
            f"P{household.index:07d}{person.place:02d}",
            f"H{household.index:07d}",
            self._facility(dice, household),
            _iso(day),
            name,
            self._birth(dice, person, day, errors),
            self._sex(dice, person, errors),
            person.ethnicity,
            *numbers,
            self._phone(dice, household, person, day, errors),
            address.text,
            address.province,
            address.commune,
            *self._kin(dice, person, day, script, errors),
            ";".join(person.situations + (("newborn",) if is_newborn else ())),
            ";".join(errors),
        ]

    def _facility(self, dice: Dice, household: Household) -> str:
        home = int(household.homes[0].new.province) % FACILITIES_MAX + 1
        number = home if dice.happens(0.55) else dice.between(1, FACILITIES_MAX)
        return f"{number:05d}"

    def _name(self, dice: Dice, person: Person, script: int, errors: list[str]) -> str:
        name = person.name
        families = 0 if name.given_first else len(name.family)
        text = self._names.written(dice, name.words, families, script, errors)
        return self._names.titled(dice, text, person.sex, errors)

    def _newborn_name(self, dice: Dice, mother: Person, script: int, errors: list[str]) -> str:
        """Return the mother's name, mostly said to be hers (claims: HO_TEN of a newborn)."""
        errors.append("newborn.parent_name")
        lead = dice.pick(("Con bà ", "Con bà ", "CB ", ""))
        text = f"{lead}{mother.name.text}"
        if dice.happens(0.6):
            text = text.upper()
        return in_script(text, script, errors)

    def _lend(self, dice: Dice, mother: Person, numbers: list[str], errors: list[str]) -> None:
        """Write the mother's number or card into the record of her newborn."""
        if mother.personal_number and dice.happens(0.35):
            numbers[0] = mother.personal_number
            errors.append("newborn.parent_number")
        if mother.card_number and dice.happens(0.4):
            numbers[3] = mother.card_number
            errors.append("newborn.parent_card")

    def _birth(self, dice: Dice, person: Person, day: int, errors: list[str]) -> str:
        rates = self._rates.birth_date
        if dice.chance() < rates.absent:
            errors.append("birth_date.absent")
            return ""
        born = date.fromordinal(person.birth)
        year, month, of_month = born.year, born.month, born.day
        if dice.chance() < rates.year_slip:
            year = _slipped_year(dice, year, date.fromordinal(day).year)
            errors.append("birth_date.year_slip")
        if person.is_year_only:
            return f"{year}-01-01" if dice.happens(0.5) else str(year)
        if dice.chance() < rates.first_of_january:
            if (month, of_month) != (1, 1):
                errors.append("birth_date.first_of_january")
            return f"{year}-01-01"
        if of_month < 13 and of_month != month and dice.chance() < rates.day_month_swapped:
            month, of_month = of_month, month
            errors.append("birth_date.day_month_swapped")
        return f"{year:04d}-{month:02d}-{of_month:02d}"

    def _sex(self, dice: Dice, person: Person, errors: list[str]) -> str:
        if dice.chance() >= self._rates.sex.wrong:
            return person.sex
        errors.append("sex.wrong")
        return MALE if person.sex == FEMALE else FEMALE

    def _numbers(self, dice: Dice, person: Person, day: int, errors: list[str]) -> list[str]:
        """Return personal, identity, passport, card and social-insurance number."""
        rates = self._rates
        has_papers = day - person.birth >= _NUMBER_AFTER
        personal = person.personal_number if has_papers else ""
        card = person.card_number if has_papers else ""
        found = [
            _number(
                dice, personal, rates.personal_number, DUMMY_NUMBERS, "personal_number", errors
            ),
            _number(
                dice,
                person.identity_number,
                rates.identity_number,
                DUMMY_IDENTITIES,
                "identity_number",
                errors,
            ),
            _number(
                dice, person.passport_number, rates.passport_number, (), "passport_number", errors
            ),
            _number(dice, card, rates.card_number, DUMMY_CARDS, "card_number", errors),
            _number(
                dice,
                person.social_number if card else "",
                rates.social_number,
                DUMMY_SOCIAL,
                "social_number",
                errors,
            ),
        ]
        if person.dummy_number:
            found[0] = person.dummy_number
            errors[:] = [error for error in errors if not error.startswith("personal_number.")]
            errors.append("personal_number.shared_dummy")
        return found

    def _phone(
        self, dice: Dice, household: Household, person: Person, day: int, errors: list[str]
    ) -> str:
        rates = self._rates.phone
        if person.is_phone_kept:
            return person.phone
        phone = person.phone or household.phone(day)
        is_changed = dice.chance() < rates.changed and phone != household.phones[1]
        if is_changed:
            phone = household.phones[1]
        written = _number(dice, phone, rates, DUMMY_PHONES, "phone", errors)
        if is_changed and written and written not in DUMMY_PHONES:
            errors.append("phone.changed")
        return written

    def _address(self, dice: Dice, household: Household, day: int, errors: list[str]) -> Address:
        rates = self._rates.address
        if dice.chance() < rates.absent:
            errors.append("address.absent")
            return Address("", "", "")
        home = household.home(day)
        if dice.chance() < rates.ward_changed:
            home = draw_home(dice, home.new.province)
            errors.append("address.ward_changed")
        address = home.new
        if day < MERGER:
            address = home.old
        elif dice.chance() < rates.old_units:
            address = home.old
            errors.append("address.old_units")
        text = address.text
        if dice.chance() < rates.abbreviated:
            for long, short in _SHORT:
                text = text.replace(long, short)
            errors.append("address.abbreviated")
        if dice.chance() < rates.unaccented:
            text = unaccented(text)
            errors.append("address.unaccented")
        return Address(text, address.province, address.commune)

    def _kin(
        self, dice: Dice, person: Person, day: int, script: int, errors: list[str]
    ) -> tuple[str, str, str, str]:
        """Return the mother's name, and relation, name and number of the guardian."""
        mother = person.mother
        if mother is None or day - person.birth >= _CHILD:
            return "", "", "", ""
        rates, unheard = self._rates, list[str]()
        name = ""
        if dice.chance() < rates.mother_name.absent:
            errors.append("mother_name.absent")
        else:
            name = in_script(mother.name.text, script, unheard)
        if dice.chance() < rates.guardian.absent:
            errors.append("guardian.absent")
            return name, "", "", ""
        if person.father is not None and dice.happens(0.3):
            relation, guardian = "father", person.father
        else:
            relation, guardian = "mother", mother
        written = in_script(guardian.name.text, script, unheard)
        return name, relation, written, guardian.personal_number


def _number(
    dice: Dice,
    value: str,
    rates: NumberRates,
    dummies: tuple[str, ...],
    section: str,
    errors: list[str],
) -> str:
    if not value:
        return ""
    chance = dice.chance()
    if chance < rates.absent:
        errors.append(f"{section}.absent")
        return ""
    chance -= rates.absent
    if dummies and chance < rates.shared_dummy:
        errors.append(f"{section}.shared_dummy")
        return dice.pick(dummies)
    if chance < rates.shared_dummy + rates.digit_slip:
        errors.append(f"{section}.digit_slip")
        # The last six digits: the lead keeps the number in the block that nobody has.
        at = len(value) - dice.between(1, 6)
        digit = (int(value[at]) + dice.between(1, 9)) % 10
        return f"{value[:at]}{digit}{value[at + 1 :]}"
    return value


def _slipped_year(dice: Dice, year: int, latest: int) -> int:
    ways = [year - 1, year + 1, year + 10, year - 10]
    turned = year // 100 * 100 + year % 10 * 10 + year // 10 % 10
    if turned != year:
        ways.append(turned)
    fitting = [way for way in ways if way <= latest]
    return dice.pick(fitting)


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()
