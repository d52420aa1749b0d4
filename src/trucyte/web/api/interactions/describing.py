"""What this node can do: `/metadata` (R4 §3.1.0.10)."""

from collections.abc import Sequence

from trucyte.base.problem import Kind, Problem
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.capability import Capabilities
from trucyte.web.api.routes import Place, Row


class ModeUnknown(Problem):
    """The mode of a capability statement is full, normative or terminology."""

    code = "capability-mode"


class NoTerminology(Problem):
    """This node's API has no terminology operations."""

    kind = Kind.NOT_FOUND
    code = "no-terminology"


class Describing:
    """Answers with the statements."""

    def __init__(self, capabilities: Capabilities) -> None:
        """Answer what `capabilities` says."""
        self._capabilities = capabilities

    def rows(self) -> Sequence[Row]:
        """Return what it answers."""
        return (Row(Place.METADATA, "GET", self.metadata),)

    def metadata(self, call: FhirCall) -> Answer:
        """Answer the CapabilityStatement, or the TerminologyCapabilities."""
        mode = call.value("mode") or "full"
        if mode == "terminology":
            body = self._capabilities.terminology(call.base)
            if body is None:
                raise NoTerminology
        elif mode in ("full", "normative"):
            body = self._capabilities.statement(call.base)
        else:
            raise ModeUnknown
        return Answer(200, body, FHIR_JSON)
