"""People by lot for `bench.match`, and the same people as another desk writes them."""

import random
from typing import Any

from trucyte.shared.identity.matching.model import load_model

TWICE = 25  # one record in so many is a second one of somebody
CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
Fields = dict[str, str]


class Crowd:
    """People by lot; the same number gives the same person."""

    def __init__(self, people: int) -> None:
        frequencies = load_model().frequencies
        self.people = people
        self._lots = {
            part: (list(frequencies[part]), list(frequencies[part].values()))
            for part in ("family", "middle", "given")
        }

    def record(self, number: int) -> Fields:
        """Return one record of the table."""
        if number % TWICE == 1 and number > TWICE:
            lot = random.Random(number)
            return self.changed(self.record(lot.randrange(2, number) // TWICE * TWICE), lot)
        return self.fresh(number)

    def fresh(self, number: int) -> Fields:
        """Return a person whom nobody knows."""
        lot = random.Random(number * 2 + 1)
        names = [lot.choices(*self._lots[part])[0] for part in ("family", "middle", "given")]
        year = 2026 - min(int(lot.triangular(0, 95, 30)), 95)
        month, day = lot.randint(1, 12), lot.randint(1, 28)
        sex = lot.choice("12")
        home = lot.randrange(3321)
        century = 0 if year < 2000 else 2
        made = {
            "name": " ".join(names).title(),
            "birth_date": f"{year}-{month:02}-{day:02}",
            "sex": sex,
            "province": f"{home % 34:02}",
            "commune": f"{home:05}",
            "address": f"so {lot.randrange(1, 400)} duong {lot.randrange(300)}",
        }
        serial = f"{number:08}"
        if lot.random() < 0.6:
            code = century + (sex == "2")
            made["personal_number"] = f"0{home % 90 + 1:02}{code}{year % 100:02}{serial[-6:]}"
        if lot.random() < 0.7:
            made["social_number"] = f"79{serial}"
        if lot.random() < 0.7:
            made["phone"] = f"09{lot.randrange(10**8):08}"
        return made

    def changed(self, person: Fields, lot: random.Random) -> Fields:
        """Return the same person as another desk writes it."""
        other = dict(person)
        errors = lot.sample(
            ("marks", "number", "phone", "digit", "home", "middle", "social"), lot.choice((1, 2, 3))
        )
        words = other["name"].split()
        if "marks" in errors:
            other["name"] = other["name"].upper()
        if "middle" in errors and len(words) > 2:
            other["name"] = f"{words[0]} {words[-1]}"
        if "digit" in errors:
            year, month, _ = other["birth_date"].split("-")
            other["birth_date"] = f"{year}-{month}-{lot.randint(1, 28):02}"
        if "home" in errors:
            other |= {"commune": f"{lot.randrange(3321):05}", "address": "so 1"}
        for error, field in (("number", "personal_number"), ("phone", "phone"),
                             ("social", "social_number")):  # fmt: skip
            if error in errors:
                other.pop(field, None)
        return other


def patient(fields: Fields) -> dict[str, Any]:
    """Return a record as a FHIR Patient."""
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [{"use": "official", "text": fields["name"]}],
        "birthDate": fields["birth_date"],
        "gender": "male" if fields["sex"] == "1" else "female",
        "address": [{"line": [fields["address"]], "district": fields["commune"],
                     "state": fields["province"]}],
    }  # fmt: skip
    if "personal_number" in fields:
        made["identifier"] = [{"system": CCCD, "value": fields["personal_number"]}]
    if "phone" in fields:
        made["telecom"] = [{"system": "phone", "value": fields["phone"]}]
    return made
