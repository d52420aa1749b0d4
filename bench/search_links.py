"""Shapes of searches that ask of other resources, and of words: for `bench.search`."""

LOINC = "http://loinc.org"
HEIGHT = f"{LOINC}|8302-2"
RARE = "http://snomed.info/sct|254837009"

Shape = tuple[str, str, list[tuple[str, str]]]


def link_shapes(id: str, identifier: str, family: str) -> list[Shape]:
    """Return searches by chains, `_has`, filters and words; the person is one of the loaded."""
    return [
        ("chain: an identifier", "Observation", [("patient.identifier", identifier)]),
        ("chain: a name", "Observation", [("subject:Patient.name", family[:4])]),
        ("chain: a name, any type", "Observation", [("subject.name", family[:4])]),
        ("chain: half of all", "Observation", [("patient.gender", "female")]),
        ("chain: half, frequent code", "Observation",
         [("patient.gender", "female"), ("code", HEIGHT)]),
        ("chain: half, rare code", "Condition", [("patient.gender", "female"), ("code", RARE)]),
        ("chain: half, by date", "Observation",
         [("patient.gender", "female"), ("code", "8302-2"), ("_sort", "-date")]),
        ("chain: many encounters", "Observation", [("encounter.class", "AMB")]),
        ("chain: many, never meet", "Observation",
         [("encounter.class", "AMB"), ("code", "nothing")]),
        ("chain: a month's encounters", "Observation", [("encounter.date", "2015-03")]),
        ("chain: two links", "Observation",
         [("encounter:Encounter.service-provider:Organization.name:contains", "hosp")]),
        ("chain: three links", "DiagnosticReport",
         [("result.encounter.patient.identifier", identifier)]),
        ("has: rare code", "Patient", [("_has:Condition:patient:code", RARE)]),
        ("has: frequent code", "Patient", [("_has:Observation:patient:code", HEIGHT)]),
        ("has: code and value", "Patient",
         [("_has:Observation:patient:code-value-quantity", f"{HEIGHT}$gt190")]),
        ("has: all", "Patient", [("_has:Observation:patient:status", "final")]),
        ("has: of encounters", "Encounter", [("_has:Observation:encounter:code", HEIGHT)]),
        ("has: of a person's encounters", "Encounter",
         [("_has:Observation:encounter:code", HEIGHT), ("patient", id)]),
        ("has: nested", "Organization",
         [("_has:Encounter:service-provider:_has:Observation:encounter:code", HEIGHT)]),
        ("has: count", "Patient",
         [("_has:Observation:patient:code", HEIGHT), ("_summary", "count")]),
        ("chain: count of half", "Observation",
         [("patient.gender", "female"), ("_summary", "count")]),
        ("filter: or", "Observation", [("_filter", f"code eq {HEIGHT} or code eq 29463-7")]),
        ("filter: not", "Observation",
         [("_filter", f"code eq {HEIGHT} and not (status eq amended)")]),
        ("filter: chain", "Observation",
         [("_filter", "patient.gender eq female and (code eq 8302-2 or code eq 29463-7)")]),
        ("words, of a person", "Observation", [("_content", "glucose"), ("patient", id)]),
        ("words, of a code", "Observation", [("_content", "height"), ("code", HEIGHT)]),
    ]  # fmt: skip
