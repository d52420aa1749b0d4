"""What can be done to data, and how AuditEvent names it: one row an interaction.

A reason as the gate gives it is an interaction and a resource type: "read Patient".
What the table does not know is kept under its own name as an operation that was executed.
"""

import re
from enum import StrEnum
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
_LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_NAME: Final = re.compile(r"\$?[a-z][a-z-]{0,30}")


class Coding(NamedTuple):
    """A code of a system."""

    system: str
    code: str
    display: str


class Pattern(StrEnum):
    """Which of BALP's patterns an event follows: who its agents are, what its entities."""

    READ = "Read"
    QUERY = "Query"
    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    EXPORT = "PrivacyDisclosure.Source"
    IMPORT = "PrivacyDisclosure.Recipient"
    SECURITY = ""  # no pattern of BALP: DICOM's audit messages for security

    @property
    def is_restful(self) -> bool:
        """Say whether BALP has a variant of it for one patient: `PatientRead`."""
        return self in (self.READ, self.QUERY, self.CREATE, self.UPDATE, self.DELETE)


class Interaction(NamedTuple):
    """How AuditEvent says it; `action` is C, R, U, D or E."""

    action: str
    type: Coding
    subtype: Coding
    pattern: Pattern
    more: tuple[Coding, ...] = ()  # further subtypes


_OF_ACTION: Final = {
    "C": Pattern.CREATE,
    "R": Pattern.READ,
    "U": Pattern.UPDATE,
    "D": Pattern.DELETE,
    "E": Pattern.QUERY,
}


def _restful(action: str, code: str, *more: Coding) -> Interaction:
    return Interaction(
        action, Coding(*_REST), Coding(_RESTFUL, code, code), _OF_ACTION[action], more
    )


def _own(action: str, name: str, words: str, *more: Coding) -> Interaction:
    return Interaction(action, Coding(*_REST), Coding(_OWN, name, words), _OF_ACTION[action], more)


def _security(action: str, event: Coding, kind: Coding, *more: Coding) -> Interaction:
    return Interaction(action, event, kind, Pattern.SECURITY, more)


def _account(action: str, words: str, code: str = "110137", display: str = "") -> Interaction:
    display = display or "User Security Attributes Changed"
    return _security(action, _ALERT, Coding(_DICOM, code, f"{display}: {words.lower()}"))


def _node(action: str, name: str, words: str, event: Coding, *more: Coding) -> Interaction:
    return _security(action, event, Coding(_OWN, name, words), *more)


