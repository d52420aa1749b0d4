"""One request to the FHIR API as its handlers see it: read, decoded, with its access.

Handlers are plain functions from a `FhirCall` to an `Answer` in FHIR JSON; the format the
client asked for (XML, indented) is put on afterwards, in one place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trucyte.records.access import Access
from trucyte.web.api.asgi import Answer
from trucyte.web.api.headers import Media, Prefer

FHIR_JSON = "application/fhir+json; charset=utf-8"
FHIR_XML = "application/fhir+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class FhirCall:
    """A request below the base path."""

    method: str  # HEAD comes as GET
    path: str  # below the base, beginning with "/": "/Patient/p1"
    base: str  # "http://127.0.0.1:8080/fhir"
    query: str  # as it came, behind the "?"
    pairs: Sequence[tuple[str, str]]  # decoded; without `_format` and `_pretty`
    headers: Mapping[str, str]  # names in lower case
    places: Mapping[str, str]  # what the route's pattern caught: type, id, version, name
    access: Access
    language: str  # "vi" or "en"
    prefer: Prefer
    media: Media  # of the body that came
    wants_content: bool = False  # of a Binary, rather than the resource
    is_in_bundle: bool = False  # a read of a batch or transaction
    body: bytes = b""  # FHIR as JSON, also where it came as XML; anything else as it came
    original: bytes = b""  # a body that came as XML, as it came

    @property
    def type(self) -> str:
        """The resource type in the path; "" at the system's level."""
        return self.places.get("type") or ""

    @property
    def id(self) -> str:
        """The id in the path; "" at a type's and the system's level."""
        return self.places.get("id") or ""

    @property
    def url(self) -> str:
        """The address asked; a form's content is not repeated in it."""
        return f"{self.base}{self.path}" + (f"?{self.query}" if self.query else "")

    def value(self, name: str) -> str:
        """Return the last value of a parameter, "" where there is none."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")


FhirHandler = Callable[[FhirCall], Answer]
