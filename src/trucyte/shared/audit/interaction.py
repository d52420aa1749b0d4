"""What can be done to data, and how AuditEvent names it: one row an interaction.

A reason as the gate gives it is an interaction and a resource type: "read Patient".
What the table does not know is kept under its own name as an operation that was executed.
"""

import re
from typing import Final, NamedTuple

from trucyte.fhir.types import TYPE_NUMBERS

_REST: Final = (
    "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "rest",
    "RESTful Operation",
)
_RESTFUL: Final = "http://hl7.org/fhir/restful-interaction"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_OWN: Final = "https://trucyte.vn/fhir/CodeSystem/interaction"
_NAME: Final = re.compile(r"\$?[a-z][a-z-]{0,30}")


class Coding(NamedTuple):
    """A code of a system."""

    system: str
    code: str
    display: str


class Interaction(NamedTuple):
    """How AuditEvent says it; `action` is C, R, U, D or E."""

    action: str
    type: Coding
    subtype: Coding


def _restful(action: str, code: str) -> Interaction:
    return Interaction(action, Coding(*_REST), Coding(_RESTFUL, code, code))


def _account(action: str, words: str, code: str = "110137", display: str = "") -> Interaction:
    display = display or "User Security Attributes Changed"
    kind = Coding(_DICOM, code, f"{display}: {words.lower()}")
    return Interaction(action, Coding(_DICOM, "110113", "Security Alert"), kind)


INTERACTIONS: Final = {
    "read": _restful("R", "read"),
    "vread": _restful("R", "vread"),
    "history": _restful("R", "history"),
    "search": _restful("E", "search"),
    "count": _restful("E", "search"),
    "create": _restful("C", "create"),
    "update": _restful("U", "update"),
    "patch": _restful("U", "patch"),
    "delete": _restful("D", "delete"),
    "batch": _restful("E", "batch"),
    "transaction": _restful("E", "transaction"),
    "timeline": Interaction("R", Coding(*_REST), Coding(_OWN, "timeline", "A person's record")),
    "page": Interaction("R", Coding(*_REST), Coding(_OWN, "page", "A page for people")),
    "receive": Interaction(
        "C", Coding(_DICOM, "110107", "Import"), Coding(_OWN, "receive", "A file was received")
    ),
    "export": Interaction(
        "R", Coding(_DICOM, "110106", "Export"), Coding(_OWN, "export", "Data was exported")
    ),
    "login": Interaction(
        "E", Coding(_DICOM, "110114", "User Authentication"), Coding(_DICOM, "110122", "Login")
    ),
    "logout": Interaction(
        "E", Coding(_DICOM, "110114", "User Authentication"), Coding(_DICOM, "110123", "Logout")
    ),
    "account-first": _account("C", "An administrator was made"),
    "account-add": _account("C", "An account was made"),
    "account-roles": _account("U", "Rights were changed", "110136", "Security Roles Changed"),
    "account-review": _account("U", "Rights were reviewed"),
    "account-reset": _account("U", "What proves the holder was forgotten"),
    "account-wake": _account("U", "An idle account was enabled"),
    "account-end": _account("D", "An account was ended"),
    "account-password": _account("U", "A password was set"),
    "account-factor": _account("U", "A second factor was set or ended"),
    "account-recovery": _account("U", "Recovery codes were made"),
    "account-passkey": _account("U", "A passkey was kept or removed"),
    "account-session": _account("U", "A session was ended"),
}
# Their entries carry in `code` the account that was changed, where all went well.
ACCOUNT_CHANGES: Final = frozenset(name for name in INTERACTIONS if name.startswith("account-"))


def interaction_of(name: str) -> Interaction:
    """Return the row of an interaction; an unknown one is an operation executed."""
    known = INTERACTIONS.get(name)
    if known is not None:
        return known
    return Interaction("E", Coding(*_REST), Coding(_RESTFUL, "operation", name))


def read_reason(reason: str) -> tuple[str, str]:
    """Return interaction and resource type of a reason.

    Only names of the program pass: what else a caller may have put there is left out.
    """
    name, _, rest = reason.replace(":", " ").partition(" ")
    kind = rest.lstrip().partition(" ")[0]
    return (
        name if _NAME.fullmatch(name) else "other",
        kind if kind in TYPE_NUMBERS else "",
    )
