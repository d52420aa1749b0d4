"""The profiles that R4 demands of vital signs by their code (R4 vital signs profiles)."""

from collections.abc import Mapping
from typing import Any

from trucyte.fhir.packages.library import STRUCTURES

_LOINC = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
}
# The same measurements as SNOMED CT calls them.
_SNOMED = {
    "86290005": "resprate",
    "364075005": "heartrate",
    "78564009": "heartrate",
    "276885007": "bodytemp",
    "386725007": "bodytemp",
    "50373000": "bodyheight",
    "27113001": "bodyweight",
    "60621009": "bmi",
    "75367002": "bp",
}
_BY_SYSTEM = {"http://loinc.org": _LOINC, "http://snomed.info/sct": _SNOMED}


def implied_profiles(resource: Mapping[str, Any]) -> list[str]:
    """Return the profiles that an Observation must meet for its code."""
    if resource.get("resourceType") != "Observation":
        return []
    code = resource.get("code")
    listed = code.get("coding") if type(code) is dict else None
    found = []
    for coding in listed if type(listed) is list else ():
        system = coding.get("system") if type(coding) is dict else None
        codes = _BY_SYSTEM.get(system) if type(system) is str else None
        value = coding.get("code") if codes is not None else None
        if codes is not None and type(value) is str and value in codes:
            found.append(STRUCTURES + codes[value])
    return list(dict.fromkeys(found))
