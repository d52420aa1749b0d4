"""Under which address a client sees this node, and which certificate it showed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from trucyte.shared.access.oauth.asked import Asked
from trucyte.shared.access.oauth.proof import certificate_thumbprint
from trucyte.web.api import asgi


@dataclass(frozen=True, slots=True)
class Place:
    """What the operator says of the address of this node."""

    issuer: str = ""  # "": the address that was asked at
    trusts_forwarded: bool = False
    certificate_header: str = ""  # believed only of a proxy that is trusted
    # The certificate of the connection itself (DER in base64, RFC 9440), where TLS ends here.
    certificate_of: Callable[[asgi.Call], str] = lambda call: ""

    def of(self, scheme: str, headers: Mapping[str, str]) -> str:
        """Return the issuer of tokens as this client sees it."""
        if self.issuer:
            return self.issuer.rstrip("/")
        host = headers.get("host", "localhost")
        if self.trusts_forwarded:
            scheme = _first(headers, "x-forwarded-proto") or scheme
            host = _first(headers, "x-forwarded-host") or host
        return f"{scheme}://{host}"

    def asked(self, call: asgi.Call, form: Mapping[str, str]) -> Asked:
        """Return a call as the provider sees it."""
        issuer = self.of(call.scheme, call.headers)
        return Asked(
            issuer, f"{issuer}{call.path}", call.method, form, call.headers, self._shown(call)
        )

    def of_page(self, request: Request, form: Mapping[str, str]) -> Asked:
        """Return a request for a page as the provider sees it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        issuer = self.of(request.url.scheme, headers)
        return Asked(issuer, f"{issuer}{request.url.path}", request.method, form, headers)

    def _shown(self, call: asgi.Call) -> str:
        """Return the thumbprint of the certificate that the client showed."""
        told = self.certificate_of(call)
        if not told and self.trusts_forwarded and self.certificate_header:
            told = call.headers.get(self.certificate_header.lower(), "")
        return certificate_thumbprint(told)


def _first(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").split(",")[0].strip()
