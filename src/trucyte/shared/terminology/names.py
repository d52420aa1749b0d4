"""The names this package writes into resources: extensions, tags, properties."""

from typing import Final

_OWN: Final = "https://trucyte.vn/fhir/StructureDefinition/"

TYPES: Final = ("CodeSystem", "ValueSet", "ConceptMap")

# R4's own extension: from when to when an artefact is in force (both days inclusive).
EFFECTIVE: Final = "http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod"
LEGAL: Final = _OWN + "legal-basis"  # the decision or circular a list comes from
SOURCE: Final = _OWN + "list-source"  # where its rows were taken from
PART: Final = _OWN + "code-system-part"  # id of a CodeSystem that holds some of the concepts
PART_OF: Final = _OWN + "code-system-part-of"  # on such a part: whose it is
VALIDITY: Final = _OWN + "concept-validity"  # period and verified, of a concept as it stands
EARLIER: Final = _OWN + "concept-earlier"  # an earlier wording of the code with its own period

LIST_NAME: Final = "https://trucyte.vn/fhir/sid/list"  # identifier: the list's short name
KEEPER: Final = "https://trucyte.vn/fhir/CodeSystem/list-keeper"  # meta.tag: pack or operator
PACK: Final = "pack"
OPERATOR: Final = "operator"

PARENT: Final = "parent"
PARENT_URI: Final = "http://hl7.org/fhir/concept-properties#parent"

# FHIR's own concept property: a heading of the list, not a code to be used.
NOT_SELECTABLE: Final = "notSelectable"
NOT_SELECTABLE_URI: Final = "http://hl7.org/fhir/concept-properties#notSelectable"
