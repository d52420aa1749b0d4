"""One request to the provider, and its answer, without anything of HTTP's machinery."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from trucyte.shared.access.oauth.refusal import OAuthRefused

FIELDS_MAX = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: where it came in, and what it says."""

    issuer: str  # "https://node.example.vn", as this client sees us
    url: str  # what was asked, without query
    method: str
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    certificate: str = ""  # x5t#S256 of the client's certificate; "": it showed none

    @property
    def audience(self) -> str:
        """What our access tokens are for: the base of the FHIR API."""
        return f"{self.issuer}/fhir"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in JSON."""

    status: int
    body: Mapping[str, Any]
    headers: Sequence[tuple[str, str]] = ()


def read_form(text: bytes | str) -> Mapping[str, str]:
    """Return a form's or a query's fields; empty ones count as left out (RFC 6749 §3.1).

    Raises OAuthRefused where a field comes twice or is no text.
    """
    try:
        said = text.decode("ascii") if isinstance(text, bytes) else text
        pairs = parse_qsl(said, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise OAuthRefused("invalid_request", "the form cannot be read") from None
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise OAuthRefused("invalid_request", "a parameter comes twice")
    if any("\0" in value for _, value in pairs):
        raise OAuthRefused("invalid_request", "the form cannot be read")
    return {name: value for name, value in pairs if value}


def refusal(problem: OAuthRefused, *, nonce: str = "") -> Reply:
    """Return the answer to what is refused (RFC 6749 §5.2)."""
    headers = [("DPoP-Nonce", nonce)] if nonce else []
    if problem.error == "invalid_client":
        headers.append(("WWW-Authenticate", 'Basic realm="oauth", error="invalid_client"'))
    body = {"error": problem.error, "error_description": problem.reason}
    return Reply(problem.status, body, headers)