_ALERT: Final = Coding(_DICOM, "110113", "Security Alert")
_AUTHENTICATION: Final = Coding(_DICOM, "110114", "User Authentication")
_ACTIVITY: Final = Coding(_DICOM, "110100", "Application Activity")
_EXPORT: Final = Coding(_DICOM, "110106", "Export")
_IMPORT: Final = Coding(_DICOM, "110107", "Import")
_LOG_USED: Final = Coding(_DICOM, "110101", "Audit Log Used")
_CONFIGURATION: Final = Coding(_DICOM, "110129", "Security Configuration")
_OVERRIDE: Final = Coding(_DICOM, "110127", "Emergency Override Started")
_DISCLOSE: Final = Coding(_LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")
_DESTROY: Final = Coding(_LIFECYCLE, "destroy", "Destroy/Delete Record Lifecycle Event")
_ARCHIVE: Final = Coding(_LIFECYCLE, "archive", "Archive Record Lifecycle Event")
_RESTORE: Final = Coding(_LIFECYCLE, "restore", "Restore Record Lifecycle Event")
_HOLD: Final = Coding(_LIFECYCLE, "hold", "Add Legal Hold Record Lifecycle Event")
_UNHOLD: Final = Coding(_LIFECYCLE, "unhold", "Remove Legal Hold Record Lifecycle Event")

_DATA: Final = {
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
    "timeline": _own("R", "timeline", "A person's record"),
    "page": _own("R", "page", "A page for people"),
    "receive": Interaction(
        "C", _IMPORT, Coding(_OWN, "receive", "A file was received"), Pattern.IMPORT
    ),
    "export": Interaction(
        "R", _EXPORT, Coding(_OWN, "export", "Data was exported"), Pattern.EXPORT
    ),
    "disclose": Interaction("R", _EXPORT, _DISCLOSE, Pattern.EXPORT),
    "$export": Interaction("R", _EXPORT, Coding(_RESTFUL, "operation", "$export"), Pattern.EXPORT),
    "$export-file": Interaction(
        "R", _EXPORT, Coding(_RESTFUL, "operation", "$export-file"), Pattern.EXPORT, (_DISCLOSE,)
    ),
}
_DOORS: Final = {
    "login": _security("E", _AUTHENTICATION, Coding(_DICOM, "110122", "Login")),
    "logout": _security("E", _AUTHENTICATION, Coding(_DICOM, "110123", "Logout")),
    "lock": _node("E", "lock", "A session was locked", _AUTHENTICATION),
    "unlock": _node("E", "unlock", "A session was unlocked", _AUTHENTICATION),
    "token-issue": _node("C", "token-issue", "A token was given", _AUTHENTICATION),
    "token-refresh": _node("U", "token-refresh", "A token was renewed", _AUTHENTICATION),
    "token-refuse": _node("E", "token-refuse", "A token was refused", _AUTHENTICATION),
    "token-revoke": _node("D", "token-revoke", "A token was revoked", _AUTHENTICATION),
    "app-launch": _node("E", "app-launch", "An application was launched", _AUTHENTICATION),
    "app-add": _node("C", "app-add", "An application was registered", _CONFIGURATION),
    "app-change": _node("U", "app-change", "An application was changed", _CONFIGURATION),
    "app-end": _node("D", "app-end", "An application was ended", _CONFIGURATION),
    "denial": _security("E", _ALERT, Coding(_DICOM, "110132", "Use of Restricted Function")),
}
_ACCOUNTS: Final = {
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
_RULES: Final = {
    "rule-change": _node("U", "rule-change", "The rules of access changed", _CONFIGURATION),
    "emergency": _security("E", _ALERT, _OVERRIDE),
    "emergency-end": _security("E", _ALERT, Coding(_DICOM, "110138", "Emergency Override Stopped")),
    "emergency-list": _node("R", "emergency-list", "Emergencies were listed", _LOG_USED),
    "emergency-review": _node("U", "emergency-review", "An emergency was judged", _ALERT),
    "release-ask": _node("C", "release-ask", "A release of data was asked for", _ALERT),
    "release-open": _node("U", "release-open", "A release of data was opened", _ALERT),
    "release-refuse": _node("U", "release-refuse", "A release of data was refused", _ALERT),
    "release-end": _node("D", "release-end", "A release of data was ended", _ALERT),
    "alert-list": _node("R", "alert-list", "Alerts were listed", _LOG_USED),
    "alert-move": _node("U", "alert-move", "An alert was judged", _ALERT),
    "watch-list": _node("U", "watch-list", "Sensitive persons were listed", _CONFIGURATION),
    "consent-give": _own("C", "consent-give", "A consent was given"),
    "consent-withdraw": _own("U", "consent-withdraw", "A consent was withdrawn"),
}
_KEEPING: Final = {
    "key-rotate": _node("U", "key-rotate", "A key was followed by a new one", _CONFIGURATION),
    "key-escrow": _node("R", "key-escrow", "A sealed copy of the keys was made", _CONFIGURATION),
    "backup": _node("R", "backup", "A backup was made", _EXPORT, _ARCHIVE),
    "restore": _node("C", "restore", "A backup was restored", _IMPORT, _RESTORE),
    "erase": _own("D", "erase", "Data was erased by law", _DESTROY),
    "retain": _node("D", "retain", "What is older than its time was removed", _ACTIVITY, _DESTROY),
    "hold-add": _node("C", "hold-add", "A legal hold was set", _CONFIGURATION, _HOLD),
    "hold-end": _node("D", "hold-end", "A legal hold was ended", _CONFIGURATION, _UNHOLD),
    "start": _security("E", _ACTIVITY, Coding(_DICOM, "110120", "Application Start")),
    "stop": _security("E", _ACTIVITY, Coding(_DICOM, "110121", "Application Stop")),
}
INTERACTIONS: Final = _DATA | _DOORS | _ACCOUNTS | _RULES | _KEEPING
# Their entries carry in `code` the account that was changed, where all went well.
ACCOUNT_CHANGES: Final = frozenset(name for name in INTERACTIONS if name.startswith("account-"))


def interaction_of(name: str) -> Interaction:
    """Return the row of an interaction; an unknown one is an operation executed."""
    known = INTERACTIONS.get(name)
    if known is not None:
        return known
    return Interaction("E", Coding(*_REST), Coding(_RESTFUL, "operation", name), Pattern.QUERY)


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
