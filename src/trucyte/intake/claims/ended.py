"""How a resource says that it was entered in error, type by type (R4)."""

from trucyte.intake.claims.draft import Resource

_STATUS = "entered-in-error"
# Types whose `status` knows the code.
_BY_STATUS = frozenset(
    {
        "Appointment", "CareTeam", "Claim", "Composition", "Consent", "Coverage",
        "DetectedIssue", "Device", "DiagnosticReport", "DocumentReference", "Encounter",
        "EpisodeOfCare", "Flag", "Goal", "Immunization", "List", "Media",
        "MedicationAdministration", "MedicationDispense", "MedicationRequest",
        "MedicationStatement", "Observation", "Procedure",
        "QuestionnaireResponse", "RiskAssessment", "ServiceRequest", "Task",
    }
)  # fmt: skip
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def ended(resource: Resource) -> Resource | None:
    """Return the resource as entered in error; None where its type cannot say so."""
    kind = resource["resourceType"]
    # Composition.status and DocumentReference.status know it; docStatus stays what it was.
    if kind in _BY_STATUS:
        return {**resource, "status": _STATUS}
    if kind in ("Condition", "AllergyIntolerance"):
        system = _VERIFICATION if kind == "Condition" else _ALLERGY
        # con-5, ait-2: no clinicalStatus beside entered-in-error.
        kept = {name: value for name, value in resource.items() if name != "clinicalStatus"}
        return {**kept, "verificationStatus": {"coding": [{"system": system, "code": _STATUS}]}}
    return None


def is_ended(resource: Resource) -> bool:
    """Say whether a resource is entered in error already."""
    if resource.get("status") == _STATUS:
        return True
    codings = (resource.get("verificationStatus") or {}).get("coding", ())
    return any(coding.get("code") == _STATUS for coding in codings)
