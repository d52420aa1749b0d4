"""What `bench.api` asks: thirty shapes of searches, and the mix of the search workload.

A shape is a path with names in braces; the values are drawn anew for each request from what
was loaded, so that no answer is asked for twice in a row.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from bench.api_data import Resource, renamed

HEIGHT, WEIGHT, PRESSURE = (f"http://loinc.org|{code}" for code in ("8302-2", "29463-7", "85354-9"))

SHAPES: Mapping[str, str] = {
    "read": "Patient/{patient}",
    "by id": "Patient?_id={patient}",
    "identifier with system": "Patient?identifier=http://hospital.smarthealthit.org|{identifier}",
    "identifier": "Patient?identifier={identifier}",
    "family name, exact": "Patient?family:exact={family}",
    "name begins": "Patient?name={beginning}",
    "name contains": "Patient?name:contains={inside}",
    "gender and birth date": "Patient?gender=female&birthdate=ge{year}-01-01",
    "birth year, by name": "Patient?birthdate={year}&_sort=family",
    "city": "Patient?address-city={city}",
    "all of a person's observations": "Observation?patient={patient}",
    "a person's latest of a code": (
        f"Observation?patient={{patient}}&code={HEIGHT}&_sort=-date&_count=1"
    ),
    "a person's vital signs": "Observation?patient={patient}&category=vital-signs",
    "a person's encounters since": "Encounter?patient={patient}&date=ge2015-01-01",
    "a person's conditions": "Condition?patient={patient}&clinical-status=active",
    "a person's prescriptions": "MedicationRequest?patient={patient}&status=active",
    "code": f"Observation?code={HEIGHT}",
    "code, latest first": f"Observation?code={WEIGHT}&_sort=-date",
    "code and value": f"Observation?code-value-quantity={HEIGHT}$gt{{height}}",
    "component and value": (
        "Observation?component-code-value-quantity=http://loinc.org|8480-6$gt{systolic}"
    ),
    "value": "Observation?value-quantity=gt{height}|http://unitsofmeasure.org|cm",
    "condition by code": "Condition?code=http://snomed.info/sct|{condition}",
    "encounters of a month": "Encounter?date={month}",
    "encounters of a month, in order": "Encounter?date={month}&_sort=date",
    "chain: by the person's name": f"Observation?subject:Patient.family={{family}}&code={HEIGHT}",
    "chain: by gender": "Condition?code=http://snomed.info/sct|{condition}&patient.gender=female",
    "reverse chain": "Patient?_has:Condition:patient:code=http://snomed.info/sct|{condition}",
    "with the person": f"Observation?code={HEIGHT}&_include=Observation:patient&_count=20",
    "with all observations": "Patient?_id={patient}&_revinclude=Observation:patient",
    "count of a code": f"Observation?code={PRESSURE}&_summary=count",
}
# Health Samurai's: string, date, reference, token, quantity, composite; `_count=100`.
MIX: Sequence[str] = (
    "Patient?name={beginning}&_count=100",
    "Patient?name:contains={inside}&_count=100",
    "Patient?birthdate=ge{year}-01-01&birthdate=le{year}-12-31&_count=100",
    "Encounter?date=ge{month}-01&_count=100",
    "Observation?patient={patient}&_count=100",
    "Encounter?patient=Patient/{patient}&_count=100",
    "Patient?gender=male&_count=100",
    "Condition?code=http://snomed.info/sct|{condition}&_count=100",
    "Patient?identifier={identifier}&_count=100",
    "Observation?value-quantity=gt{height}|http://unitsofmeasure.org|cm&_count=100",
    f"Observation?code-value-quantity={HEIGHT}$gt{{height}}&_count=100",
)


class Sampler:
    """Draws values of the people that were loaded, the same ones in every run."""

    def __init__(self, people: Sequence[Sequence[Resource]], copies: int) -> None:
        """Draw from so many copies of these people."""
        self._patients = [person[0] for person in people]
        kinds = [one for person in people for one in person if one["resourceType"] == "Condition"]
        self._conditions = sorted({one["code"]["coding"][0]["code"] for one in kinds})
        self._copies = copies
        self._random = random.Random(7)

    def values(self) -> dict[str, str]:
        """Return one value for each name in braces."""
        drawn, copy = self._random.choice(self._patients), self._random.randrange(self._copies)
        family = drawn["name"][0]["family"]
        year, month = self._random.randrange(1940, 2010), self._random.randrange(1, 13)
        return {
            "patient": renamed(drawn["id"], copy),
            "identifier": f"{drawn['identifier'][1]['value']}-{copy}",
            "family": f"{family}{copy}",
            "beginning": family[:4],
            "inside": family[1:5],
            "city": drawn["address"][0]["city"],
            "year": str(year),
            "month": f"{self._random.randrange(2010, 2020)}-{month:02}",
            "height": str(self._random.randrange(160, 190)),
            "systolic": str(self._random.randrange(110, 150)),
            "condition": self._random.choice(self._conditions),
        }

    def paths(self, shape: str) -> Iterator[str]:
        """Yield paths of a shape without end, ready to be sent."""
        while True:
            drawn = {name: quote(value) for name, value in self.values().items()}
            yield shape.format_map(drawn).replace("|", "%7C").replace("$", "%24")
