"""Purposes of use, and which is a kind of which.

v3 ActReason, value set PurposeOfUse, as HL7's package of R4 nests them. A rule for a purpose
is one for its kinds too: who forbids research forbids clinical trials.
"""

from typing import Final

SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
RESEARCH: Final = "HRESCH"

_KINDS: Final = {
    "HMARKT": "",
    "HOPERAT": "CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP"
    " HQUALIMP HSYSADMIN MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV TRAIN",
    "HSYSADMIN": "LABELING METAMGT",
    "SYSDEV": "HTEST",
    "HPAYMT": "CLMATTCH COVAUTH COVERAGE REMITADV",
    "COVERAGE": "ELIGDTRM ELIGVER ENROLLM MILDCRG",
    "HRESCH": "BIORCH CLINTRCH DSRCH POARCH TRANSRCH",
    "CLINTRCH": "CLINTRCHNPC CLINTRCHPC PRECLINTRCH",
    "PATRQT": "FAMRQT PWATRNY SUPNWK",
    "PUBHLTH": "DISASTER THREAT",
    "TREAT": "CLINTRL COC ETREAT POPHLTH",
    "ETREAT": "BTG ERTREAT",
}
_ABOVE: Final = {kind: above for above, kinds in _KINDS.items() for kind in kinds.split()}
KNOWN: Final = frozenset(_KINDS) | frozenset(_ABOVE)


def with_those_above(purpose: str) -> tuple[str, ...]:
    """Return a purpose and all that it is a kind of."""
    found = [purpose]
    while (above := _ABOVE.get(found[-1])) is not None:
        found.append(above)
    return tuple(found)
