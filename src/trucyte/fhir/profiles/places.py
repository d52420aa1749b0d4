"""Where a finding of structure is shown: at what the sender has to change.

What is missing is shown at the element that lacks it, a bad link at the reference, as
other validators of FHIR do, so that findings can be compared.
"""

import re

from trucyte.fhir.profiles.rules import EXTENSION_CONTEXT, EXTENSION_TOO_MANY
from trucyte.fhir.validation.fault import (
    FULL_URL,
    MISSING_ELEMENT,
    REFERENCE_FORM,
    REFERENCE_FRAGMENT,
    REFERENCE_TARGET,
    REFERENCE_UNKNOWN_TYPE,
    REFERENCE_URN,
    Fault,
)

_AT_PARENT = frozenset(
    {
        FULL_URL,
        MISSING_ELEMENT,
        REFERENCE_FORM,
        REFERENCE_FRAGMENT,
        REFERENCE_TARGET,
        REFERENCE_UNKNOWN_TYPE,
        REFERENCE_URN,
    }
)
_ENDINGS = (".reference", ".type", ".fullUrl")
_EXTENSION = re.compile(r"\.(?:modifierE|e)xtension\[\d+\]$")


def placed(one: Fault) -> Fault:
    """Return a fault at the place where it is shown."""
    if one.rule is EXTENSION_CONTEXT:
        return Fault(one.rule, one.facts, _EXTENSION.sub("", one.path))
    if one.rule is EXTENSION_TOO_MANY:
        return Fault(one.rule, one.facts, one.path.rpartition(".")[0])
    if one.rule not in _AT_PARENT:
        return one
    if one.rule is not MISSING_ELEMENT and not one.path.endswith(_ENDINGS):
        return one
    return Fault(one.rule, one.facts, one.path.rpartition(".")[0])
